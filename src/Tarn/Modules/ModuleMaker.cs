// From bytes to a module: told apart by what they are, looked up in the cache, decoded, validated, checked for what this version cannot execute, compiled. Whatever is
// wrong with a module is found here and is a typed exception; nothing is left over for a running guest to find.
using System.Diagnostics;
using Tarn.Diagnostics;
using Tarn.Engines;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Modules;

internal static class ModuleMaker
{
    /// <summary>Makes a module of bytes in the binary or the text format.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="bytes">The module; kept, not copied.</param>
    /// <param name="fileName">The file that the bytes are from, for messages.</param>
    /// <param name="progress">Receives how far the compilation is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static ModuleCore Make(
        EngineCore engine, ReadOnlyMemory<byte> bytes, string? fileName = null, IProgress<CompilationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        engine.ThrowIfDisposed();
        RefuseForeign(bytes.Span, fileName);
        if (engine.Options.CompilationCache is not CompilationCache cache || engine.Options.CompilationMode != CompilationMode.Eager || bytes.Length < CompilationCache.SmallestModule)
            return Compile(engine, bytes, fileName, progress, cancellationToken);
        if (CachedModules.TryLoad(cache, engine, bytes.Span) is ModuleCore cached)
            return cached;
        ModuleCore module = Compile(engine, bytes, fileName, progress, cancellationToken);
        CachedModules.Store(cache, module, bytes.Span);
        return module;
    }

    /// <summary>Makes a module of what a stream holds, on the thread pool.</summary>
    public static async Task<ModuleCore> MakeAsync(EngineCore engine, Stream stream, IProgress<CompilationProgress>? progress, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte> bytes = all.GetBuffer().AsMemory(0, (int)all.Length);
        return await Task.Run(() => Make(engine, bytes, progress: progress, cancellationToken: cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes a module of text. Errors in the module are reported with lines of the text.</summary>
    public static ModuleCore MakeOfText(
        EngineCore engine, ReadOnlyMemory<byte> text, string? fileName, IProgress<CompilationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        engine.ThrowIfDisposed();
        return Located(text, fileName, () => CompileBinary(engine, WatParser.Parse(text.Span, fileName), progress, cancellationToken));
    }

    /// <summary>Validates a module in the binary or the text format.</summary>
    public static void Validate(EngineCore engine, ReadOnlyMemory<byte> bytes)
    {
        engine.ThrowIfDisposed();
        RefuseForeign(bytes.Span, null);
        if (LooksLikeText(bytes.Span))
            Located(bytes, null, () => DecodeAndValidate(engine, WatParser.Parse(bytes.Span, null))).ReleaseTypes();
        else
            DecodeAndValidate(engine, bytes).ReleaseTypes();
    }

    private static ModuleCore Compile(EngineCore engine, ReadOnlyMemory<byte> bytes, string? fileName, IProgress<CompilationProgress>? progress, CancellationToken cancellationToken) =>
        LooksLikeText(bytes.Span) ? MakeOfText(engine, bytes, fileName, progress, cancellationToken) : CompileBinary(engine, bytes, progress, cancellationToken);

    private static ModuleCore CompileBinary(EngineCore engine, ReadOnlyMemory<byte> bytes, IProgress<CompilationProgress>? progress, CancellationToken cancellationToken)
    {
        using Activity? activity = TarnMetrics.Activities.StartActivity("Tarn.Compile");
        activity?.SetTag("tarn.module.bytes", bytes.Length);
        long start = TarnMetrics.Now(isWait: false);
        WasmModule wasm = DecodeAndValidate(engine, bytes);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            CompilationCounter? counter = progress is null ? null : new CompilationCounter(progress);
            var module = new ModuleCore(engine, wasm, ModuleCode.Compile(engine, wasm, counter, cancellationToken));
            TarnMetrics.Record(isWait: false, start);
            return module;
        }
        catch
        {
            wasm.ReleaseTypes();
            throw;
        }
    }

    private static WasmModule DecodeAndValidate(EngineCore engine, ReadOnlyMemory<byte> bytes)
    {
        WasmModule wasm = WasmModule.Decode(bytes, engine.Options.Features);
        ModuleValidator.Validate(wasm, engine.Types, engine.Options.CompilationThreads);
        return wasm;
    }

    private static T Located<T>(ReadOnlyMemory<byte> text, string? fileName, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (WasmException e) when (e is InvalidModuleException or MalformedModuleException or UnsupportedModuleException)
        {
            throw TextLocation.Locate(e, text.Span, fileName);
        }
    }

    private static void RefuseForeign(ReadOnlySpan<byte> bytes, string? fileName)
    {
        if (ForeignBytes.Describe(bytes) is string what)
            throw new MalformedModuleException($"{fileName ?? "the module"} {what}", 0);
    }

    // The binary format opens with a zero byte; text never has one.
    private static bool LooksLikeText(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && bytes[0] != 0;
}

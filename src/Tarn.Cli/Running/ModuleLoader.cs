// How `tarn run` gets from a path to a module that can be instantiated: text, binary or compiled ahead of time, told apart by the contents; through the
// cache where that saves time.
using Tarn.Modules;

namespace Tarn.Cli.Running;

internal static class ModuleLoader
{
    private static ReadOnlySpan<byte> ArtifactMagic => "TARNAOT\0"u8;

    /// <summary>Whether these bytes are a module that <c>tarn compile</c> wrote.</summary>
    public static bool IsArtifact(ReadOnlySpan<byte> bytes) => bytes.StartsWith(ArtifactMagic);

    /// <summary>
    /// Reads a module. Of a compiled file only as much as tells that it is one: the engine reads it itself. A pipe (<c>tarn run &lt;(…)</c>) gives its bytes once, so it is
    /// opened once and read whole, whatever it holds.
    /// </summary>
    /// <returns>The bytes; null for a compiled file.</returns>
    public static byte[]? ReadUnlessCompiled(string path)
    {
        using Stream file = ModuleInput.Open(path);
        if (file.CanSeek)
        {
            Span<byte> head = stackalloc byte[ArtifactMagic.Length];
            if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && IsArtifact(head))
                return null;
            file.Position = 0;
        }
        return ModuleInput.ReadToEnd(file);
    }

    /// <summary>Loads a compiled module.</summary>
    public static Module LoadCompiled(Engine engine, string path)
    {
        using HostPath host = HostPath.ForReading(path);
        return Module.DeserializeFile(engine, host.Usable);
    }

    /// <summary>What an engine needs to be told of a module to compile it well: small ones are not worth a second thread.</summary>
    public static EngineOptions Adapt(EngineOptions options, int size) =>
        size < CompilationCache.SmallestModule ? options with { CompilationThreads = 1 } : options with { CompilationCounter = new CompilationCounter() };

    /// <summary>Compiles a module, or loads it from the cache.</summary>
    public static Module Load(EngineOptions options, Engine engine, string path, byte[] bytes, CompilationCache? cache)
    {
        if (IsArtifact(bytes))
            return Module.Deserialize(engine, bytes);
        ModuleInput.RefuseForeign(bytes, path);
        RefuseComponents(bytes);
        using CompilationProgress? progress = Watch(options, path, bytes.Length);
        return cache is null || bytes.Length < CompilationCache.SmallestModule || options.Compilation == CompilationMode.Lazy
            ? Module.FromBytes(engine, bytes)
            : cache.GetOrCompile(options, engine, bytes, out _);
    }

    /// <summary>Shows how far a compilation is, where <see cref="Adapt"/> has found that it may take long and somebody looks; else null.</summary>
    public static CompilationProgress? Watch(EngineOptions options, string path, int size) => options.CompilationCounter is not null && !Console.IsErrorRedirected
        ? new CompilationProgress(ModuleInput.DisplayName(path), size, options.CompilationCounter, StandardStreams.Terminal, isTerminal: true)
        : null;

    // "\0asm", then version 13 and layer 1 where a core module has version 1 and layer 0.
    private static void RefuseComponents(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 8 && bytes.StartsWith("\0asm"u8) && bytes[6] == 1)
            throw new ArgumentException("this is a component (WASI preview 2); Tarn runs core modules: build for wasm32-wasip1 instead of wasm32-wasip2");
    }
}

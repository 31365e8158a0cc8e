// How `tarn run` gets from a path to a module that can be instantiated: text, binary or compiled ahead of time, told apart by the contents; through the
// cache where that saves time.
using Tarn.Modules;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;

namespace Tarn.Cli.Running;

internal static class ModuleLoader
{
    /// <summary>Whether these bytes are a module that <c>tarn compile</c> wrote.</summary>
    public static bool IsArtifact(ReadOnlySpan<byte> bytes) => bytes.StartsWith(ForeignBytes.ArtifactMagic);

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
            Span<byte> head = stackalloc byte[ForeignBytes.ArtifactMagic.Length];
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
        using CompilationProgress? progress = Watch(options, path, bytes.Length);
        return cache is null || bytes.Length < CompilationCache.SmallestModule || options.CompilationMode == CompilationMode.Lazy
            ? FromBytes(engine, path, bytes)
            : cache.GetOrCompile(options, engine, path, bytes, out _);
    }

    /// <summary>Makes a module of a file that is no compiled one.</summary>
    public static Module FromFile(Engine engine, string path)
    {
        byte[] bytes = ModuleInput.Read(path);
        ModuleInput.RefuseForeign(bytes, path);
        return FromBytes(engine, path, bytes);
    }

    /// <summary>Makes a module of bytes or text that a path holds.</summary>
    public static Module FromBytes(Engine engine, string path, byte[] bytes) =>
        ModuleInput.IsBinary(bytes) ? Module.FromBytes(engine, bytes) : Module.CompileText(engine, bytes, ModuleInput.DisplayName(path));

    /// <summary>Does what may find a module wrong; of a module that is text it is said where in the text.</summary>
    public static T Located<T>(string path, byte[] bytes, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (WasmException e) when (!ModuleInput.IsBinary(bytes) && e is InvalidModuleException { Line: null } or MalformedModuleException { Line: null } or UnsupportedInstructionException { Line: null })
        {
            throw TextLocation.Locate(e, bytes, ModuleInput.DisplayName(path));
        }
    }

    /// <summary>Shows how far a compilation is, where <see cref="Adapt"/> has found that it may take long and somebody looks; else null.</summary>
    public static CompilationProgress? Watch(EngineOptions options, string path, int size) => options.CompilationCounter is not null && !Console.IsErrorRedirected
        ? new CompilationProgress(ModuleInput.DisplayName(path), size, options.CompilationCounter, StandardStreams.Terminal, isTerminal: true)
        : null;
}

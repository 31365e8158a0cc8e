// How `tarn run` gets from a path to a module that can be instantiated: text, binary or compiled ahead of time, told apart by the contents; through the
// cache where that saves time.
using Tarn.Modules;
using Tarn.Wasm.Binary;

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

    /// <summary>Options for an engine that compiles a module of a size: small ones are not worth a second thread.</summary>
    public static EngineOptions Adapt(EngineOptions options, int size) => size < CompilationCache.SmallestModule ? options with { CompilationThreads = 1 } : options;

    /// <summary>Compiles a module, or loads it from the engine's cache. Shows how far that is, if it may take long and standard error is a terminal.</summary>
    public static Module Load(Engine engine, string path, byte[] bytes)
    {
        if (IsArtifact(bytes))
            return Module.Deserialize(engine, bytes);
        ModuleInput.RefuseForeign(bytes, path);
        using ProgressLine? progress = Console.IsErrorRedirected
            ? null
            : new ProgressLine(ModuleInput.DisplayName(path), bytes.Length, StandardStreams.Terminal, isTerminal: true);
        return new Module(engine, ModuleMaker.Make(engine.Core, bytes, ModuleInput.DisplayName(path), progress));
    }

    /// <summary>Makes a module of a file that is not a compiled one.</summary>
    public static Module FromFile(Engine engine, string path)
    {
        byte[] bytes = ModuleInput.Read(path);
        ModuleInput.RefuseForeign(bytes, path);
        return new Module(engine, ModuleMaker.Make(engine.Core, bytes, ModuleInput.DisplayName(path)));
    }
}

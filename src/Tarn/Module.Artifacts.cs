// Compiling ahead of time: writing a compiled module and loading it without compiling.
using Tarn.Modules;
using Tarn.Wasm.Validation;

namespace Tarn;

public sealed unsafe partial class Module
{
    /// <summary>
    /// The compiled module as bytes, for <see cref="Deserialize"/> by an engine of the same build of Tarn, on the same kind of processor, with
    /// the same options that change code. Of a module that was loaded they are the bytes that it was loaded from.
    /// </summary>
    public byte[] Serialize()
    {
        ThrowIfDisposed();
        // The code is read where it is loaded, which another thread's Dispose must not free meanwhile.
        AddReference();
        try
        {
            return ModuleArtifact.Write(Engine, Wasm, _code.ToCompiled());
        }
        finally
        {
            ReleaseReference();
        }
    }

    /// <summary>
    /// Loads a compiled module. Its machine code will be executed as it is: load only what you or someone you trust has written, as you would a program.
    /// </summary>
    /// <exception cref="IncompatibleArtifactException">It was made by another build, for another processor or with other options, or is damaged.</exception>
    public static Module Deserialize(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        engine.ThrowIfDisposed();
        if (bytes.IsEmpty)
            throw new IncompatibleArtifactException("there are no bytes");
        fixed (byte* start = bytes)
        {
            using var stream = new UnmanagedMemoryStream(start, bytes.Length);
            return Load(engine, stream);
        }
    }

    /// <summary>
    /// Loads a compiled module from a file, in one pass and without keeping the file open. A file that is cut off, replaced or written to while it is read
    /// gives the module as it was, or an error.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <inheritdoc cref="Deserialize"/>
    public static Module DeserializeFile(Engine engine, string path)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(path);
        engine.ThrowIfDisposed();
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (file.CanSeek)
            return Load(engine, file);
        // A pipe does not know how much comes.
        using var all = new MemoryStream();
        file.CopyTo(all);
        all.Position = 0;
        return Load(engine, all);
    }

    private static Module Load(Engine engine, Stream stream)
    {
        ArtifactReader artifact = ArtifactReader.Open(engine, stream);
        WasmModule wasm = WasmModule.Decode(artifact.ReadBytes(ArtifactSection.Module), engine.Options.Features);
        // Bodies are not validated again: the checksum says that these are the bytes that were. What validation would have learned of them is in the artifact.
        _ = ModuleValidator.ValidateDeclarations(wasm, engine.Types);
        try
        {
            wasm.SetFacts(artifact.Facts);
            wasm.SetValidated();
            return new Module(engine, wasm, ModuleCode.FromArtifact(engine, wasm, artifact));
        }
        catch
        {
            wasm.ReleaseTypes();
            throw;
        }
    }
}

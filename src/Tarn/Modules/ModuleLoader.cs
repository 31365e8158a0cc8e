// From an artifact to a module, without compiling. Bodies are not validated again: the checksum says that these are the bytes that were, and what
// validation learned of them is in the artifact.
using Tarn.Engines;
using Tarn.Wasm.Validation;

namespace Tarn.Modules;

internal static class ModuleLoader
{
    /// <summary>Loads a module from a file, in one pass and without keeping the file open.</summary>
    /// <exception cref="IncompatibleArtifactException">It was made by another build, for another processor or with other options, or is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ModuleCore LoadFile(EngineCore engine, string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (file.CanSeek)
            return Load(engine, file);
        // A pipe does not know how much comes.
        using var all = new MemoryStream();
        file.CopyTo(all);
        all.Position = 0;
        return Load(engine, all);
    }

    /// <summary>Loads a module from a stream whose length is known.</summary>
    /// <exception cref="IncompatibleArtifactException">It was made by another build, for another processor or with other options, or is damaged.</exception>
    public static ModuleCore Load(EngineCore engine, Stream stream)
    {
        ArtifactReader artifact = ArtifactReader.Open(engine, stream);
        WasmModule wasm = WasmModule.Decode(artifact.ReadBytes(ArtifactSection.Module), engine.Options.Features);
        _ = ModuleValidator.ValidateDeclarations(wasm, engine.Types);
        try
        {
            wasm.SetFacts(artifact.Facts);
            wasm.SetValidated();
            ModuleCode code = ModuleCode.FromArtifact(engine, wasm, artifact);
            try
            {
                return new ModuleCore(engine, wasm, code) { Snapshot = artifact.ReadBytes(ArtifactSection.Snapshot) };
            }
            catch
            {
                code.Dispose();
                throw;
            }
        }
        catch
        {
            wasm.ReleaseTypes();
            throw;
        }
    }
}

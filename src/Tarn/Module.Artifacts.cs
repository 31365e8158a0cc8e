// Compiling ahead of time: writing a compiled module and loading it without compiling.
using Tarn.Modules;
using Tarn.Wasm.Validation;

namespace Tarn;

public sealed unsafe partial class Module
{
    /// <summary>
    /// The compiled module as bytes, for <see cref="Deserialize"/> by an engine of the same build of Tarn, on the same kind of processor, with
    /// the same options that change code.
    /// </summary>
    public byte[] Serialize()
    {
        ThrowIfDisposed();
        return ModuleArtifact.Write(Engine, Wasm, _code.CompileAll());
    }

    /// <summary>
    /// Loads a compiled module. Its machine code will be executed as it is: load only what you or someone you trust has written, as you would a program.
    /// </summary>
    /// <exception cref="IncompatibleArtifactException">It was made by another build, for another processor or with other options, or is damaged.</exception>
    public static Module Deserialize(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        engine.ThrowIfDisposed();
        (byte[] module, bool writesTables, Compiler.CompiledFunction[] functions) = ModuleArtifact.Read(engine, bytes);
        WasmModule wasm = WasmModule.Decode(module, engine.Options.Features);
        // Bodies are not validated again: the hash says that these are the bytes that were. What validation would have learned of them is in the artifact.
        _ = ModuleValidator.ValidateDeclarations(wasm, engine.Types);
        if (writesTables)
            wasm.SetWritesTables();
        wasm.SetValidated();
        return new Module(engine, wasm, ModuleCode.FromCompiled(engine, wasm, functions));
    }

    /// <summary>Loads a compiled module from a file.</summary>
    /// <inheritdoc cref="Deserialize"/>
    public static Module DeserializeFile(Engine engine, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Deserialize(engine, File.ReadAllBytes(path));
    }
}

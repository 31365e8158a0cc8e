// What compiling a module gives, whole and immutable: code, the tables about it, its relocations, and the facts about bodies that it was compiled by. Serialising writes
// this and nothing else, loading reads it, and a module compiles its functions once: one that was loaded has no compiler, so no code can be made of it by
// facts that it does not have.
using Tarn.Compiler;
using Tarn.Compiler.Machine;

namespace Tarn.Modules;

internal sealed class CompiledModule
{
    /// <summary>What validation had learned of the bodies.</summary>
    public required ModuleFacts Facts { get; init; }

    /// <summary>The functions one behind the other, not loaded anywhere: the fields that relocations name are zero.</summary>
    public required ReadOnlyMemory<byte> Code { get; init; }

    /// <summary>What there is to know about places in the code.</summary>
    public required CodeTables Tables { get; init; }

    /// <summary>What has to be filled in when it is loaded.</summary>
    public required CodeRelocations Relocations { get; init; }

    /// <summary>All functions of a module, in order.</summary>
    public static CompiledModule Of(MachineTarget target, WasmModule wasm, ReadOnlySpan<CompiledFunction> functions)
    {
        CodeTables tables = CodeTables.Of(functions);
        byte[] code = GC.AllocateUninitializedArray<byte>(tables.Size);
        code.AsSpan().Fill(target.Filler);
        for (int i = 0; i < functions.Length; i++)
            functions[i].Code.CopyTo(code.AsSpan(tables.Starts[i]));
        return new CompiledModule { Facts = wasm.Facts, Code = code, Tables = tables, Relocations = CodeRelocations.Of(functions, tables.Starts) };
    }
}

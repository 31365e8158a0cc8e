// The places in compiled code that depend on where code is loaded and on the engine's types, as parallel arrays; an artifact holds the same. They are kept after loading:
// with them code in memory can be turned back into what the compiler made, whose fields are zero.
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Machine;

namespace Tarn.Modules;

internal sealed class CodeRelocations
{
    /// <summary>For each place: its offset from the start of the code.</summary>
    public required int[] Offsets { get; init; }

    /// <summary>For each place: what it refers to, a <see cref="SymbolKind"/>.</summary>
    public required byte[] Kinds { get; init; }

    /// <summary>For each place: which of those.</summary>
    public required int[] Targets { get; init; }

    /// <summary>The relocations of functions that are laid out one behind the other.</summary>
    public static CodeRelocations Of(ReadOnlySpan<CompiledFunction> functions, ReadOnlySpan<int> starts)
    {
        int count = 0;
        foreach (CompiledFunction function in functions)
            count += function.Relocations.Length;
        var relocations = new CodeRelocations { Offsets = new int[count], Kinds = new byte[count], Targets = new int[count] };
        int at = 0;
        for (int i = 0; i < functions.Length; i++)
        {
            foreach (ref readonly Relocation relocation in functions[i].Relocations.AsSpan())
            {
                relocations.Offsets[at] = starts[i] + relocation.Offset;
                relocations.Kinds[at] = (byte)relocation.Kind;
                relocations.Targets[at++] = relocation.Target;
            }
        }
        return relocations;
    }

    /// <summary>Turns loaded code back into what it was before it was loaded.</summary>
    public void Undo(MachineTarget target, Span<byte> code)
    {
        for (int i = 0; i < Offsets.Length; i++)
            target.Unrelocate(code, Offsets[i], (SymbolKind)Kinds[i]);
    }
}

// What a processor is to the compiler: the one seam between Machine/ and Targets/. Everything above asks an object of this class, and no code outside of
// Targets/X knows a register or an opcode of X.
//
// Machine code that was compiled for a target may run on a machine only if the target's Identity is that machine's.
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Machine;

/// <summary>A processor that code is generated for.</summary>
internal abstract class MachineTarget
{
    /// <summary>Name of the processor and the extensions that code uses: part of the identity of compiled modules.</summary>
    public abstract string Identity { get; }

    /// <summary>Its registers.</summary>
    public abstract RegisterFile Registers { get; }

    /// <summary>Names of its opcodes and registers.</summary>
    public abstract IMachineNames Names { get; }

    /// <summary>Forms of its opcodes, by opcode; opcodes that do not exist have none.</summary>
    public abstract OpcodeForm?[] Forms { get; }

    /// <summary>What fills the space between functions: an instruction, or a part of one, that ends in an exception wherever it is entered.</summary>
    public abstract byte Filler { get; }

    /// <summary>Makes the instruction selection of one thread.</summary>
    public abstract Lowering CreateLowering();

    /// <summary>Makes the emitter of one thread.</summary>
    public abstract CodeEmitter CreateEmitter();

    /// <summary>Fills in a relocation.</summary>
    /// <param name="code">The code.</param>
    /// <param name="offset">The relocation's offset in it.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="address">Where the code will be executed.</param>
    /// <param name="value">Address of the symbol or, for <see cref="SymbolKind.TypeId"/>, the number itself.</param>
    public abstract void Relocate(Span<byte> code, int offset, SymbolKind kind, nint address, nint value);

    /// <summary>Makes a relocation's field what it was before <see cref="Relocate"/>.</summary>
    public abstract void Unrelocate(Span<byte> code, int offset, SymbolKind kind);
}

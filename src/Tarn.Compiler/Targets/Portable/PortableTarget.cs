// Register code as the compiler's layers see it: a target like a processor, whose instructions an interpreter in the runtime executes. Relocations are the low
// halves of immediates: the distance from the word's start, or a type's number.
using System.Buffers.Binary;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>The register machine that runs wherever .NET does.</summary>
internal sealed class PortableTarget : MachineTarget
{
    /// <summary>Bytes of a word of code.</summary>
    public const int WordBytes = 16;

    /// <summary>Where the immediate of a word is.</summary>
    public const int ImmediateOffset = 8;

    /// <summary>The one there is.</summary>
    public static PortableTarget Instance { get; } = new();

    /// <inheritdoc/>
    public override string Identity => "portable";

    /// <inheritdoc/>
    public override RegisterFile Registers => PortableRegisters.File;

    /// <inheritdoc/>
    public override IMachineNames Names => PortableNames.Instance;

    /// <inheritdoc/>
    public override OpcodeForm?[] Forms => PortableForms.All;

    /// <summary>Words of nothing but this byte have no opcode.</summary>
    public override byte Filler => 0xFF;

    /// <inheritdoc/>
    public override Lowering CreateLowering() => new PortableLowering();

    /// <inheritdoc/>
    public override CodeEmitter CreateEmitter() => new PortableEmitter();

    /// <inheritdoc/>
    public override void Relocate(Span<byte> code, int offset, SymbolKind kind, nint address, nint value)
    {
        var field = checked((int)(kind == SymbolKind.TypeId ? value : value - (address + offset - ImmediateOffset)));
        BinaryPrimitives.WriteInt32LittleEndian(code.Slice(offset, sizeof(int)), field);
    }

    /// <inheritdoc/>
    public override void Unrelocate(Span<byte> code, int offset, SymbolKind kind) => code.Slice(offset, sizeof(int)).Clear();
}

// x86-64 as the compiler's layers see it. Relocations are 32-bit fields, little-endian: a call's or jump's distance from the end of the field, or a type's number.
using System.Buffers.Binary;
using System.Globalization;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <summary>An x86-64 processor with some extensions.</summary>
internal sealed class X64Target(CpuFeatures features) : MachineTarget
{
    private const int FieldBytes = sizeof(int);

    /// <summary>The extensions that code uses.</summary>
    public CpuFeatures Features => features;

    /// <inheritdoc/>
    public override string Identity => string.Create(CultureInfo.InvariantCulture, $"x64 {(uint)features:x}");

    /// <inheritdoc/>
    public override RegisterFile Registers => X64Registers.File;

    /// <inheritdoc/>
    public override IMachineNames Names => X64Names.Instance;

    /// <inheritdoc/>
    public override OpcodeForm?[] Forms => X64OpcodeForms.All;

    /// <inheritdoc/>
    public override byte Filler => Breakpoint;

    /// <summary>int3, which takes one byte.</summary>
    public const byte Breakpoint = 0xCC;

    /// <inheritdoc/>
    public override Lowering CreateLowering() => new X64Lowering(features);

    /// <inheritdoc/>
    public override CodeEmitter CreateEmitter() => new X64Emitter(features);

    /// <inheritdoc/>
    public override void Relocate(Span<byte> code, int offset, SymbolKind kind, nint address, nint value)
    {
        var field = checked((int)(kind == SymbolKind.TypeId ? value : value - (address + offset + FieldBytes)));
        BinaryPrimitives.WriteInt32LittleEndian(code.Slice(offset, FieldBytes), field);
    }

    /// <inheritdoc/>
    public override void Unrelocate(Span<byte> code, int offset, SymbolKind kind) => code.Slice(offset, FieldBytes).Clear();
}

// A memory operand in eight bytes, so that it travels in one register.
//
//   byte 0     byte 1     byte 2        byte 3              bytes 4–7
//   base       index      log2(scale)   segment | kind      displacement, or the number of a label, constant or symbol
//   0–15, 16 = none                     (high)   (low nibble)
//
// Kinds other than Address are relative to rip and have neither base nor index. rsp cannot be an index: the hardware has no encoding for it
// (base and index are not swapped here; a caller with scale 1 may do so).
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Assembler.X64;

/// <summary>What the number in a memory operand means.</summary>
internal enum MemKind : byte
{
    Address,
    Label,
    Constant,
    Symbol,
}

/// <summary>The segment whose base is added to an address; the value is the prefix byte's low nibble.</summary>
internal enum Segment : byte
{
    None = 0,
    Fs = 4,
    Gs = 5,
}

/// <summary>A memory operand.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
internal readonly struct Mem
{
    internal const byte NoRegister = 16;

    internal readonly byte _base;
    internal readonly byte _index;
    internal readonly byte _scale;
    internal readonly byte _kind;
    internal readonly int _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Mem(byte @base, byte index, byte scale, byte kind, int value)
    {
        _base = @base;
        _index = index;
        _scale = scale;
        _kind = kind;
        _value = value;
    }

    /// <summary>[base + displacement]</summary>
    public Mem(Gpr @base, int displacement = 0)
        : this((byte)@base, NoRegister, 0, 0, displacement)
    {
    }

    /// <summary>[base + index * 2^scaleLog2 + displacement]</summary>
    public Mem(Gpr @base, Gpr index, int scaleLog2 = 0, int displacement = 0)
        : this((byte)@base, (byte)index, (byte)scaleLog2, 0, displacement)
    {
        Debug.Assert(index != Gpr.Rsp, "rsp cannot be an index register.");
        Debug.Assert((uint)scaleLog2 <= 3, "The scale is 1, 2, 4 or 8: log2 of it is 0 to 3.");
    }

    public MemKind Kind => (MemKind)(_kind & 15);

    public Segment Segment => (Segment)(_kind >> 4);

    public bool HasBase => _base != NoRegister;

    public bool HasIndex => _index != NoRegister;

    public Gpr Base => (Gpr)_base;

    public Gpr Index => (Gpr)_index;

    public int ScaleLog2 => _scale;

    /// <summary>The displacement, or the number of the label, constant or symbol.</summary>
    public int Value => _value;

    /// <summary>[index * 2^scaleLog2 + displacement]: always a 32-bit displacement.</summary>
    public static Mem Indexed(Gpr index, int scaleLog2, int displacement)
    {
        Debug.Assert(index != Gpr.Rsp, "rsp cannot be an index register.");
        return new(NoRegister, (byte)index, (byte)scaleLog2, 0, displacement);
    }

    /// <summary>[displacement], sign-extended: of use with a segment.</summary>
    public static Mem Absolute(int displacement) => new(NoRegister, NoRegister, 0, 0, displacement);

    /// <summary>[rip → label], for code and jump tables of the same function.</summary>
    public static Mem At(Label label) => new(NoRegister, NoRegister, 0, (byte)MemKind.Label, label.Id);

    /// <summary>[rip → symbol], by relocation.</summary>
    public static Mem AtSymbol(int symbol) => new(NoRegister, NoRegister, 0, (byte)MemKind.Symbol, symbol);

    /// <summary>[rip → constant]; the assembler makes these.</summary>
    internal static Mem AtConstant(int constant) => new(NoRegister, NoRegister, 0, (byte)MemKind.Constant, constant);

    /// <summary>The same operand within a segment.</summary>
    public Mem In(Segment segment) => new(_base, _index, _scale, (byte)((_kind & 15) | ((int)segment << 4)), _value);

    /// <summary>The same operand, so many bytes further on.</summary>
    public Mem Plus(int bytes)
    {
        Debug.Assert(Kind == MemKind.Address, "Only an address has a displacement to add to.");
        return new(_base, _index, _scale, _kind, checked(_value + bytes));
    }
}

// The encoder's core: the buffer and the handful of routines through which every instruction goes out.
//
// An instruction asks for room once (at most 15 bytes are legal; Slack is kept free past the limit) and then writes through a raw pointer. The
// buffer is a pinned array, so the pointer holds until it grows, and only Grow moves it: no pointer into the buffer may be kept from one
// instruction to the next; offsets may. One assembler serves many functions, one after the other (Reset); in steady state
// nothing is allocated. It is not thread-safe: each compiling thread has its own.
//
// Offsets seen while assembling are provisional: Finish may shorten branches and move code (see X64Assembler.Layout.cs). Whatever a caller
// recorded has to go through MapOffset afterwards.
//
// Wrong operands (a vector operation with operands it does not have, rsp as an index) are a compiler's bug and are caught by assertions in
// debug builds only.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

/// <summary>Assembles x86-64 code, a function at a time.</summary>
internal sealed unsafe partial class X64Assembler
{
    /// <summary>Bytes always free past the limit: the longest instruction, and what a routine may append to it.</summary>
    private const int Slack = 64;

    private byte[] _buffer;
    private byte* _start;
    private byte* _cursor;
    private byte* _limit;

    public X64Assembler(CpuFeatures features, bool shortenBranches = true, int initialCapacity = 16 * 1024)
    {
        Features = features;
        ShortenBranches = shortenBranches;
        AllocateBuffer(Math.Max(initialCapacity, 4 * Slack));
    }

    /// <summary>What the code may use. Instructions are not checked against it, <c>Vec</c> methods choose by it.</summary>
    public CpuFeatures Features { get; }

    public bool HasAvx => (Features & CpuFeatures.Avx) != 0;

    /// <summary>Where the next instruction goes, counted from the function's start. Provisional until <see cref="Finish"/>.</summary>
    public int Offset => (int)(_cursor - _start);

    /// <summary>Forgets the function and begins another.</summary>
    public void Reset()
    {
        _cursor = _start;
        ResetLayout();
        ResetConstants();
    }

    /// <summary>Emits bytes as they are.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        EnsureRoom(bytes.Length);
        bytes.CopyTo(new Span<byte>(_cursor, bytes.Length));
        _cursor += bytes.Length;
    }

    [MemberNotNull(nameof(_buffer))]
    private void AllocateBuffer(int capacity)
    {
        _buffer = GC.AllocateUninitializedArray<byte>(capacity, pinned: true);
        _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_buffer));
        _limit = _start + capacity - Slack;
        _cursor = _start;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* Grow(int needed)
    {
        byte[] old = _buffer;
        int used = Offset;
        AllocateBuffer(checked(Math.Max(old.Length * 2, used + needed + Slack)));
        old.AsSpan(0, used).CopyTo(_buffer);
        _cursor = _start + used;
        return _cursor;
    }

    private void EnsureRoom(int bytes)
    {
        if (_limit - _cursor < bytes)
            _ = Grow(bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Begin()
    {
        byte* p = _cursor;
        return p <= _limit ? p : Grow(Slack);
    }

    // The bits of a size for opcodes of which bit 0 says "not a byte": opcode bit, operand-size prefix, REX.W.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SizeBits(OperandSize size) => (uint)((((1UL | W) << 48) | (1UL << 32) | ((1UL | P66) << 16)) >> ((int)size * 16)) & 0xFFFF;

    // The same for opcodes that have no byte form.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint WideBits(OperandSize size)
    {
        Debug.Assert(size != OperandSize.S8, "This instruction has no form for bytes.");
        return SizeBits(size) & ~1u;
    }

    // Without REX the byte registers 4 to 7 are ah, ch, dh and bh.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ByteRex(OperandSize size, Gpr register) => size == OperandSize.S8 && (uint)register - 4 < 4 ? ForceRex : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EmitOpcode(byte* p, uint op, uint rex)
    {
        uint prefix = (op >> 10) & 3;
        if (prefix != 0)
            *p++ = (byte)(0xF2F36600u >> (int)(prefix * 8));
        rex |= (op >> 9) & 8;
        if ((rex | (op & ForceRex)) != 0)
            *p++ = (byte)(0x40 | rex);
        uint map = (op >> 8) & 3;
        if (map != 0)
        {
            *p++ = 0x0F;
            if (map >= 2)
                *p++ = map == 2 ? (byte)0x38 : (byte)0x3A;
        }
        *p++ = (byte)op;
        return p;
    }

    /// <summary>An instruction without ModRM.</summary>
    private void EncodePlain(uint op)
    {
        _cursor = EmitOpcode(Begin(), op, 0);
    }

    /// <summary>An instruction with a register in the opcode's low bits.</summary>
    private void EncodeO(uint op, uint register)
    {
        _cursor = EmitOpcode(Begin(), op | (register & 7), register >> 3);
    }

    /// <summary>An instruction on two registers.</summary>
    private void EncodeRR(uint op, uint reg, uint rm)
    {
        byte* p = EmitOpcode(Begin(), op, ((reg >> 3) << 2) | (rm >> 3));
        *p = (byte)(0xC0 | ((reg & 7) << 3) | (rm & 7));
        _cursor = p + 1;
    }

    /// <summary>An instruction on a register and memory; <paramref name="trailing"/> bytes of immediate follow.</summary>
    private void EncodeRM(uint op, uint reg, Mem mem, int trailing)
    {
        byte* p = Begin();
        if (mem._kind > 15)
            *p++ = (byte)(0x60 | (mem._kind >> 4));
        // A missing register is number 16, of which neither bit 3 counts.
        uint rex = ((reg >> 3) << 2) | (((uint)mem._index >> 2) & 2) | (((uint)mem._base >> 3) & 1);
        p = EmitOpcode(p, op, rex);
        _cursor = EmitMem(p, (reg & 7) << 3, mem, trailing);
    }

    private byte* EmitMem(byte* p, uint reg, Mem mem, int trailing, int compression = 0)
    {
        int displacement = mem._value;
        if ((mem._kind & 15) != 0)
            return EmitRipRelative(p, reg, mem, trailing);
        uint baseLow = mem._base & 7u;
        if (mem._base == Mem.NoRegister)
        {
            // No base: SIB with base 5 under mod 0, and index 4 when there is no index either.
            uint index = mem._index == Mem.NoRegister ? 4 : mem._index & 7u;
            *p++ = (byte)(reg | 4);
            *p++ = (byte)(((uint)mem._scale << 6) | (index << 3) | 5);
            *(int*)p = displacement;
            return p + 4;
        }

        byte* modRm = p;
        uint rm;
        if (mem._index != Mem.NoRegister)
        {
            rm = 4;
            p[1] = (byte)(((uint)mem._scale << 6) | ((mem._index & 7u) << 3) | baseLow);
            p += 2;
        }
        else if (baseLow == 4)
        {
            rm = 4;
            p[1] = 0x24;
            p += 2;
        }
        else
        {
            rm = baseLow;
            p++;
        }

        // EVEX counts a short displacement in units of the operand's size.
        int units = displacement >> compression;
        if (units == (sbyte)units && units << compression == displacement)
        {
            // rbp and r13 under mod 0 mean something else: they need a displacement, even of 0.
            if (displacement == 0 && baseLow != 5)
            {
                *modRm = (byte)(reg | rm);
                return p;
            }
            *modRm = (byte)(0x40 | reg | rm);
            *p = (byte)units;
            return p + 1;
        }
        *modRm = (byte)(0x80 | reg | rm);
        *(int*)p = displacement;
        return p + 4;
    }

    private byte* EmitRipRelative(byte* p, uint reg, Mem mem, int trailing)
    {
        *p++ = (byte)(reg | 5);
        *(int*)p = 0;
        int field = (int)(p - _start);
        if (mem.Kind == MemKind.Symbol)
            _relocations.Add(new CodeRelocation(field, RelocationKind.Relative32, mem._value, -4 - trailing));
        else
            _fixups.Add(new Fixup(field, mem._value, mem.Kind == MemKind.Label ? FixupKind.Label : FixupKind.Constant, (byte)trailing));
        return p + 4;
    }

    /// <summary>A VEX instruction on registers; <paramref name="v"/> is 0 where there is none.</summary>
    private void EncodeVexRR(uint op, uint reg, uint v, uint rm, uint wide)
    {
        byte* p = EmitVex(Begin(), op, reg >> 3, 0, rm >> 3, v, wide);
        *p = (byte)(0xC0 | ((reg & 7) << 3) | (rm & 7));
        _cursor = p + 1;
    }

    /// <summary>A VEX instruction with a memory operand; <paramref name="trailing"/> bytes of immediate follow.</summary>
    private void EncodeVexRM(uint op, uint reg, uint v, Mem mem, uint wide, int trailing)
    {
        byte* p = Begin();
        if (mem._kind > 15)
            *p++ = (byte)(0x60 | (mem._kind >> 4));
        p = EmitVex(p, op, reg >> 3, ((uint)mem._index >> 3) & 1, ((uint)mem._base >> 3) & 1, v, wide);
        _cursor = EmitMem(p, (reg & 7) << 3, mem, trailing);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EmitVex(byte* p, uint op, uint r, uint x, uint b, uint v, uint wide)
    {
        uint last = ((~v & 15) << 3) | (wide << 2) | ((op >> 10) & 3);
        if (((op & (W | 0x300)) ^ M0F | x | b) == 0)
        {
            p[0] = 0xC5;
            p[1] = (byte)(((r ^ 1) << 7) | last);
            p[2] = (byte)op;
            return p + 3;
        }
        p[0] = 0xC4;
        p[1] = (byte)(((r ^ 1) << 7) | ((x ^ 1) << 6) | ((b ^ 1) << 5) | ((op >> 8) & 3));
        p[2] = (byte)(((op & W) >> 5) | last);
        p[3] = (byte)op;
        return p + 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Append8(int value) => *_cursor++ = (byte)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Append32(int value)
    {
        *(int*)_cursor = value;
        _cursor += 4;
    }

    // An immediate of the operand's size, which is 32 bits for operands of 64.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AppendSized(OperandSize size, int value)
    {
        *(int*)_cursor = value;
        _cursor += ImmediateSize(size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ImmediateSize(OperandSize size) => (0x4421 >> ((int)size * 4)) & 15;
}

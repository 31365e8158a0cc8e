// Reads the binary format's primitives from a window of a module's bytes. Positions are offsets from the start of the module, so that every error tells
// where; nothing is read outside of the window, and running out of it is a MalformedModuleException like any other.
//
// Invariant: 0 <= _position <= _end <= _length, the length of the bytes behind _base. Every unchecked access below sits behind a comparison with _end
// (in ThrowIntegerEnd alone with _length).
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Tarn.Wasm.Binary;

/// <summary>A memory access's immediates.</summary>
/// <param name="Align">Log2 of the alignment, not yet compared with the natural one.</param>
/// <param name="Memory">Memory index.</param>
/// <param name="Offset">Constant offset.</param>
internal readonly record struct MemoryArgument(int Align, int Memory, ulong Offset);

/// <summary>A fast forward reader over a module's bytes. Also what decodes function bodies: see <see cref="WasmModule.ReadBody"/>.</summary>
internal ref struct WasmReader
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ref byte _base;
    private readonly int _length;
    private readonly WasmFeatures _features;
    private int _position;
    private int _end;

    /// <summary>Creates a reader of the bytes from <paramref name="start"/> to <paramref name="end"/>.</summary>
    /// <param name="module">All bytes of the module.</param>
    /// <param name="start">Offset of the first byte to read.</param>
    /// <param name="end">Offset behind the last byte.</param>
    /// <param name="features">Which types are known.</param>
    public WasmReader(ReadOnlySpan<byte> module, int start, int end, WasmFeatures features = WasmFeatures.All)
    {
        if ((uint)end > (uint)module.Length || (uint)start > (uint)end)
            throw new ArgumentOutOfRangeException(nameof(end));
        _base = ref MemoryMarshal.GetReference(module);
        _length = module.Length;
        _position = start;
        _end = end;
        _features = features;
    }

    /// <summary>Offset of the next byte from the start of the module.</summary>
    public readonly int Position => _position;

    /// <summary>Offset behind the last byte.</summary>
    public readonly int End => _end;

    /// <summary>Bytes left.</summary>
    public readonly int Remaining => _end - _position;

    public readonly bool IsAtEnd => _position == _end;

    /// <summary>The features that decide which types are known.</summary>
    public readonly WasmFeatures Features => _features;

    /// <summary>Stops with a malformed-module error at the position.</summary>
    [DoesNotReturn]
    public readonly void Fail(string problem) => MalformedModuleException.Throw(problem, _position);

    /// <summary>Moves to a position within the window.</summary>
    public void Seek(int position)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)position, (uint)_end);
        _position = position;
    }

    /// <summary>Narrows the window to the next bytes and returns the old end, for <see cref="Leave"/>.</summary>
    public int Enter(int size)
    {
        int old = _end;
        _end = _position + size;
        return old;
    }

    /// <summary>Undoes <see cref="Enter"/>.</summary>
    public void Leave(int oldEnd) => _end = oldEnd;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte ReadByte()
    {
        if (_position >= _end)
            ThrowEnd();
        return Unsafe.Add(ref _base, _position++);
    }

    /// <summary>The next byte, which stays unread.</summary>
    public readonly byte PeekByte()
    {
        if (_position >= _end)
            ThrowEnd();
        return Unsafe.Add(ref _base, _position);
    }

    /// <summary>Skips bytes.</summary>
    public void Skip(int count)
    {
        if ((uint)count > (uint)Remaining)
            ThrowEnd();
        _position += count;
    }

    /// <summary>An unsigned LEB128 of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint ReadVarU32()
    {
        if (_position < _end)
        {
            uint first = Unsafe.Add(ref _base, _position);
            if (first < 0x80)
            {
                _position++;
                return first;
            }
        }

        return ReadVarU32Slow();
    }

    /// <summary>An index: an unsigned LEB128 that fits an int (one that does not is above every limit, so it stands for "out of range").</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadIndex() => (int)Math.Min(ReadVarU32(), int.MaxValue);

    /// <summary>A signed LEB128 of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadVarS32()
    {
        if (_position < _end)
        {
            int first = Unsafe.Add(ref _base, _position);
            if (first < 0x80)
            {
                _position++;
                return (first << 25) >> 25;
            }
        }

        return (int)ReadVarSigned(32);
    }

    /// <summary>A signed LEB128 of 33 bits: block types and heap types.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long ReadVarS33()
    {
        if (_position < _end)
        {
            int first = Unsafe.Add(ref _base, _position);
            if (first < 0x80)
            {
                _position++;
                return (first << 25) >> 25;
            }
        }

        return ReadVarSigned(33);
    }

    /// <summary>A signed LEB128 of 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long ReadVarS64()
    {
        if (_position < _end)
        {
            int first = Unsafe.Add(ref _base, _position);
            if (first < 0x80)
            {
                _position++;
                return (first << 25) >> 25;
            }
        }

        return ReadVarSigned(64);
    }

    /// <summary>An unsigned LEB128 of 64 bits.</summary>
    public ulong ReadVarU64()
    {
        ulong result = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = ReadIntegerByte(64, shift, signed: false);
            if (shift == 63 && b > 1)
                MalformedModuleException.Throw(b >= 0x80 ? "integer representation too long" : "integer too large", _position - 1);
            result |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return result;
        }
    }

    /// <summary>Four bytes, little endian: the bits of an f32.</summary>
    public uint ReadU32Fixed()
    {
        if (Remaining < 4)
            ThrowEnd();
        uint value = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref _base, _position));
        _position += 4;
        return value;
    }

    /// <summary>Eight bytes, little endian: the bits of an f64.</summary>
    public ulong ReadU64Fixed()
    {
        if (Remaining < 8)
            ThrowEnd();
        ulong value = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref _base, _position));
        _position += 8;
        return value;
    }

    /// <summary>The bits of an f32 constant.</summary>
    public uint ReadF32Bits() => ReadU32Fixed();

    /// <summary>The bits of an f64 constant.</summary>
    public ulong ReadF64Bits() => ReadU64Fixed();

    /// <summary>A v128 constant; lane 0 in the lowest bits of <paramref name="low"/>.</summary>
    public void ReadV128(out ulong low, out ulong high)
    {
        low = ReadU64Fixed();
        high = ReadU64Fixed();
    }

    /// <summary>Bytes as they are.</summary>
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if ((uint)count > (uint)Remaining)
            ThrowEnd();
        ReadOnlySpan<byte> bytes = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref _base, _position), count);
        _position += count;
        return bytes;
    }

    /// <summary>The count of a vector whose items take at least so many bytes each. A count that the window cannot hold fails before anything is allocated.</summary>
    public int ReadCount(int limit, string what, int minimumItemSize = 1)
    {
        int at = _position;
        uint count = ReadVarU32();
        if (count > (uint)limit)
            MalformedModuleException.Throw($"too many {what}: {count}; the implementation limit is {limit}", at);
        if ((ulong)count * (uint)minimumItemSize > (uint)Remaining)
            MalformedModuleException.Throw($"unexpected end of section or function: {count} {what} declared, but only {Remaining} bytes follow", at);
        return (int)count;
    }

    /// <summary>A name: a vector of bytes in UTF-8.</summary>
    public string ReadName()
    {
        int at = _position;
        uint size = ReadVarU32();
        if (size > (uint)Remaining)
            MalformedModuleException.Throw($"length out of bounds: unexpected end within a name of {size} bytes", at);
        if (size > ImplementationLimits.NameSize)
            MalformedModuleException.Throw($"name too long: {size} bytes; the implementation limit is {ImplementationLimits.NameSize}", at);
        try
        {
            return s_strictUtf8.GetString(ReadBytes((int)size));
        }
        catch (DecoderFallbackException)
        {
            throw new MalformedModuleException("malformed UTF-8 encoding in a name", at);
        }
    }

    /// <summary>A memory access's immediates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public MemoryArgument ReadMemoryArgument()
    {
        // Almost always: a small alignment, memory 0, an offset of one byte.
        if (Remaining >= 2)
        {
            ref byte at = ref Unsafe.Add(ref _base, _position);
            if (at < 0x40 && Unsafe.Add(ref at, 1) < 0x80)
            {
                _position += 2;
                return new MemoryArgument(at, 0, Unsafe.Add(ref at, 1));
            }
        }

        return ReadMemoryArgumentSlow();
    }

    /// <summary>A value type.</summary>
    public ValType ReadValType()
    {
        int at = _position;
        byte code = ReadByte();
        switch (code)
        {
            case 0x7F or 0x7E or 0x7D or 0x7C:
                return new ValType(code);
            case 0x7B:
                Require(WasmFeatures.Simd, "v128", at);
                return ValType.V128;
            default:
                return ReadReference(code, at, "malformed value type");
        }
    }

    /// <summary>A reference type.</summary>
    public ValType ReadRefType()
    {
        int at = _position;
        return ReadReference(ReadByte(), at, "malformed reference type");
    }

    /// <summary>The type of a field's storage: a value type, i8 or i16.</summary>
    public ValType ReadStorageType()
    {
        if (PeekByte() is not (0x78 or 0x77))
            return ReadValType();
        return new ValType(ReadByte());
    }

    /// <summary>A heap type: an abstract one or a type index.</summary>
    public HeapType ReadHeapType()
    {
        int at = _position;
        long value = ReadVarS33();
        if (value >= 0)
        {
            Require(WasmFeatures.FunctionReferences, "a type index as heap type", at);
            return HeapType.Index((int)Math.Min(value, HeapType.IndexMask));
        }

        if (value >= -64 && IsAbstractHeap((int)value & 0x7F))
        {
            RequireHeap((int)value & 0x7F, at);
            return new HeapType((int)value & 0x7F);
        }

        throw new MalformedModuleException("malformed heap type", at);
    }

    /// <summary>A block type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BlockType ReadBlockType()
    {
        if (_position < _end && Unsafe.Add(ref _base, _position) == 0x40)
        {
            _position++;
            return BlockType.Empty;
        }

        return ReadBlockTypeSlow();
    }

    /// <summary>A group of local declarations: how many, of which type.</summary>
    public uint ReadLocalGroup(out ValType type)
    {
        uint count = ReadVarU32();
        type = ReadValType();
        return count;
    }

    /// <summary>
    /// An opcode with its prefix. Fails for what is not an instruction, and for instructions whose feature is off.
    /// </summary>
    public Opcode ReadOpcode()
    {
        int at = _position;
        byte first = ReadByte();
        Opcode opcode = (Opcode)first;
        if (first >= 0xFB)
        {
            uint code = ReadVarU32();
            opcode = first switch
            {
                0xFB when code < 0x100 => (Opcode)(0x100 + code),
                0xFC when code < 0x100 => (Opcode)(0x200 + code),
                0xFE when code < 0x100 => (Opcode)(0x300 + code),
                0xFD when code < 0x200 => (Opcode)(0x400 + code),
                _ => (Opcode)ushort.MaxValue,
            };
            if (!Opcodes.IsDefined(opcode))
                MalformedModuleException.Throw($"illegal opcode {first:x2} {code:x2}", at);
        }

        CheckOpcode(opcode, at);
        return opcode;
    }

    /// <summary>What <see cref="ReadOpcode"/> checks beside the encoding.</summary>
    public readonly void CheckOpcode(Opcode opcode, int at)
    {
        if (!Opcodes.IsDefined(opcode))
            MalformedModuleException.Throw($"illegal opcode {(int)opcode:x2}", at);
        WasmFeatures feature = Opcodes.Feature(opcode);
        if ((feature & ~_features) != 0)
        {
            if (Opcodes.IsLegacy(opcode))
                MalformedModuleException.ThrowFeature($"illegal opcode {(int)opcode:x2}: {Opcodes.Name(opcode)} belongs to the legacy exception instructions, which WebAssembly 3.0 replaced by try_table and throw_ref; it needs the feature {feature}, which is off", feature, at);
            (byte prefix, uint code) = Opcodes.Encoding(opcode);
            MalformedModuleException.ThrowFeature($"illegal opcode {(prefix != 0 ? $"{prefix:x2} " : "")}{code:x2}: {Opcodes.Name(opcode)} needs the feature {feature}, which is off", feature, at);
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void ThrowEnd() => MalformedModuleException.Throw("unexpected end of section or function", _position);

    // The next byte of a LEB128 of which so many bits have been read.
    private byte ReadIntegerByte(int bits, int shift, bool signed)
    {
        if (_position >= _end)
            ThrowIntegerEnd(bits, shift, signed);
        return Unsafe.Add(ref _base, _position++);
    }

    // A LEB128 runs past the end of its section or function. Where the module goes on, what it goes on with tells a wrong size from an overlong integer,
    // and the latter is what has to be mended.
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void ThrowIntegerEnd(int bits, int shift, bool signed)
    {
        for (int at = _position; shift > 0 && at < _length; at++, shift += 7)
        {
            int b = Unsafe.Add(ref _base, at);
            if (shift + 7 >= bits)
            {
                int beyond = 0x7F & -(1 << (bits - shift - (signed ? 1 : 0)));
                if (b >= 0x80)
                    MalformedModuleException.Throw("integer representation too long", at);
                if ((b & beyond) != 0 && !(signed && (b & beyond) == beyond))
                    MalformedModuleException.Throw("integer too large", at);
                break;
            }

            if (b < 0x80)
                break;
        }

        ThrowEnd();
    }

    private readonly void Require(WasmFeatures feature, string what, int at)
    {
        if ((_features & feature) == 0)
            MalformedModuleException.ThrowFeature($"malformed type: {what} needs the feature {feature}, which is off", feature, at);
    }

    private static bool IsAbstractHeap(int code) => code is >= 0x69 and <= 0x74;

    private readonly void RequireHeap(int code, int at) => Require(
        code switch
        {
            0x70 or 0x6F => WasmFeatures.ReferenceTypes | WasmFeatures.None,
            0x69 or 0x74 => WasmFeatures.Exceptions,
            _ => WasmFeatures.GarbageCollection,
        },
        new HeapType(code).ToString(),
        at);

    private ValType ReadReference(byte code, int at, string problem)
    {
        if (code is 0x63 or 0x64)
        {
            Require(WasmFeatures.FunctionReferences, "a reference type with a heap type", at);
            return ValType.Reference(ReadHeapType(), nullable: code == 0x63);
        }

        if (!IsAbstractHeap(code))
            MalformedModuleException.Throw($"{problem} 0x{code:x2}", at);
        // funcref was there from the start, as the element type of tables.
        if (code != 0x70)
            RequireHeap(code, at);
        return ValType.Reference(new HeapType(code), nullable: true);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private BlockType ReadBlockTypeSlow()
    {
        byte next = PeekByte();
        // A single byte below zero as a signed LEB128 is a value type; everything else is a type index.
        if ((next & 0xC0) == 0x40)
            return BlockType.OfResult(ReadValType());
        int at = _position;
        long index = ReadVarS33();
        if (index < 0)
            MalformedModuleException.Throw("malformed block type", at);
        return BlockType.OfType((int)Math.Min(index, int.MaxValue));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private MemoryArgument ReadMemoryArgumentSlow()
    {
        int at = _position;
        uint flags = ReadVarU32();
        int memory = 0;
        if (flags >= ((_features & WasmFeatures.MultiMemory) != 0 ? 0x80u : 0x40u))
            MalformedModuleException.Throw("malformed memop flags", at);
        if ((flags & 0x40) != 0)
            memory = ReadIndex();
        ulong offset = (_features & WasmFeatures.Memory64) != 0 ? ReadVarU64() : ReadVarU32();
        return new MemoryArgument((int)(flags & 0x3F), memory, offset);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint ReadVarU32Slow()
    {
        uint result = 0;
        // Up to four bytes where so many are left: nothing can be too long or too large in them.
        if (_end - _position >= 4)
        {
            ref byte at = ref Unsafe.Add(ref _base, _position);
            for (int i = 0; i < 4; i++)
            {
                uint b = Unsafe.Add(ref at, i);
                result |= (b & 0x7F) << (i * 7);
                if (b < 0x80)
                {
                    _position += i + 1;
                    return result;
                }
            }

            result = 0;
        }

        for (int shift = 0; ; shift += 7)
        {
            byte b = ReadIntegerByte(32, shift, signed: false);
            if (shift == 28 && b > 0x0F)
                MalformedModuleException.Throw(b >= 0x80 ? "integer representation too long" : "integer too large", _position - 1);
            result |= (uint)(b & 0x7F) << shift;
            if (b < 0x80)
                return result;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long ReadVarSigned(int bits)
    {
        // As for unsigned ones: 28 bits fit every width that there is.
        if (_end - _position >= 4)
        {
            ref byte at = ref Unsafe.Add(ref _base, _position);
            int value = 0;
            for (int i = 0; i < 4; i++)
            {
                int b = Unsafe.Add(ref at, i);
                value |= (b & 0x7F) << (i * 7);
                if (b < 0x80)
                {
                    _position += i + 1;
                    int unused = 25 - (i * 7);
                    return value << unused >> unused;
                }
            }
        }

        long result = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = ReadIntegerByte(bits, shift, signed: true);
            if (shift + 7 >= bits)
            {
                // The last byte that may follow: no continuation, and the bits beyond the width all equal to the sign.
                int sign = bits - shift - 1;
                int beyond = 0x7F & -(1 << sign);
                if (b >= 0x80)
                    MalformedModuleException.Throw("integer representation too long", _position - 1);
                if ((b & beyond) != 0 && (b & beyond) != beyond)
                    MalformedModuleException.Throw("integer too large", _position - 1);
            }

            result |= (long)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                int used = shift + 7;
                return used < 64 ? (result << (64 - used)) >> (64 - used) : result;
            }
        }
    }
}

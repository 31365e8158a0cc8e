// The constants and jump tables of one function, placed behind its code and addressed relative to rip. Equal constants of equal size are kept once.
//
//   code | int3 up to the largest constant's alignment | 32-byte | 16-byte | 8-byte | 4-byte constants | jump tables
//
// Descending sizes keep all of them aligned with no gaps. A jump table's entry is the 32-bit distance from the table's start to the target,
// so that tables need no relocation. Constants are in the same pages as code: they are executable, but they come from the module's own
// immediates, which are executable anyway, and nothing ever jumps to them.
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    private const int SizeClasses = 4;
    private const int Buckets = 256;

    private readonly int[] _buckets = new int[Buckets];
    private readonly int[] _classCounts = new int[SizeClasses];
    private readonly int[] _classStarts = new int[SizeClasses];
    private GrowableArray<PoolConstant> _constants = new(32);
    private GrowableArray<JumpTable> _jumpTables = new(8);
    private GrowableArray<int> _jumpTableTargets = new(64);

    /// <summary>A 4-byte constant's place in memory.</summary>
    public Mem Constant4(uint value) => AddConstant(0, Vector256.CreateScalar(value).AsUInt64());

    public Mem Constant8(ulong value) => AddConstant(1, Vector256.CreateScalar(value));

    public Mem Constant16(ulong low, ulong high) => AddConstant(2, Vector256.Create(low, high, 0, 0));

    public Mem Constant16(Vector128<byte> value) => AddConstant(2, Vector256.Create(value.AsUInt64(), Vector128<ulong>.Zero));

    public Mem Constant32(Vector256<byte> value) => AddConstant(3, value.AsUInt64());

    /// <summary>Makes a jump table; the label is the table's, bound by <see cref="Finish"/>. See <see cref="JmpTable"/>.</summary>
    public Label AddJumpTable(ReadOnlySpan<Label> targets)
    {
        Label table = NewLabel();
        _jumpTables.Add(new JumpTable(table.Id, _jumpTableTargets.Count, targets.Length));
        foreach (Label target in targets)
            _jumpTableTargets.Add(target.Id);
        return table;
    }

    private Mem AddConstant(int sizeClass, Vector256<ulong> value)
    {
        ulong hash = (value[0] ^ ((value[1] ^ value[3]) * 0xC2B2AE3D27D4EB4F) ^ value[2] ^ (uint)sizeClass) * 0x9E3779B97F4A7C15;
        ref int bucket = ref _buckets[hash >> 56];
        for (int i = bucket - 1; i >= 0; i = _constants[i].Next)
        {
            if (_constants[i].SizeClass == sizeClass && _constants[i].Value == value)
                return Mem.AtConstant(i);
        }
        _constants.Add(new PoolConstant(value, sizeClass, _classCounts[sizeClass]++, bucket - 1));
        bucket = _constants.Count;
        return Mem.AtConstant(_constants.Count - 1);
    }

    private void ResetConstants()
    {
        if (_constants.Count > 0)
        {
            Array.Clear(_buckets);
            Array.Clear(_classCounts);
        }
        _constants.Clear();
        _jumpTables.Clear();
        _jumpTableTargets.Clear();
    }

    private void PlaceConstants()
    {
        if (_constants.Count + _jumpTables.Count == 0)
            return;
        int largest = 0;
        for (int sizeClass = 1; sizeClass < SizeClasses; sizeClass++)
        {
            if (_classCounts[sizeClass] > 0)
                largest = sizeClass;
        }
        int alignment = 4 << largest;
        RequiredAlignment = Math.Max(RequiredAlignment, alignment);
        int padding = -Offset & (alignment - 1);
        int end = Offset + padding;
        for (int sizeClass = largest; sizeClass >= 0; sizeClass--)
        {
            _classStarts[sizeClass] = end;
            end += _classCounts[sizeClass] * (4 << sizeClass);
        }
        foreach (ref JumpTable table in _jumpTables.Span)
        {
            _labels[table.Label] = end;
            end += table.Count * 4;
        }

        EnsureRoom(end - Offset);
        new Span<byte>(_cursor, padding).Fill(0xCC);
        _cursor = _start + end;
        Span<PoolConstant> constants = _constants.Span;
        for (int i = 0; i < constants.Length; i++)
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Vector256<ulong>>(in constants[i].Value));
            int size = 4 << constants[i].SizeClass;
            bytes[..size].CopyTo(new Span<byte>(_start + PlaceOfConstant(i), size));
        }
    }

    private int PlaceOfConstant(int id)
    {
        ref PoolConstant constant = ref _constants[id];
        return _classStarts[constant.SizeClass] + (constant.Index * (4 << constant.SizeClass));
    }

    private void ResolveJumpTables()
    {
        foreach (ref JumpTable table in _jumpTables.Span)
        {
            int start = _labels[table.Label];
            int* entries = (int*)(_start + start);
            for (int i = 0; i < table.Count; i++)
                entries[i] = Resolve(_jumpTableTargets[table.First + i]) - start;
        }
    }

    private readonly struct PoolConstant(Vector256<ulong> value, int sizeClass, int index, int next)
    {
        public readonly Vector256<ulong> Value = value;

        /// <summary>log2 of the size in units of four bytes.</summary>
        public readonly int SizeClass = sizeClass;

        /// <summary>The number among the constants of its size.</summary>
        public readonly int Index = index;

        /// <summary>The next constant of the same hash bucket, or −1.</summary>
        public readonly int Next = next;
    }

    private readonly struct JumpTable(int label, int first, int count)
    {
        public readonly int Label = label;
        public readonly int First = first;
        public readonly int Count = count;
    }
}

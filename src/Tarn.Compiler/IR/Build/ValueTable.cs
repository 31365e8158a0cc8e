// Value numbering: finds an instruction that has already computed a value. Entries are kept as a stack, in the order their instructions were made, so
// leaving a region of the dominator tree is popping entries: whoever builds or walks the graph cuts the table back to what dominates the
// place where it continues.
using System.Numerics;
using System.Runtime.CompilerServices;
using Tarn.Assembler;

namespace Tarn.Compiler.IR.Build;

/// <summary>A hash table of values with scopes.</summary>
internal sealed class ValueTable
{
    private struct Entry
    {
        public Value Value;
        public int Next;
        public uint Hash;
    }

    // The hash is known, so a module can be made whose values all fall into one bucket: what is not found by then counts as new.
    private const int MaximumSteps = 64;

    private int[] _buckets = new int[256];
    private int _mask = 255;
    private GrowableArray<Entry> _entries = new(256);

    /// <summary>Number of entries; a scope is left by <see cref="TruncateToCount"/> with an earlier number.</summary>
    public int Count => _entries.Count;

    /// <summary>Empties the table and fits it to an expected number of values.</summary>
    public void Reset(int expected)
    {
        var size = (int)Math.Clamp(BitOperations.RoundUpToPowerOf2((uint)expected), 256, 1 << 16);
        if (_buckets.Length < size)
        {
            _buckets = new int[size];
        }

        _mask = size - 1;
        _buckets.AsSpan(0, size).Fill(-1);
        _entries.Clear();
    }

    /// <summary>Hash of an instruction as a key: everything but its place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Hash(in IrInstruction i)
    {
        var head = (uint)i.Opcode | ((uint)i.Type << 8) | ((uint)i.Aux << 16) | ((uint)i.Region << 24);
        var h = (head * 0x9E3779B1u) ^ ((uint)i.A * 0x85EBCA77u);
        h = BitOperations.RotateLeft(h, 13) ^ ((uint)i.B * 0xC2B2AE3Du);
        h = BitOperations.RotateLeft(h, 11) ^ ((uint)i.C * 0x27D4EB2Fu) ^ ((uint)i.D * 0x165667B1u);
        h ^= h >> 15;
        h *= 0x2C1B3C6Du;
        return h ^ (h >> 13);
    }

    /// <summary>An instruction equal to the key, or none.</summary>
    public Value Find(IrFunction function, in IrInstruction key, uint hash)
    {
        var steps = MaximumSteps;
        for (var e = _buckets[(int)hash & _mask]; e >= 0 && steps > 0; e = _entries[e].Next, steps--)
        {
            ref var entry = ref _entries[e];
            if (entry.Hash == hash && Same(in function.Get(entry.Value), in key))
            {
                return entry.Value;
            }
        }

        return Value.None;
    }

    /// <summary>Adds a value under the hash of its key.</summary>
    public void Add(Value value, uint hash)
    {
        ref var bucket = ref _buckets[(int)hash & _mask];
        bucket = _entries.Add(new Entry { Value = value, Next = bucket, Hash = hash });
    }

    /// <summary>Forgets the values whose instruction was made at or after the given one.</summary>
    public void TruncateToInstruction(int instruction)
    {
        while (_entries.Count > 0 && _entries[_entries.Count - 1].Value >= instruction)
        {
            Pop();
        }
    }

    /// <summary>Forgets the entries after the given number.</summary>
    public void TruncateToCount(int count)
    {
        while (_entries.Count > count)
        {
            Pop();
        }
    }

    private void Pop()
    {
        var entry = _entries.Pop();
        _buckets[(int)entry.Hash & _mask] = entry.Next;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Same(in IrInstruction x, in IrInstruction y)
        => x.Opcode == y.Opcode && x.Type == y.Type && x.Aux == y.Aux && x.Region == y.Region && x.A == y.A && x.B == y.B && x.C == y.C && x.D == y.D;
}

// Engine-wide canonical types: two types of any two modules are the same type exactly if they have the same id here. Recursion groups are compared as a
// whole and iso-recursively (core specification, "Rolling and unrolling"): references inside of a group count by position, references out of it by the id of
// what they refer to, which is already canonical because groups come in order. Hence identity is an integer comparison ever after.
//
// Subtyping is a comparison too: each type keeps the ids of its supertypes by depth (Cohen's display), and a is a subtype of b if and only if
// a's display holds b at b's depth.
//
// Invariants: ids are dense, never change and are never given up; what is published is immutable. Writers hold the lock; readers do not, they see
// an entry before they can have learnt its id. Entries live as long as the registry: an engine that loads endlessly many different types grows
// by the size of those types alone (a module loaded twice adds nothing).
using System.Runtime.InteropServices;

namespace Tarn.Wasm;

/// <summary>Canonical types of all modules of an engine. Thread-safe.</summary>
internal sealed class TypeRegistry
{
    // In keys only: a reference to a type of the same group, by its position.
    private const int RelativeTag = 1 << 26;
    private const int Capacity = HeapType.IndexMask;

    private readonly Lock _lock = new();
    private readonly Dictionary<int[], int> _groups = new(KeyComparer.Instance);
    private readonly Dictionary<int[], int>.AlternateLookup<ReadOnlySpan<int>> _groupLookup;
    private readonly List<int> _keyBuffer = [];
    private Entry[] _entries = new Entry[64];
    private int _count;

    public TypeRegistry() => _groupLookup = _groups.GetAlternateLookup<ReadOnlySpan<int>>();

    /// <summary>How many canonical types there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The canonical type with an id; its references hold canonical ids, its supertype is one.</summary>
    public SubType this[int id] => Volatile.Read(ref _entries)[id].Type;

    /// <summary>The function type with an id that is known to be one.</summary>
    public FunctionType Function(int id) => (FunctionType)this[id].Composite;

    /// <summary>How many supertypes a type has above it.</summary>
    public int Depth(int id) => Volatile.Read(ref _entries)[id].Depth;

    /// <summary>Ids of a type's supertypes from the root down to the type itself: its display.</summary>
    public ReadOnlySpan<int> Display(int id)
    {
        ref Entry entry = ref Volatile.Read(ref _entries)[id];
        return entry.Display ?? MemoryMarshal.CreateReadOnlySpan(ref entry.Id, 1);
    }

    /// <summary>Whether one defined type is a subtype of another (or the same).</summary>
    public bool IsSubtype(int sub, int super)
    {
        if (sub == super)
            return true;
        Entry[] entries = Volatile.Read(ref _entries);
        int[]? display = entries[sub].Display;
        int depth = entries[super].Depth;
        return display is not null && depth < display.Length && display[depth] == super;
    }

    /// <summary>Adds a function type that refers to no types of a module; what host functions need.</summary>
    public int AddFunction(ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results)
    {
        SubType type = new(new FunctionType(parameters.ToArray(), results.ToArray()), isFinal: true, supertype: -1);
        Span<int> id = [0];
        Add([type], 0, id);
        return id[0];
    }

    /// <summary>
    /// Finds or adds a recursion group. The caller has checked that all references lie below the group's end, supertypes below the type itself, and depths
    /// within the limit.
    /// </summary>
    /// <param name="group">The types of the group, with indices of the module.</param>
    /// <param name="start">Index of the group's first type.</param>
    /// <param name="canonical">Canonical ids by type index; known below <paramref name="start"/>, written from there for the group's length.</param>
    public void Add(ReadOnlySpan<SubType> group, int start, Span<int> canonical)
    {
        lock (_lock)
        {
            WriteKey(group, start, canonical);
            if (!_groupLookup.TryGetValue(CollectionsMarshal.AsSpan(_keyBuffer), out int first))
            {
                first = _count;
                Append(group, start, canonical);
                _groups.Add([.. _keyBuffer], first);
            }

            // Only once published: readers find entries by ids they get from here.
            for (int i = 0; i < group.Length; i++)
                canonical[start + i] = first + i;
        }
    }

    /// <summary>The type with canonical references, given the canonical ids of a module's types.</summary>
    public static ValType Canonicalize(ValType type, ReadOnlySpan<int> canonical)
    {
        if (!type.IsConcrete || type.Heap.IsCanonical)
            return type;
        return ValType.Reference(HeapType.Canonical(canonical[type.Heap.TypeIndex]), type.IsNullable);
    }

    private void Append(ReadOnlySpan<SubType> group, int start, Span<int> canonical)
    {
        int first = _count;
        // An id beyond this would be cut off where types are packed, and be taken for another type.
        if (group.Length > Capacity - first)
            throw new InvalidModuleException($"too many types: the modules of this engine have {first} different ones already; the implementation limit is {Capacity}", 0);
        Entry[] entries = _entries;
        if (first + group.Length > entries.Length)
            System.Array.Resize(ref entries, Math.Max(entries.Length * 2, first + group.Length));
        for (int i = 0; i < group.Length; i++)
            canonical[start + i] = first + i;
        for (int i = 0; i < group.Length; i++)
        {
            ref readonly SubType type = ref group[i];
            int super = type.HasSupertype ? canonical[type.Supertype] : -1;
            int[]? display = null;
            int depth = 0;
            if (super >= 0)
            {
                depth = entries[super].Depth + 1;
                display = new int[depth + 1];
                if (entries[super].Display is int[] above)
                    above.CopyTo(display, 0);
                else
                    display[0] = super;
                display[depth] = first + i;
            }

            entries[first + i] = new Entry { Type = new SubType(Canonicalize(type.Composite, canonical), type.IsFinal, super), Display = display, Depth = depth, Id = first + i };
        }

        Volatile.Write(ref _entries, entries);
        Volatile.Write(ref _count, first + group.Length);
    }

    // A group is written as ints that are equal exactly if the groups are: per type its kind, finality and supertype, then lengths and value types.
    private void WriteKey(ReadOnlySpan<SubType> group, int start, ReadOnlySpan<int> canonical)
    {
        List<int> key = _keyBuffer;
        key.Clear();
        key.Add(group.Length);
        foreach (ref readonly SubType type in group)
        {
            key.Add(((int)type.Composite.Kind << 1) | (type.IsFinal ? 1 : 0));
            key.Add(type.HasSupertype ? Reference(type.Supertype, start, canonical) : -1);
            switch (type.Composite)
            {
                case FunctionType function:
                    key.Add(function.ParameterCount);
                    key.Add(function.ResultCount);
                    foreach (ValType parameter in function.Parameters)
                        key.Add(Value(parameter, start, canonical));
                    foreach (ValType result in function.Results)
                        key.Add(Value(result, start, canonical));
                    break;
                case StructType structure:
                    key.Add(structure.Fields.Length);
                    foreach (FieldType field in structure.Fields)
                    {
                        key.Add(Value(field.Storage, start, canonical));
                        key.Add(field.IsMutable ? 1 : 0);
                    }

                    break;
                case ArrayType array:
                    key.Add(Value(array.Element.Storage, start, canonical));
                    key.Add(array.Element.IsMutable ? 1 : 0);
                    break;
            }
        }
    }

    private static int Value(ValType type, int start, ReadOnlySpan<int> canonical)
    {
        if (!type.IsConcrete || type.Heap.IsCanonical)
            return type.Bits;
        return (type.Bits & ~HeapType.IndexMask) | Reference(type.Heap.TypeIndex, start, canonical);
    }

    private static int Reference(int index, int start, ReadOnlySpan<int> canonical) =>
        index >= start ? RelativeTag | (index - start) : HeapType.CanonicalBit | canonical[index];

    private static CompositeType Canonicalize(CompositeType composite, ReadOnlySpan<int> canonical)
    {
        switch (composite)
        {
            case FunctionType function:
                return new FunctionType(CanonicalizeAll(function.Parameters, canonical), CanonicalizeAll(function.Results, canonical));
            case StructType structure:
                FieldType[] fields = structure.Fields.ToArray();
                foreach (ref FieldType field in fields.AsSpan())
                    field = field with { Storage = Canonicalize(field.Storage, canonical) };
                return new StructType(fields);
            default:
                FieldType element = ((ArrayType)composite).Element;
                return new ArrayType(element with { Storage = Canonicalize(element.Storage, canonical) });
        }
    }

    private static ValType[] CanonicalizeAll(ReadOnlySpan<ValType> types, ReadOnlySpan<int> canonical)
    {
        ValType[] copy = types.ToArray();
        foreach (ref ValType type in copy.AsSpan())
            type = Canonicalize(type, canonical);
        return copy;
    }

    private struct Entry
    {
        public SubType Type;
        public int[]? Display;
        public int Depth;
        public int Id;
    }

    private sealed class KeyComparer : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(int[] obj) => GetHashCode(obj.AsSpan());

        public int GetHashCode(ReadOnlySpan<int> alternate)
        {
            // HashCode is seeded at random per process, so that a module cannot aim at collisions.
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(alternate));
            return hash.ToHashCode();
        }

        public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();
    }
}

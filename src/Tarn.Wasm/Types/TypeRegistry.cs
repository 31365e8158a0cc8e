// Engine-wide canonical types: two types of any two modules are the same type exactly if they have the same id here. Recursion groups are compared as a
// whole and iso-recursively (core specification, "Rolling and unrolling"): references inside of a group count by position, references out of it by the id of
// what they refer to, which is already canonical because groups come in order. Hence identity is an integer comparison ever after.
//
// Subtyping is a comparison too: each type keeps the ids of its supertypes by depth (Cohen's display), and a is a subtype of b if and only if
// a's display holds b at b's depth.
//
// Invariants: an id means one type for as long as somebody uses it, and is not handed out again while anybody does; what is published is immutable. Writers
// hold the lock; readers do not, they see an entry before they can have learnt its id.
//
// Uses are counted for each group. Whoever adds a group uses it until it calls Release: a module from its validation until its code is freed, or until it has been
// refused; a store for the host functions that it made. A group refers to types of others, which everyone who uses the group uses too, for it had to name them to
// name the group. So a group's types are never outlived by those that they refer to. An id that were given up too early would make two types one, and a guest could
// call a function by a type that it does not have: if in doubt, a use lasts longer.
//
// The lock is held for a look-up and for storing entries; keys and entries are made outside of it, since modules decide how long that takes.
using System.Runtime.InteropServices;

namespace Tarn.Wasm;

/// <summary>Canonical types of all modules of an engine. Thread-safe.</summary>
internal sealed class TypeRegistry
{
    // In keys only: a reference to a type of the same group, by its position.
    private const int RelativeTag = 1 << 26;
    private const int Capacity = HeapType.IndexMask;

    private const int ChunkShift = 10;
    private const int ChunkSize = 1 << ChunkShift;

    [ThreadStatic]
    private static List<int>? t_key;

    private readonly int _capacity;
    private readonly Lock _lock = new();
    private readonly Dictionary<int[], Group> _groups = new(KeyComparer.Instance);
    private readonly Dictionary<int[], Group>.AlternateLookup<ReadOnlySpan<int>> _groupLookup;
    private readonly Stack<int> _freeIds = new();
    private static long s_identities;
    private Entry[][] _chunks = [];
    private int _count;
    private int _idsMade;

    /// <summary>Makes an empty registry.</summary>
    /// <param name="capacity">How many types there may be at the same time.</param>
    public TypeRegistry(int capacity = Capacity)
    {
        _capacity = capacity;
        _groupLookup = _groups.GetAlternateLookup<ReadOnlySpan<int>>();
    }

    /// <summary>How many canonical types are in use.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Receives the ids of types that are no longer used, before they can be handed out again.</summary>
    public Action<int[]>? Forgotten { get; set; }

    /// <summary>The canonical type with an id; its references hold canonical ids, its supertype is one.</summary>
    public SubType this[int id] => At(id).Type;

    /// <summary>The function type with an id that is known to be one.</summary>
    public CoreFunctionType Function(int id) => (CoreFunctionType)this[id].Composite;

    /// <summary>How many supertypes a type has above it.</summary>
    public int Depth(int id) => At(id).Depth;

    /// <summary>A number that no other type of any registry has or will have, unlike an id, which is handed out again. For code that compares types without using them.</summary>
    public long Identity(int id) => At(id).Identity;

    /// <summary>Ids of a type's supertypes from the root down to the type itself: its display.</summary>
    public ReadOnlySpan<int> Display(int id)
    {
        ref Entry entry = ref At(id);
        return entry.Display ?? MemoryMarshal.CreateReadOnlySpan(ref entry.Id, 1);
    }

    /// <summary>Whether one defined type is a subtype of another (or the same).</summary>
    public bool IsSubtype(int sub, int super)
    {
        if (sub == super)
            return true;
        int[]? display = At(sub).Display;
        int depth = At(super).Depth;
        return display is not null && depth < display.Length && display[depth] == super;
    }

    /// <summary>Adds a function type that refers to no types of a module; what host functions need. It is in use until <see cref="Release(int)"/>.</summary>
    public int AddFunction(ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results)
    {
        SubType type = new(new CoreFunctionType(parameters.ToArray(), results.ToArray()), isFinal: true, supertype: -1);
        Span<int> id = [0];
        Add([type], 0, id);
        return id[0];
    }

    /// <summary>
    /// Finds or adds a recursion group, which is in use from now on until <see cref="Release(int)"/> has been called for one of its types as often as this for the group.
    /// The caller has checked that all references are below the group's end, supertypes below the type itself, and depths within the limit.
    /// </summary>
    /// <param name="group">The types of the group, with indices of the module.</param>
    /// <param name="start">Index of the group's first type.</param>
    /// <param name="canonical">Canonical ids by type index; known below <paramref name="start"/>, written from there for the group's length.</param>
    /// <exception cref="InvalidModuleException">There are too many types. Nothing is in use that was not before.</exception>
    public void Add(ReadOnlySpan<SubType> group, int start, Span<int> canonical)
    {
        // A group may be empty, and has no type then by which it could be released.
        if (group.IsEmpty)
            return;
        List<int> key = t_key ??= [];
        WriteKey(key, group, start, canonical);
        ReadOnlySpan<int> keySpan = CollectionsMarshal.AsSpan(key);
        Span<int> ids = canonical.Slice(start, group.Length);
        lock (_lock)
        {
            if (TryUse(keySpan, ids))
                return;
            TakeIds(ids);
        }

        Group added = new(keySpan.ToArray(), ids.ToArray());
        // A key that was long once is not kept for the life of the thread.
        if (key.Count > 1 << 16)
            t_key = null;
        Entry[] entries = MakeEntries(group, start, canonical, added);
        lock (_lock)
        {
            // Somebody else may have been faster.
            if (TryUse(added.Key, ids))
            {
                foreach (int id in added.Ids)
                    _freeIds.Push(id);
                return;
            }

            for (int i = 0; i < entries.Length; i++)
                Place(added.Ids[i]) = entries[i];
            _groups.Add(added.Key, added);
            Volatile.Write(ref _count, _count + entries.Length);
        }
    }

    /// <summary>Ends one use of a module's group.</summary>
    public void Release(RecursionGroup group, ReadOnlySpan<int> canonical)
    {
        if (group.Length != 0)
            Release(canonical[group.Start]);
    }

    /// <summary>Ends one use of the group of a type.</summary>
    public void Release(int id)
    {
        Group group;
        lock (_lock)
        {
            group = At(id).Group;
            if (--group.Uses != 0)
                return;
            _groups.Remove(group.Key);
            Volatile.Write(ref _count, _count - group.Ids.Length);
        }

        Forgotten?.Invoke(group.Ids);
        lock (_lock)
        {
            foreach (int freed in group.Ids)
            {
                At(freed) = default;
                _freeIds.Push(freed);
            }
        }
    }

    /// <summary>The type with canonical references, given the canonical ids of a module's types.</summary>
    public static ValType Canonicalize(ValType type, ReadOnlySpan<int> canonical)
    {
        if (!type.IsConcrete || type.Heap.IsCanonical)
            return type;
        return ValType.Reference(HeapType.Canonical(canonical[type.Heap.TypeIndex]), type.IsNullable);
    }

    private ref Entry At(int id) => ref Volatile.Read(ref _chunks)[id >> ChunkShift][id & (ChunkSize - 1)];

    private bool TryUse(ReadOnlySpan<int> key, Span<int> ids)
    {
        if (!_groupLookup.TryGetValue(key, out Group? known))
            return false;
        known.Uses++;
        known.Ids.CopyTo(ids);
        return true;
    }

    private void TakeIds(Span<int> ids)
    {
        // An id beyond this would be cut off where types are packed, and be taken for another type.
        if (ids.Length - _freeIds.Count > _capacity - _idsMade)
            throw new InvalidModuleException($"too many types: the modules of this engine have {_count} different ones already; the implementation limit is {_capacity}", 0);
        foreach (ref int id in ids)
            id = _freeIds.TryPop(out int free) ? free : _idsMade++;
    }

    // Under the lock: the place of an entry, which is made where there is none yet.
    private ref Entry Place(int id)
    {
        int chunk = id >> ChunkShift;
        if (chunk >= _chunks.Length)
        {
            Entry[][] chunks = _chunks;
            int had = chunks.Length;
            System.Array.Resize(ref chunks, Math.Max(chunk + 1, had * 2));
            for (int i = had; i < chunks.Length; i++)
                chunks[i] = [];
            Volatile.Write(ref _chunks, chunks);
        }

        if (_chunks[chunk].Length == 0)
            Volatile.Write(ref _chunks[chunk], new Entry[ChunkSize]);
        return ref _chunks[chunk][id & (ChunkSize - 1)];
    }

    // Supertypes are of this group or of one that the caller uses.
    private Entry[] MakeEntries(ReadOnlySpan<SubType> group, int start, ReadOnlySpan<int> canonical, Group owner)
    {
        var entries = new Entry[group.Length];
        for (int i = 0; i < group.Length; i++)
        {
            ref readonly SubType type = ref group[i];
            int id = owner.Ids[i];
            int super = -1;
            int[]? display = null;
            int depth = 0;
            if (type.HasSupertype)
            {
                super = canonical[type.Supertype];
                ref Entry above = ref type.Supertype >= start ? ref entries[type.Supertype - start] : ref At(super);
                depth = above.Depth + 1;
                display = new int[depth + 1];
                if (above.Display is int[] supertypes)
                    supertypes.CopyTo(display, 0);
                else
                    display[0] = super;
                display[depth] = id;
            }

            entries[i] = new Entry { Type = new SubType(Canonicalize(type.Composite, canonical), type.IsFinal, super), Display = display, Depth = depth, Id = id, Group = owner, Identity = Interlocked.Increment(ref s_identities) };
        }

        return entries;
    }

    // A group is written as ints that are equal exactly if the groups are: per type its kind, finality and supertype, then lengths and value types.
    private static void WriteKey(List<int> key, ReadOnlySpan<SubType> group, int start, ReadOnlySpan<int> canonical)
    {
        key.Clear();
        key.Add(group.Length);
        foreach (ref readonly SubType type in group)
        {
            key.Add(((int)type.Composite.Kind << 1) | (type.IsFinal ? 1 : 0));
            key.Add(type.HasSupertype ? Reference(type.Supertype, start, canonical) : -1);
            switch (type.Composite)
            {
                case CoreFunctionType function:
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
            case CoreFunctionType function:
                return new CoreFunctionType(CanonicalizeAll(function.Parameters, canonical), CanonicalizeAll(function.Results, canonical));
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
        public long Identity;
        public Group Group;
    }

    private sealed class Group(int[] key, int[] ids)
    {
        public int[] Key { get; } = key;

        public int[] Ids { get; } = ids;

        /// <summary>How often it was added and not released; under the lock.</summary>
        public int Uses { get; set; } = 1;
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

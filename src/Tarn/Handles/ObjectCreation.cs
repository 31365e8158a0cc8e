// Objects that the host makes in a store's heap. An object is referred to by the cell of its handle from the moment that it exists, since converting a value may run code of the host.
using Tarn.Heaps;

namespace Tarn.Handles;

internal static class ObjectCreation
{
    /// <summary>Makes a structure. Inside the store.</summary>
    public static StructReference CreateStruct(this StoreCore store, DefinedType type, ReadOnlySpan<Value> fields)
    {
        (ManagedHeap heap, uint id) = Require(store, type, DefinedTypeKind.Struct);
        int count = heap.Types.Shape(id).Fields.Length;
        if (fields.Length != count)
            throw new ArgumentException($"The structure has {count} fields, and {fields.Length} values were given.", nameof(fields));
        var made = new StructReference(store, heap.Allocate(id, 0));
        for (int i = 0; i < fields.Length; i++)
            made.Initialize(i, fields[i]);
        return made;
    }

    /// <summary>Makes an array of zeros or nulls. Inside the store.</summary>
    public static ArrayReference CreateArray(this StoreCore store, DefinedType type, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        (ManagedHeap heap, uint id) = Require(store, type, DefinedTypeKind.Array);
        ValType storage = heap.Types.Shape(id).Fields[0].Storage;
        if (storage.IsReference && !storage.IsNullable)
            throw new ArgumentException($"Elements of type {storage} cannot be null. Give the elements.", nameof(type));
        return new ArrayReference(store, heap.Allocate(id, (uint)length));
    }

    /// <summary>Makes an array of values. Inside the store.</summary>
    public static ArrayReference CreateArray(this StoreCore store, DefinedType type, ReadOnlySpan<Value> elements)
    {
        (ManagedHeap heap, uint id) = Require(store, type, DefinedTypeKind.Array);
        var made = new ArrayReference(store, heap.Allocate(id, (uint)elements.Length));
        for (int i = 0; i < elements.Length; i++)
            made.Initialize(i, elements[i]);
        return made;
    }

    /// <summary>Makes an array of numbers. Inside the store.</summary>
    public static ArrayReference CreateArrayOf<T>(this StoreCore store, DefinedType type, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        (ManagedHeap heap, uint id) = Require(store, type, DefinedTypeKind.Array);
        ArrayReference.RequireElements<T>(heap.Types.Shape(id).Fields[0].Storage);
        var made = new ArrayReference(store, heap.Allocate(id, (uint)elements.Length));
        made.Initialize(elements);
        return made;
    }

    // A type's id is the store's to use as long as an instance in it does.
    private static (ManagedHeap Heap, uint Id) Require(StoreCore store, DefinedType type, DefinedTypeKind kind)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (type.Kind != kind)
            throw new ArgumentException($"The type is one of a {type.Kind.ToString().ToLowerInvariant()}, not of a {kind.ToString().ToLowerInvariant()}.", nameof(type));
        if (store.ManagedHeap is ManagedHeap heap)
        {
            if (heap.KnownTypes.TryGetValue(type.Identity, out int known))
                return (heap, (uint)known);
            if (TryFind(store, type, out int id))
            {
                heap.KnownTypes.Add(type.Identity, id);
                return (heap, (uint)id);
            }
        }
        throw new ArgumentException("No module of an instance in the store defines the type.", nameof(type));
    }

    private static bool TryFind(StoreCore store, DefinedType type, out int id)
    {
        foreach (InstanceData instance in store.Instances)
        {
            foreach (int candidate in instance.Module.Wasm.CanonicalIds)
            {
                if (store.Engine.Types.Identity(candidate) == type.Identity)
                {
                    id = candidate;
                    return true;
                }
            }
        }
        id = 0;
        return false;
    }
}

// What turns the contents of a store into handles and values, and back. The store itself knows neither: it holds records, cells and raw values.
// Whatever is here runs inside the store, or enters it.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Linking;
using Tarn.Memories;
using Tarn.Tables;

namespace Tarn.Handles;

internal static unsafe class StoreHandles
{
    /// <summary>Gets the embedder's view of the store's life that a handle was made in. Inside the store.</summary>
    public static Store FacadeOf(this StoreCore store, int generation)
    {
        if (store.Facade is Store known && known.Generation == generation)
            return known;
        var facade = new Store(store, generation);
        store.Facade = facade;
        return facade;
    }

    /// <summary>Makes a global that modules can import.</summary>
    /// <exception cref="ArgumentException">The value is not of the type.</exception>
    public static Global CreateGlobal(this StoreCore store, CoreGlobalType type, Value value)
    {
        using StoreUse use = store.Enter();
        RawValue raw = store.ToRaw(value, type.Type);
        RawValue* cell = store.AllocateGlobal(raw);
        store.NoteGlobal(cell, type.Type);
        return new Global(store, store.Generation, cell, type);
    }

    /// <summary>Makes a memory that modules can import.</summary>
    /// <exception cref="InstantiationException">The limits or the system do not allow it.</exception>
    public static Memory CreateMemory(this StoreCore store, in CoreMemoryType type)
    {
        using StoreUse use = store.Enter();
        MemoryInstance memory = store.AllocateMemory(type);
        return new Memory(store, store.Generation, memory);
    }

    /// <summary>Makes a table that modules can import.</summary>
    /// <exception cref="InstantiationException">The limits or the system do not allow it.</exception>
    public static Table CreateTable(this StoreCore store, in CoreTableType type)
    {
        using StoreUse use = store.Enter();
        TableInstance table = store.AllocateTable(type);
        return new Table(store, store.Generation, table);
    }

    /// <summary>Makes a function of the host.</summary>
    public static Function CreateFunction(this StoreCore store, DefinedHostFunction host)
    {
        using StoreUse use = store.Enter();
        FunctionReference* record = store.AllocateFunction(host);
        return new Function(store, store.Generation, record);
    }

    /// <summary>Makes an exception tag that modules can import.</summary>
    public static Tag CreateTag(this StoreCore store, ValType[] values)
    {
        using StoreUse use = store.Enter();
        return new Tag(store, store.Generation, store.AllocateTag(values));
    }

    public static Value DefaultValue(ValueKind kind) => kind switch
    {
        ValueKind.I32 => Value.FromInt32(0),
        ValueKind.I64 => Value.FromInt64(0),
        ValueKind.F32 => Value.FromSingle(0),
        ValueKind.F64 => Value.FromDouble(0),
        ValueKind.V128 => Value.FromBits(ValueKind.V128, 0),
        ValueKind.FuncRef => Value.NullFunction,
        ValueKind.ExternRef => Value.NullExtern,
        _ => Value.FromBits(kind, 0),
    };

    public static Function FunctionFromReference(this StoreCore store, ulong reference) =>
        reference == 0 ? default : new Function(store, store.Generation, (FunctionReference*)reference);

    public static ulong ReferenceFromFunction(this StoreCore store, Function function)
    {
        if (function.IsNull)
            return 0;
        function.ThrowIfUnusable();
        if (function.Store != store)
            throw new ArgumentException("The function belongs to another store.", nameof(function));
        return (ulong)function.Record;
    }

    /// <summary>What a reference refers to: an object of the host, or a view of the guest's; <see langword="null"/> for 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static object? ToObject(this StoreCore store, ulong reference)
    {
        if (reference == 0)
            return null;
        return (reference & ObjectLayout.TagMask) == ObjectLayout.HandleTag ? store.References.Get(reference) : GuestReference.Of(store, reference);
    }

    /// <summary>The reference by which guests know an object: a handle, or the guest's own; 0 for <see langword="null"/>.</summary>
    /// <exception cref="TrapException">The store's limits do not allow one more object.</exception>
    /// <exception cref="ArgumentException">It is a reference of a guest in another store, or of one that has ended.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ToReference(this StoreCore store, object? value)
    {
        if (value is null)
            return 0;
        return value is GuestReference reference ? reference.RawIn(store) : store.References.Add(value);
    }

    public static Value ToValue(this StoreCore store, in RawValue raw, ValType type)
    {
        ValueKind kind = ValueKinds.Of(type, store.Engine.Types);
        return kind switch
        {
            ValueKind.I32 or ValueKind.F32 => Value.FromBits(kind, (uint)raw.Low),
            ValueKind.I64 or ValueKind.F64 => Value.FromBits(kind, raw.Low),
            ValueKind.V128 => Value.FromBits(kind, raw.Low, raw.High),
            ValueKind.ExternRef => Value.FromObject(store.ToObject(raw.Low)),
            ValueKind.FuncRef => Value.FromFunction(store.FunctionFromReference(raw.Low)),
            ValueKind.AnyRef => Value.FromAny(store.ToObject(raw.Low)),
            _ => raw.Low == 0 ? Value.FromBits(kind, 0) : Value.FromBits(kind, 1, 0, new ExceptionReference(store, raw.Low)),
        };
    }

    /// <exception cref="ArgumentException">The value is not of the type.</exception>
    public static RawValue ToRaw(this StoreCore store, Value value, ValType type)
    {
        ValueKind kind = ValueKinds.Of(type, store.Engine.Types);
        if (value.Kind != kind)
            throw new ArgumentException($"A value of kind {value.Kind} was given where {type} is wanted.", nameof(value));
        if (type.IsReference)
            return ToRawReference(store, value, type);
        return new RawValue { Low = value.Low, High = value.High };
    }

    private static RawValue ToRawReference(StoreCore store, Value value, ValType type)
    {
        if (value.IsNull)
        {
            return type.IsNullable
                ? default
                : throw new ArgumentException($"Null was given where {type} is wanted.", nameof(value));
        }
        switch (value.Kind)
        {
            case ValueKind.ExternRef:
                return new RawValue { Low = store.ToReference(value.AsObject()) };
            case ValueKind.FuncRef:
                Function function = value.AsFunction();
                ulong reference = store.ReferenceFromFunction(function);
                ValType actual = ValType.Reference(HeapType.Canonical((int)function.Record->TypeId), nullable: false);
                if (!ExternTypes.IsSubtype(actual, type, store.Engine.Types))
                    throw new ArgumentException($"A function of another type was given where {type} is wanted: {function.CoreType}.", nameof(value));
                return new RawValue { Low = reference };
            case ValueKind.AnyRef:
                ulong raw = store.ToReference(value.Reference);
                return store.IsOfType(raw, type)
                    ? new RawValue { Low = raw }
                    : throw new ArgumentException($"a reference to something else was given where {type} is wanted", nameof(value));
            default:
                return new RawValue { Low = ((ExceptionReference)value.Reference!).RawIn(store) };
        }
    }
}

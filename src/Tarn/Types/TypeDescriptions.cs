// Between the engine's own types, which are canonical ids and packed ints, and the descriptions of them that embedders see. Whoever describes something uses its types
// meanwhile, so that the registry's entries are there: a module holds itself, a handle is inside its store.
namespace Tarn;

internal static class TypeDescriptions
{
    /// <summary>Describes a type of a module.</summary>
    /// <param name="module">The validated module.</param>
    /// <param name="kind">What it is of.</param>
    /// <param name="index">Which one of the kind, imports counted.</param>
    public static ExternType Of(WasmModule module, ExternalKind kind, int index)
    {
        var types = new Source(module.Registry!, module.CanonicalIds);
        return kind switch
        {
            ExternalKind.Function => types.Function(module, module.Functions[index]),
            ExternalKind.Table => types.Table(module.Tables[index]),
            ExternalKind.Memory => Of(module.Memories[index]),
            ExternalKind.Global => types.Global(module.Globals[index]),
            _ => new TagType(types.Function(module, module.Tags[index].TypeIndex)),
        };
    }

    /// <summary>Describes a canonical type.</summary>
    public static DefinedType Defined(TypeRegistry registry, int typeId) => new Source(registry, []).Defined(HeapType.Canonical(typeId));

    /// <summary>Describes a canonical function type.</summary>
    public static FunctionType Function(TypeRegistry registry, int typeId)
    {
        var types = new Source(registry, []);
        return types.Function(registry.Function(typeId), types.Defined(HeapType.Canonical(typeId)));
    }

    /// <summary>Describes what a function of the host takes and returns. It is not a type of a module.</summary>
    public static FunctionType Function(TypeRegistry registry, ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results)
    {
        var types = new Source(registry, []);
        return new FunctionType(types.Values(parameters), types.Values(results), null);
    }

    /// <summary>Describes a table type whose element type is canonical.</summary>
    public static TableType Table(TypeRegistry registry, in CoreTableType type) => new Source(registry, []).Table(type);

    /// <summary>Describes a global type whose value type is canonical.</summary>
    public static GlobalType Global(TypeRegistry registry, CoreGlobalType type) => new Source(registry, []).Global(type);

    /// <summary>Describes a memory type.</summary>
    public static MemoryType Of(in CoreMemoryType type) =>
        new(Clamp(type.Limits.Minimum), Maximum(type.Limits), type.Limits.Is64, type.Limits.IsShared, type.PageSize);

    /// <summary>Returns a memory type for the engine.</summary>
    public static CoreMemoryType ToCore(MemoryType type) =>
        new(ToCore(type.Minimum, type.Maximum, type.Is64, type.IsShared), int.Log2(type.PageSize));

    /// <summary>Returns a table type for the engine.</summary>
    /// <exception cref="ArgumentException">The element type refers to a type that a module defines.</exception>
    public static CoreTableType ToCore(TableType type) => new(ToCore(type.Element), ToCore(type.Minimum, type.Maximum, type.Is64, isShared: false));

    /// <summary>Returns value types for the engine.</summary>
    /// <exception cref="ArgumentException">A type refers to a type that a module defines.</exception>
    public static ValType[] ToCore(ReadOnlySpan<WasmValueType> types)
    {
        var core = new ValType[types.Length];
        for (int i = 0; i < core.Length; i++)
            core[i] = ToCore(types[i]);
        return core;
    }

    /// <summary>Returns the types of a host function's values for the engine. Where one refers to a type that a module defines, any value of the kind is meant: what a function returns is
    /// compared with the import that it is bound to (<see cref="DefinedHostFunction.WithResults"/>).</summary>
    public static ValType[] ToCoreOfHost(ReadOnlySpan<WasmValueType> types)
    {
        var core = new ValType[types.Length];
        for (int i = 0; i < core.Length; i++)
        {
            core[i] = types[i].DefinedType is DefinedType defined
                ? ValType.Reference(defined.Kind == DefinedTypeKind.Function ? HeapType.Func : HeapType.Any, types[i].IsNullable)
                : ToCore(types[i]);
        }
        return core;
    }

    /// <summary>Returns a value type for the engine.</summary>
    /// <exception cref="ArgumentException">The type refers to a type that a module defines.</exception>
    public static ValType ToCore(WasmValueType type) => type.Kind switch
    {
        ValueKind.I32 => ValType.I32,
        ValueKind.I64 => ValType.I64,
        ValueKind.F32 => ValType.F32,
        ValueKind.F64 => ValType.F64,
        ValueKind.V128 => ValType.V128,
        _ => ValType.Reference(ToCore(type.Heap), type.IsNullable),
    };

    private static HeapType ToCore(HeapKind heap) => heap switch
    {
        HeapKind.Func => HeapType.Func,
        HeapKind.Extern => HeapType.Extern,
        HeapKind.Any => HeapType.Any,
        HeapKind.Eq => HeapType.Eq,
        HeapKind.I31 => HeapType.I31,
        HeapKind.Struct => HeapType.Struct,
        HeapKind.Array => HeapType.Array,
        HeapKind.Exn => HeapType.Exn,
        HeapKind.NoFunc => HeapType.NoFunc,
        HeapKind.NoExtern => HeapType.NoExtern,
        HeapKind.None => HeapType.None,
        HeapKind.NoExn => HeapType.NoExn,
        _ => throw new ArgumentException("The host cannot make items whose type refers to a type that a module defines. Use the type with an abstract target, funcref for one."),
    };

    private static Limits ToCore(long minimum, long? maximum, bool is64, bool isShared) =>
        new((ulong)minimum, (ulong)(maximum ?? 0), maximum is not null, is64, isShared);

    private static HeapKind HeapOf(HeapType heap) => heap.Code switch
    {
        0x70 => HeapKind.Func,
        0x6F => HeapKind.Extern,
        0x6E => HeapKind.Any,
        0x6D => HeapKind.Eq,
        0x6C => HeapKind.I31,
        0x6B => HeapKind.Struct,
        0x6A => HeapKind.Array,
        0x69 => HeapKind.Exn,
        0x71 => HeapKind.None,
        0x72 => HeapKind.NoExtern,
        0x73 => HeapKind.NoFunc,
        _ => HeapKind.NoExn,
    };

    // Only tables and memories of 64 bits can declare more, and none can have it.
    private static long Clamp(ulong size) => (long)Math.Min(size, long.MaxValue);

    private static long? Maximum(in Limits limits) => limits.HasMaximum ? Clamp(limits.Maximum) : null;

    // Where concrete types are looked up: by index in a module, or by canonical id.
    private readonly ref struct Source(TypeRegistry registry, ReadOnlySpan<int> canonical)
    {
        private readonly ReadOnlySpan<int> _canonical = canonical;

        public DefinedType Defined(HeapType heap)
        {
            int id = heap.IsCanonical ? heap.TypeIndex : _canonical[heap.TypeIndex];
            DefinedTypeKind kind = registry[id].Composite.Kind switch
            {
                CompositeKind.Function => DefinedTypeKind.Function,
                CompositeKind.Struct => DefinedTypeKind.Struct,
                _ => DefinedTypeKind.Array,
            };
            ReadOnlySpan<int> display = registry.Display(id);
            long[] identities = new long[display.Length];
            for (int i = 0; i < identities.Length; i++)
                identities[i] = registry.Identity(display[i]);
            return new DefinedType(kind, identities, heap.IsCanonical ? -1 : heap.TypeIndex);
        }

        public FunctionType Function(WasmModule module, int typeIndex) =>
            Function((CoreFunctionType)module.Types[typeIndex].Composite, Defined(HeapType.Index(typeIndex)));

        public FunctionType Function(CoreFunctionType type, DefinedType defined) => new(Values(type.Parameters), Values(type.Results), defined);

        public TableType Table(in CoreTableType type) => new(Value(type.Element), Clamp(type.Limits.Minimum), Maximum(type.Limits), type.Limits.Is64);

        public GlobalType Global(CoreGlobalType type) => new(Value(type.Type), type.IsMutable);

        public WasmValueType[] Values(ReadOnlySpan<ValType> types)
        {
            var values = new WasmValueType[types.Length];
            for (int i = 0; i < values.Length; i++)
                values[i] = Value(types[i]);
            return values;
        }

        private WasmValueType Value(ValType type)
        {
            if (type.IsReference)
                return type.IsConcrete ? WasmValueType.Reference(Defined(type.Heap), type.IsNullable) : WasmValueType.Reference(HeapOf(type.Heap), type.IsNullable);
            if (type == ValType.I32)
                return WasmValueType.I32;
            if (type == ValType.I64)
                return WasmValueType.I64;
            if (type == ValType.F32)
                return WasmValueType.F32;
            return type == ValType.F64 ? WasmValueType.F64 : WasmValueType.V128;
        }
    }
}

// Something that imports can be bound to: a function of the host, or an item of a store. A closed union.
using Tarn.Execution;
using Tarn.Functions;
using Tarn.Memories;
using Tarn.Tables;

namespace Tarn.Linking;

internal sealed unsafe class Definition
{
    private Definition(ExternalKind kind) => Kind = kind;

    public ExternalKind Kind { get; }

    /// <summary>The store that the item lives in; null for host functions, which fit any store.</summary>
    public StoreCore? Store { get; private init; }

    public int Generation { get; private init; }

    public DefinedHostFunction? Host { get; private init; }

    public FunctionReference* Function { get; private init; }

    public MemoryInstance? Memory { get; private init; }

    public TableInstance? Table { get; private init; }

    public Global Global { get; private init; }

    public TagInstance? Tag { get; private init; }

    public static Definition Of(DefinedHostFunction host) => new(ExternalKind.Function) { Host = host };

    public static Definition Of(Function function)
    {
        function.ThrowIfUnusable();
        return new(ExternalKind.Function) { Store = function.Store, Generation = function.Generation, Function = function.Record };
    }

    public static Definition Of(Memory memory) =>
        new(ExternalKind.Memory) { Memory = memory.Instance, Store = memory.Store, Generation = memory.Generation };

    public static Definition Of(Table table) =>
        new(ExternalKind.Table) { Table = table.Instance, Store = table.Store, Generation = table.Generation };

    public static Definition Of(Global global)
    {
        _ = global.Cell;
        return new(ExternalKind.Global) { Global = global, Store = global.Store, Generation = global.Generation };
    }

    public static Definition Of(Tag tag) => new(ExternalKind.Tag) { Tag = tag.Instance, Store = tag.Store, Generation = tag.Generation };

    public static Definition Of(StoreCore store, TagInstance tag) => new(ExternalKind.Tag) { Store = store, Generation = store.Generation, Tag = tag };

    /// <summary>Gets a handle on the function, if it lives in a store.</summary>
    public Function FunctionHandle => new(Store!, Generation, Function);

    /// <summary>Describes the item, with its current size. Inside its store.</summary>
    public ExternType Describe(TypeRegistry types) => Kind switch
    {
        ExternalKind.Function when Host is not null => TypeDescriptions.Function(types, Host.Parameters, Host.Results),
        ExternalKind.Function => TypeDescriptions.Function(types, (int)Function->TypeId),
        ExternalKind.Memory => Memory!.Describe(),
        ExternalKind.Table => Table!.Describe(types),
        ExternalKind.Global => TypeDescriptions.Global(types, Global.CoreType),
        _ => new TagType(TypeDescriptions.Function(types, Tag!.TypeId)),
    };
}

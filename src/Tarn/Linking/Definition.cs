// Something that imports can be bound to: a function of the host, or an item of a store. A closed union.
using Tarn.Execution;
using Tarn.Memories;
using Tarn.Tables;

namespace Tarn.Linking;

internal sealed unsafe class Definition
{
    private Definition(ExternalKind kind) => Kind = kind;

    public ExternalKind Kind { get; }

    /// <summary>The store that the item lives in; null for host functions and shared memories, which fit any store.</summary>
    public StoreCore? Store { get; private init; }

    public int Generation { get; private init; }

    public DefinedHostFunction? Host { get; private init; }

    public FunctionReference* Function { get; private init; }

    public MemoryInstance? Memory { get; private init; }

    public TableInstance? Table { get; private init; }

    public RawValue* GlobalCell { get; private init; }

    /// <summary>The type of the global, of canonical types.</summary>
    public CoreGlobalType GlobalType { get; private init; }

    public TagInstance? Tag { get; private init; }

    public static Definition Of(DefinedHostFunction host) => new(ExternalKind.Function) { Host = host };

    public static Definition Of(StoreCore store, int generation, FunctionReference* function) =>
        new(ExternalKind.Function) { Store = store, Generation = generation, Function = function };

    /// <summary>A memory. One that is shared is of no store; it may have been freed by the time it is used.</summary>
    public static Definition Of(StoreCore store, int generation, MemoryInstance memory) =>
        memory.Shared is SharedMemoryCore shared ? Of(shared) : new(ExternalKind.Memory) { Store = store, Generation = generation, Memory = memory };

    public static Definition Of(SharedMemoryCore memory) => new(ExternalKind.Memory) { Memory = memory.Memory };

    public static Definition Of(StoreCore store, int generation, TableInstance table) =>
        new(ExternalKind.Table) { Store = store, Generation = generation, Table = table };

    public static Definition Of(StoreCore store, int generation, RawValue* cell, CoreGlobalType type) =>
        new(ExternalKind.Global) { Store = store, Generation = generation, GlobalCell = cell, GlobalType = type };

    public static Definition Of(StoreCore store, int generation, TagInstance tag) => new(ExternalKind.Tag) { Store = store, Generation = generation, Tag = tag };

    /// <summary>Defines an export of an instance. Inside its store.</summary>
    public static Definition Of(InstanceData instance, ExternalKind kind, int index)
    {
        StoreCore store = instance.Store;
        int generation = store.Generation;
        return kind switch
        {
            ExternalKind.Function => Of(store, generation, instance.FunctionRecord(index)),
            ExternalKind.Memory => Of(store, generation, instance.Memories[index]),
            ExternalKind.Table => Of(store, generation, instance.Tables[index]),
            ExternalKind.Global => Of(store, generation, instance.GlobalCell(index), instance.GlobalType(index)),
            _ => Of(store, generation, instance.Tags[index]),
        };
    }

    /// <summary>Keeps a shared memory while the definition is looked at; to be followed by <see cref="Leave"/>. Does nothing for anything else.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public void Keep() => Memory?.Shared?.AddReference();

    /// <summary>Ends what <see cref="Keep"/> began.</summary>
    public void Leave() => Memory?.Shared?.Release();

    /// <summary>Describes the item, with its current size. Inside its store, or while it is kept.</summary>
    public ExternType Describe(TypeRegistry types) => Kind switch
    {
        ExternalKind.Function when Host is not null => TypeDescriptions.Function(types, Host.Parameters, Host.Results),
        ExternalKind.Function => TypeDescriptions.Function(types, (int)Function->TypeId),
        ExternalKind.Memory => Memory!.Describe(),
        ExternalKind.Table => Table!.Describe(types),
        ExternalKind.Global => TypeDescriptions.Global(types, GlobalType),
        _ => new TagType(TypeDescriptions.Function(types, Tag!.TypeId)),
    };
}

// Handles on what an instance exports. Inside its store.
using System.Diagnostics.CodeAnalysis;
using Tarn.Execution;
using Tarn.Linking;

namespace Tarn.Handles;

internal static unsafe class InstanceHandles
{
    public static bool TryGetFunction(this InstanceData instance, string name, out Function function)
    {
        FunctionReference* record = instance.FindFunction(name);
        function = record == null ? default : new Function(instance.Store, instance.Store.Generation, record);
        return record != null;
    }

    public static bool TryGetMemory(this InstanceData instance, string name, out Memory memory)
    {
        bool found = instance.TryFindExport(name, ExternalKind.Memory, out int index);
        memory = found ? new Memory(instance.Store, instance.Store.Generation, instance.Memories[index]) : default;
        return found;
    }

    public static bool TryGetTable(this InstanceData instance, string name, out Table table)
    {
        bool found = instance.TryFindExport(name, ExternalKind.Table, out int index);
        table = found ? new Table(instance.Store, instance.Store.Generation, instance.Tables[index]) : default;
        return found;
    }

    public static bool TryGetGlobal(this InstanceData instance, string name, out Global global)
    {
        bool found = instance.TryFindExport(name, ExternalKind.Global, out int index);
        global = found ? new Global(instance.Store, instance.Store.Generation, instance.GlobalCell(index), instance.GlobalType(index)) : default;
        return found;
    }

    public static bool TryGetTag(this InstanceData instance, string name, out Tag tag)
    {
        bool found = instance.TryFindExport(name, ExternalKind.Tag, out int index);
        tag = found ? new Tag(instance.Store, instance.Store.Generation, instance.Tags[index]) : default;
        return found;
    }

    /// <summary>The memory that host functions mean when they say memory: one that the module exports.</summary>
    /// <exception cref="InvalidOperationException">The module exports none.</exception>
    public static Memory DefaultMemory(this InstanceData instance) => instance.Module.DefaultMemory >= 0
        ? new Memory(instance.Store, instance.Store.Generation, instance.Memories[instance.Module.DefaultMemory])
        : throw new InvalidOperationException("The module exports no memory.");

    public static bool TryGetDefinition(this InstanceData instance, string name, [NotNullWhen(true)] out Definition? definition)
    {
        definition = instance.Module.TryGetExport(name, out Export export) ? Definition.Of(instance, export.Kind, export.Index) : null;
        return definition is not null;
    }
}

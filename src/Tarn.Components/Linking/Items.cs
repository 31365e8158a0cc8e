// What an index of a component stands for while its linking plan is made: never a value at run time, but where that will be. The plan's slots are its only addresses.
namespace Tarn.Components.Linking;

/// <summary>A core item: an export of a core instance, or a function that the plan makes.</summary>
/// <param name="Slot">Of the core instance or of the function.</param>
/// <param name="Export">The export's name; null for a function of the plan.</param>
internal readonly record struct CoreItem(int Slot, string? Export);

/// <summary>A core instance: one that is instantiated, or items under names.</summary>
/// <param name="Slot">Of an instantiation; -1 for items.</param>
/// <param name="Items">Items by name.</param>
internal sealed record CoreInstanceItem(int Slot, Dictionary<string, CoreItem>? Items)
{
    public CoreItem Find(string name) => Items is null ? new CoreItem(Slot, name) : Items[name];
}

/// <summary>An item of a component.</summary>
internal abstract record Item;

/// <summary>A core module.</summary>
internal sealed record ModuleItem(int Module) : Item;

/// <summary>A function that the component lifts.</summary>
/// <param name="Slot">Of the lifted function.</param>
internal sealed record LiftedItem(int Slot) : Item;

/// <summary>A function of the host.</summary>
/// <param name="Import">Its number among the imported functions.</param>
internal sealed record ImportedItem(int Import) : Item;

/// <summary>A type; only resources mean something at run time.</summary>
/// <param name="Resource">Slot of a resource, -1 for other types.</param>
internal sealed record TypeItem(int Resource) : Item;

/// <summary>An instance: items by name.</summary>
internal sealed record InstanceItem(Dictionary<string, Item> Exports) : Item;

/// <summary>A component with the scope that it is in.</summary>
internal sealed record PlannedComponent(WasmComponent Component, PlanScope Parent) : Item;

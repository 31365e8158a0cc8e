// What a component imports or exports, by name and kind.
namespace Tarn.Components;

/// <summary>Specifies what an import or export of a component is.</summary>
public enum ComponentItemKind
{
    /// <summary>A function.</summary>
    Function,

    /// <summary>An instance: items under names, as an interface has them.</summary>
    Instance,

    /// <summary>A type.</summary>
    Type,

    /// <summary>A component.</summary>
    Component,

    /// <summary>A core module.</summary>
    CoreModule,

    /// <summary>A value.</summary>
    Value,
}

/// <summary>Describes an import or export of a component.</summary>
/// <param name="Name">The name.</param>
/// <param name="Kind">What it is.</param>
public readonly record struct ComponentItem(string Name, ComponentItemKind Kind);

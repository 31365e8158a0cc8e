// Takes out of interfaces and worlds what a gate excludes, and refuses what is left and refers to it.
namespace Tarn.Wasm.Wit;

/// <summary>Applies gates.</summary>
internal static class GateFilter
{
    private const string ExcludedType = "This refers to a type that is excluded, since its feature is not on.";

    /// <summary>Filters an interface. One that is excluded itself keeps its types for those that refer to it.</summary>
    public static void Apply(WitInterface definition, WitFeatures features)
    {
        WitPackageName package = definition.Package.Name;
        definition.IsExcluded = !features.Includes(definition.Stability, package, definition.Span);
        foreach ((string name, WitTypeDef type) in definition.Types.ToArray())
        {
            type.IsExcluded = !features.Includes(type.Stability, package, type.Span);
            if (type.IsExcluded)
            {
                definition.Types.Remove(name);
                definition.ExcludedTypes.Add(name, type);
                continue;
            }

            if (definition.IsExcluded)
                throw type.Span.Error("The interface is excluded, since its feature is not on, and this type is not part of a feature.");
            Check(type);
        }

        foreach ((string name, WitFunction function) in definition.Functions.ToArray())
        {
            if (features.Includes(function.Stability, package, function.Span))
                Check(function);
            else
                definition.Functions.Remove(name);
        }

        if (definition.IsExcluded && definition.Name is string own)
            definition.Package.Excluded.Add(own, definition);
    }

    /// <summary>Filters a world.</summary>
    public static void Apply(WitWorld world, WitFeatures features)
    {
        world.IsExcluded = !features.Includes(world.Stability, world.Package.Name, world.Span);
        Apply(world, world.Imports, features);
        Apply(world, world.Exports, features);
    }

    private static void Apply(WitWorld world, OrderedDictionary<WitKey, WitWorldItem> items, WitFeatures features)
    {
        foreach ((WitKey key, WitWorldItem item) in items.ToArray())
        {
            bool isIncluded = features.Includes(item.Stability, world.Package.Name, item.Span);
            if (item.Type is not null)
                item.Type.IsExcluded = !isIncluded;
            if (!isIncluded)
            {
                items.Remove(key);
                continue;
            }

            if (item.Interface is { Name: null } inline)
                Apply(inline, features);
            else if (item.Interface is { IsExcluded: true })
                throw item.Span.Error("This refers to an interface that is excluded, since its feature is not on.");
            if (item.Type is not null)
                Check(item.Type);
            if (item.Function is not null)
                Check(item.Function);
        }
    }

    private static void Check(WitTypeDef type)
    {
        for (int i = 0; i < type.Types.Length; i++)
        {
            if (type.Types[i] is WitType part && RefersToExcluded(part))
                throw (type.MemberSpans.Length > 0 ? type.MemberSpans[i] : type.Span).Error(ExcludedType);
        }
    }

    private static void Check(WitFunction function)
    {
        if (function.Resource is { IsExcluded: true } || function.AllTypes().Any(RefersToExcluded))
            throw function.Span.Error(ExcludedType);
    }

    // A named type answers for itself: its own definition has been checked.
    private static bool RefersToExcluded(WitType type) =>
        type.Definition is WitTypeDef definition && (definition.IsExcluded || (definition.Name is null && definition.Types.Any(part => part is WitType inner && RefersToExcluded(inner))));
}

// Makes a world list all that it needs: interfaces whose types its imports and exports use are imports too, unless they are exports (the WIT specification, "Elaboration of worlds").
//
// Imports are put in the order interfaces, used types, own types, functions, functions of resources, each class in the order in which it came and each interface behind those it uses.
// That is the order of the encoding, in which something can only refer to what is before it.
namespace Tarn.Wasm.Wit;

internal static class WorldElaboration
{
    /// <summary>How long a chain of interfaces may be that use each other: passes over them recurse. What is decoded may even use itself in a circle, which ends here too.</summary>
    public const int MaximumChain = 1000;

    /// <summary>Elaborates a world.</summary>
    /// <exception cref="TextFormatException">An export would see one interface both as an import and as an export.</exception>
    public static void Elaborate(WitWorld world)
    {
        OrderedDictionary<WitKey, WitWorldItem> imports = [], exports = [];
        foreach ((WitKey key, WitWorldItem item) in world.Imports.OrderBy(import => Class(import.Value)))
        {
            if (item.Interface is WitInterface definition)
            {
                AddImport(imports, key, definition, item, 1);
                continue;
            }

            if (item.Type?.UsedFrom is WitInterface used)
                AddImport(imports, new WitKey(used), used, new WitWorldItem(used, null, null, item.Stability, item.Span, null), 1);
            imports.TryAdd(key, item);
        }

        OrderedDictionary<WitInterface, (WitKey Key, WitWorldItem Item)> exported = [];
        List<(WitKey Key, WitWorldItem Item)> labelled = [];
        foreach ((WitKey key, WitWorldItem item) in world.Exports)
        {
            if (item.Interface is null)
                exports.Add(key, item);
            else if (key.Interface is not null || item.Interface.Name is null)
                exported.Add(item.Interface, (key, item));
            else
                labelled.Add((key, item));
        }

        HashSet<WitInterface> required = [];
        foreach ((WitInterface definition, (WitKey key, WitWorldItem item)) in exported)
        {
            if (!AddExport(world, definition, key, item, isExport: true, imports, exports, exported, required, 1))
                throw world.Span.Error($"The export `{key}` depends on an interface both as an import and as an export.");
        }

        foreach ((WitKey key, WitWorldItem item) in labelled)
        {
            if (!AddExport(world, item.Interface!, key, item, isExport: true, imports, exports, exported, required, 1))
                throw world.Span.Error($"The export `{key}` depends on an interface both as an import and as an export.");
        }

        world.Imports = [];
        foreach ((WitKey key, WitWorldItem item) in imports.OrderBy(import => Class(import.Value)))
            world.Imports.Add(key, item);
        world.Exports = exports;
    }

    /// <summary>Refuses names that differ only in case.</summary>
    public static void CheckNames(WitWorld world)
    {
        foreach ((OrderedDictionary<WitKey, WitWorldItem> items, string verb) in new[] { (world.Imports, "import"), (world.Exports, "export") })
        {
            Dictionary<string, string> names = new(StringComparer.OrdinalIgnoreCase);
            foreach ((WitKey key, WitWorldItem item) in items)
            {
                if (key.Name is string name && !names.TryAdd(name, name))
                    throw item.Span.Error($"The {verb} `{name}` of the world `{world.Name}` conflicts with the {verb} `{names[name]}`: names are compared without regard to case.");
            }
        }
    }

    /// <summary>The interfaces from which an interface uses types, one for each use.</summary>
    public static IEnumerable<WitInterface> Uses(WitInterface definition) => definition.Types.Values.Select(type => type.UsedFrom).OfType<WitInterface>();

    private static int Class(WitWorldItem item) => item switch
    {
        { Interface: not null } => 0,
        { Type: WitTypeDef type } => type.Kind == WitTypeKind.Named && type.Types[0]!.Value.Definition is { } other && other.Owner != type.Owner ? 1 : 2,
        _ => item.Function!.Resource is null ? 3 : 4,
    };

    /// <summary>Refuses a chain that is too long.</summary>
    public static void CheckChain(int depth, in WitSpan span)
    {
        if (depth > MaximumChain)
            throw span.Error($"Interfaces use each other in a circle, or in a chain of more than {MaximumChain}.");
    }

    private static void AddImport(OrderedDictionary<WitKey, WitWorldItem> imports, WitKey key, WitInterface definition, WitWorldItem item, int depth)
    {
        if (imports.ContainsKey(key))
            return;
        CheckChain(depth, item.Span);
        foreach (WitInterface used in Uses(definition))
            AddImport(imports, new WitKey(used), used, new WitWorldItem(used, null, null, item.Stability, item.Span, null), depth + 1);
        imports.Add(key, item);
    }

    private static bool AddExport(
        WitWorld world, WitInterface definition, WitKey key, WitWorldItem item, bool isExport, OrderedDictionary<WitKey, WitWorldItem> imports, OrderedDictionary<WitKey, WitWorldItem> exports,
        OrderedDictionary<WitInterface, (WitKey Key, WitWorldItem Item)> exported, HashSet<WitInterface> required, int depth)
    {
        CheckChain(depth, world.Span);
        if (exports.ContainsKey(key))
            return isExport;
        if (!isExport && required.Contains(definition))
            return true;
        foreach (WitInterface used in Uses(definition))
        {
            bool isUsedExport = isExport && exported.ContainsKey(used);
            WitWorldItem usedItem = isUsedExport ? exported[used].Item : new WitWorldItem(used, null, null, item.Stability, item.Span, null);
            if (!AddExport(world, used, new WitKey(used), usedItem, isUsedExport, imports, exports, exported, required, depth + 1))
                return false;
        }

        if (isExport)
        {
            if (required.Contains(definition))
                return false;
            exports.Add(key, item);
        }
        else
        {
            required.Add(definition);
            imports.TryAdd(key, item);
        }

        return true;
    }
}

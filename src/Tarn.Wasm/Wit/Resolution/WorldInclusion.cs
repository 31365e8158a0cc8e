// Adds the imports and exports of one world to another (the WIT specification, "Include").
//
// Types and resources that a world defines itself are copied, since a type belongs to one world: the copy's functions refer to the copied types.
namespace Tarn.Wasm.Wit;

internal static class WorldInclusion
{
    /// <summary>Includes a world.</summary>
    public static void Include(WitWorld world, WitWorld other, IncludeSyntax include)
    {
        Dictionary<string, string> renames = new(StringComparer.Ordinal);
        foreach (UseNameSyntax name in include.Names)
        {
            if (!other.Imports.ContainsKey(new WitKey(name.Name.Text)) && !other.Exports.ContainsKey(new WitKey(name.Name.Text)))
                throw include.From.Name.Span.Error($"The world has no import or export `{name.Name.Text}`. The name of an interface cannot be changed.");
            renames[name.Name.Text] = name.As.Text;
        }

        TypeCopier copier = new(other, world, renames);
        Add(world.Imports, other.Imports, "import", renames, copier, world.Package != other.Package, include.From.Name.Span);
        Add(world.Exports, other.Exports, "export", renames, copier, world.Package != other.Package, include.From.Name.Span);
    }

    private static void Add(
        OrderedDictionary<WitKey, WitWorldItem> target, OrderedDictionary<WitKey, WitWorldItem> source, string verb, Dictionary<string, string> renames, TypeCopier copier, bool isForeign, in WitSpan span)
    {
        foreach ((WitKey key, WitWorldItem item) in source)
        {
            WitWorldItem copy = copier.Copy(item);
            // A gate speaks of its own package's versions and features.
            if (isForeign)
                copy = copy with { Stability = default };
            if (key.Interface is not null)
            {
                // The looser of two gates holds.
                if (!target.TryAdd(key, copy) && target[key].Stability.Since is null && target[key].Stability.Feature is not null)
                    target[key] = target[key] with { Stability = copy.Stability };
                continue;
            }

            string name = copy.Function is { Kind: not WitFunctionKind.Freestanding } function ? function.Name : renames.GetValueOrDefault(key.Name!, key.Name!);
            if (!target.TryAdd(new WitKey(name), copy))
                throw span.Error($"The {verb} `{name}` is there already, and including another one would shadow it.");
        }
    }
}

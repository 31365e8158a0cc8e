// Makes of several versions of one interface among a world's imports the newest one, where versions are compatible: whoever provides the newest provides the others too, and types of both
// are the same types then.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

internal static class VersionMerging
{
    /// <summary>What compatible versions of an interface have in common, or null for one without a version.</summary>
    public static string? Track(WitInterface definition)
    {
        WitPackageName name = definition.Package.Name;
        if (definition.Name is null || name.Version is null || SemanticVersion.Parse(name.Version, out SemanticVersion version) is not null)
            return null;
        return $"{name.Namespace}:{name.Name}/{definition.Name}@{version.Track ?? name.Version}";
    }

    /// <summary>Merges a world's imports.</summary>
    /// <exception cref="TextFormatException">A newer version lacks a type that is used of an older one.</exception>
    public static void Merge(WitWorld world)
    {
        Dictionary<string, WitInterface> newest = new(StringComparer.Ordinal);
        foreach (WitKey key in world.Imports.Keys)
        {
            if (key.Interface is not WitInterface definition || Track(definition) is not string track)
                continue;
            if (!newest.TryGetValue(track, out WitInterface? other) || Version(definition).CompareTo(Version(other)) > 0)
                newest[track] = definition;
        }

        Dictionary<WitInterface, WitInterface> replacements = new(ReferenceEqualityComparer.Instance);
        foreach (WitKey key in world.Imports.Keys)
        {
            if (key.Interface is WitInterface definition && Track(definition) is string track && newest[track] != definition)
                replacements.Add(definition, newest[track]);
        }

        if (replacements.Count == 0)
            return;
        foreach (WitInterface old in replacements.Keys)
            world.Imports.Remove(new WitKey(old));
        foreach (WitWorldItem item in world.Imports.Values.Concat(world.Exports.Values))
        {
            foreach (WitTypeDef type in item.Interface?.Types.Values ?? (item.Type is null ? [] : (IEnumerable<WitTypeDef>)[item.Type]))
            {
                if (type.UsedFrom is not WitInterface used || !replacements.TryGetValue(used, out WitInterface? replacement))
                    continue;
                string name = type.Types[0]!.Value.Definition!.Name!;
                if (!replacement.Types.TryGetValue(name, out WitTypeDef? target))
                    throw TextFormatException.WithoutPlace($"`{replacement.Id}` takes the place of `{used.Id}`, and has no type `{name}`.", null);
                type.Types = [new WitType(target)];
            }
        }

        WorldElaboration.Elaborate(world);
    }

    private static SemanticVersion Version(WitInterface definition)
    {
        SemanticVersion.Parse(definition.Package.Name.Version, out SemanticVersion version);
        return version;
    }
}

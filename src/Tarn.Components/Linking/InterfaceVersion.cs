// Which versions of an interface stand in for which (Explainer.md, "Canonical Interface Name"): those of one track, where the defined one is not older than the one that is asked for.
namespace Tarn.Components.Linking;

internal static class InterfaceVersion
{
    /// <summary>Whether an interface that is defined stands in for one that is imported.</summary>
    public static bool Provides(string defined, string imported)
    {
        if (!TrySplit(defined, out string name, out SemanticVersion have) || !TrySplit(imported, out string wanted, out SemanticVersion want) || name != wanted)
            return false;
        if (have.Prerelease.Length > 0 || want.Prerelease.Length > 0)
            return have == want;
        if (have.Major != want.Major)
            return false;
        if (have.Major > 0)
            return (have.Minor, have.Patch).CompareTo((want.Minor, want.Patch)) >= 0;
        if (have.Minor != want.Minor)
            return false;
        return have.Minor > 0 ? have.Patch >= want.Patch : have.Patch == want.Patch;
    }

    private static bool TrySplit(string interfaceName, out string name, out SemanticVersion version)
    {
        version = default;
        int at = interfaceName.IndexOf('@', StringComparison.Ordinal);
        name = at < 0 ? interfaceName : interfaceName[..at];
        return at >= 0 && SemanticVersion.Parse(interfaceName.AsSpan(at + 1), out version) is null;
    }
}

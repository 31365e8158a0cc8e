// Which unstable features are part of what is resolved, and what a gate means under them.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>The features that are on.</summary>
/// <param name="Names">Their names.</param>
/// <param name="All">Whether all are on.</param>
internal sealed record WitFeatures(IReadOnlySet<string> Names, bool All)
{
    /// <summary>No feature.</summary>
    public static WitFeatures None { get; } = new(new HashSet<string>(), false);

    /// <summary>Every feature.</summary>
    public static WitFeatures Every { get; } = new(new HashSet<string>(), true);

    /// <summary>Whether something is part of its package.</summary>
    /// <param name="stability">Its gate.</param>
    /// <param name="package">Its package.</param>
    /// <param name="span">Where it is, for messages.</param>
    /// <exception cref="TextFormatException">It is stable since a version that the package does not have yet.</exception>
    public bool Includes(in WitStability stability, WitPackageName package, in WitSpan span)
    {
        if (stability.Since is string since)
        {
            if (package.Version is null)
                throw span.Error($"The gate names the version {since}, and the package `{package}` has no version.");
            SemanticVersion.Parse(since, out SemanticVersion wanted);
            SemanticVersion.Parse(package.Version, out SemanticVersion have);
            if (wanted.CompareTo(have) > 0)
                throw span.Error($"The gate names the unreleased version {since}: the package is `{package}`.");
            return true;
        }

        return stability.Feature is not string feature || All || Names.Contains(feature);
    }
}

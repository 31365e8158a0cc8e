// The types of what modules import and export, as embedders see them: immutable descriptions without a lifetime, of a module, of an item in a store, or made by the host.
// The engine itself links by its canonical types (ExternTypes); ExternTypeTests hold the two to the same answers.
namespace Tarn;

/// <summary>The type of something that a module imports or exports.</summary>
public abstract class ExternType : IEquatable<ExternType>
{
    private protected ExternType()
    {
    }

    /// <summary>Gets what is described.</summary>
    public abstract ExternKind Kind { get; }

    /// <summary>Gets whether something of this type can be used where an import of another type is declared.</summary>
    /// <param name="expected">The type of the import.</param>
    public bool Matches(ExternType expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        return Kind == expected.Kind && MatchesCore(expected);
    }

    /// <inheritdoc/>
    public abstract bool Equals(ExternType? other);

    /// <inheritdoc/>
    public sealed override bool Equals(object? obj) => Equals(obj as ExternType);

    /// <inheritdoc/>
    public abstract override int GetHashCode();

    /// <summary>Returns the type in the notation of the text format.</summary>
    public abstract override string ToString();

    private protected abstract bool MatchesCore(ExternType expected);

    // Sizes as the specification compares them: at least as much, and no more room to grow.
    private protected static bool LimitsMatch(long minimum, long? maximum, long expectedMinimum, long? expectedMaximum) =>
        minimum >= expectedMinimum && (expectedMaximum is null || maximum <= expectedMaximum);

    private protected static string LimitsText(long minimum, long? maximum, bool is64) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(is64 ? "i64 " : "")}{minimum}{(maximum is null ? "" : $" {maximum}")}");
}

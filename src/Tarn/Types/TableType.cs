// The type of a table, as embedders see it.
namespace Tarn;

/// <summary>The type of a table of references.</summary>
public sealed class TableType : ExternType
{
    /// <summary>Initializes a new instance of the <see cref="TableType"/> class.</summary>
    /// <param name="element">The type of the elements: a reference type.</param>
    /// <param name="minimum">The number of elements at creation.</param>
    /// <param name="maximum">The number of elements to which the table may grow; <see langword="null"/> for no bound of its own.</param>
    /// <param name="is64">Whether indices have 64 bits.</param>
    /// <exception cref="ArgumentException"><paramref name="element"/> is not a reference type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or the maximum is below the minimum.</exception>
    public TableType(WasmValueType element, long minimum, long? maximum = null, bool is64 = false)
    {
        if (!element.IsReference)
            throw new ArgumentException($"A table holds references, and {element} is not a reference type.", nameof(element));
        ArgumentOutOfRangeException.ThrowIfNegative(minimum);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum ?? minimum, minimum, nameof(maximum));
        Element = element;
        Minimum = minimum;
        Maximum = maximum;
        Is64 = is64;
    }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Table;

    /// <summary>Gets the type of the elements.</summary>
    public WasmValueType Element { get; }

    /// <summary>Gets the number of elements at creation. For the type of a table that exists it is the current length.</summary>
    public long Minimum { get; }

    /// <summary>Gets the number of elements to which the table may grow; <see langword="null"/> for no bound of its own.</summary>
    public long? Maximum { get; }

    /// <summary>Gets whether indices have 64 bits.</summary>
    public bool Is64 { get; }

    /// <inheritdoc/>
    public override bool Equals(ExternType? other) =>
        other is TableType type && Element == type.Element && Minimum == type.Minimum && Maximum == type.Maximum && Is64 == type.Is64;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Element, Minimum, Maximum, Is64);

    /// <inheritdoc/>
    public override string ToString() => $"(table {LimitsText(Minimum, Maximum, Is64)} {Element})";

    // Tables are mutable, so their elements have to be of the same type.
    private protected override bool MatchesCore(ExternType expected)
    {
        var wanted = (TableType)expected;
        return Element == wanted.Element && Is64 == wanted.Is64 && LimitsMatch(Minimum, Maximum, wanted.Minimum, wanted.Maximum);
    }
}

// The type of a global, as embedders see it.
namespace Tarn;

/// <summary>The type of a global variable.</summary>
public sealed class GlobalType : ExternType
{
    /// <summary>Initializes a new instance of the <see cref="GlobalType"/> class.</summary>
    /// <param name="valueType">The type of the value.</param>
    /// <param name="isMutable">Whether the value can be changed.</param>
    public GlobalType(WasmValueType valueType, bool isMutable = false)
    {
        ValueType = valueType;
        IsMutable = isMutable;
    }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Global;

    /// <summary>Gets the type of the value.</summary>
    public WasmValueType ValueType { get; }

    /// <summary>Gets whether the value can be changed, by guests and by the host.</summary>
    public bool IsMutable { get; }

    /// <inheritdoc/>
    public override bool Equals(ExternType? other) => other is GlobalType type && ValueType == type.ValueType && IsMutable == type.IsMutable;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ValueType, IsMutable);

    /// <inheritdoc/>
    public override string ToString() => IsMutable ? $"(global (mut {ValueType}))" : $"(global {ValueType})";

    private protected override bool MatchesCore(ExternType expected)
    {
        var wanted = (GlobalType)expected;
        return IsMutable == wanted.IsMutable && (IsMutable ? ValueType == wanted.ValueType : ValueType.Matches(wanted.ValueType));
    }
}

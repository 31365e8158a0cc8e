// The type of an exception tag, as embedders see it.
namespace Tarn;

/// <summary>The type of an exception tag: what an exception that carries the tag consists of.</summary>
public sealed class TagType : ExternType
{
    /// <summary>Initializes a new instance of the <see cref="TagType"/> class.</summary>
    /// <param name="function">The values that an exception carries, as parameters of a function type.</param>
    public TagType(FunctionType function)
    {
        ArgumentNullException.ThrowIfNull(function);
        Function = function;
    }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Tag;

    /// <summary>Gets the function type whose parameters are the values that an exception carries.</summary>
    public FunctionType Function { get; }

    /// <inheritdoc/>
    public override bool Equals(ExternType? other) => other is TagType type && Function.Equals(type.Function);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Function);

    /// <inheritdoc/>
    public override string ToString() => Function.ToString("tag");

    // Exceptions flow in both directions, so the types have to be the same.
    private protected override bool MatchesCore(ExternType expected)
    {
        FunctionType wanted = ((TagType)expected).Function;
        return Function.DefinedType is not null && wanted.DefinedType is not null ? Function.DefinedType.Equals(wanted.DefinedType) : Function.Equals(wanted);
    }
}

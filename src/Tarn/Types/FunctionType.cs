// What a function takes and returns. One that was read from a module or a function knows which of the module's types it is, since imports are matched by that; one that the
// host makes fits every type of its shape.
using System.Text;

namespace Tarn;

/// <summary>The type of a function: its parameters and results.</summary>
public sealed class FunctionType : ExternType
{
    private readonly WasmValueType[] _parameters;
    private readonly WasmValueType[] _results;

    /// <summary>Initializes a new instance of the <see cref="FunctionType"/> class.</summary>
    /// <param name="parameters">The types of the parameters, in order.</param>
    /// <param name="results">The types of the results, in order.</param>
    public FunctionType(ReadOnlySpan<WasmValueType> parameters, ReadOnlySpan<WasmValueType> results)
        : this(parameters.ToArray(), results.ToArray(), null)
    {
    }

    internal FunctionType(WasmValueType[] parameters, WasmValueType[] results, DefinedType? definedType)
    {
        _parameters = parameters;
        _results = results;
        DefinedType = definedType;
    }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Function;

    /// <summary>Gets the types of the parameters.</summary>
    public ReadOnlySpan<WasmValueType> Parameters => _parameters;

    /// <summary>Gets the types of the results.</summary>
    public ReadOnlySpan<WasmValueType> Results => _results;

    /// <summary>Gets which type of a module the function has; <see langword="null"/> for a type that the host made.</summary>
    public DefinedType? DefinedType { get; }

    /// <summary>Gets whether another type has the same parameters and results. Types of modules are compared with <see cref="DefinedType"/>.</summary>
    public override bool Equals(ExternType? other) => other is FunctionType type && Parameters.SequenceEqual(type.Parameters) && Results.SequenceEqual(type.Results);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (WasmValueType type in _parameters)
            hash.Add(type);
        hash.Add(-1);
        foreach (WasmValueType type in _results)
            hash.Add(type);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => ToString("func");

    internal string ToString(string what)
    {
        var text = new StringBuilder("(").Append(what);
        Append(text, "param", _parameters);
        Append(text, "result", _results);
        return text.Append(')').ToString();
    }

    private protected override bool MatchesCore(ExternType expected)
    {
        var wanted = (FunctionType)expected;
        if (DefinedType is not null && wanted.DefinedType is not null)
            return DefinedType.IsSubtypeOf(wanted.DefinedType);
        return AllMatch(wanted._parameters, _parameters) && AllMatch(_results, wanted._results);
    }

    private static bool AllMatch(WasmValueType[] types, WasmValueType[] expected)
    {
        if (types.Length != expected.Length)
            return false;
        for (int i = 0; i < types.Length; i++)
        {
            if (!types[i].Matches(expected[i]))
                return false;
        }
        return true;
    }

    private static void Append(StringBuilder text, string what, WasmValueType[] types)
    {
        if (types.Length == 0)
            return;
        text.Append(" (").Append(what);
        foreach (WasmValueType type in types)
            text.Append(' ').Append(type);
        text.Append(')');
    }
}

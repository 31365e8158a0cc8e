// What a function takes and gives, as embedders see it.
using System.Text;

namespace Tarn;

/// <summary>The kinds of a function's parameters and results.</summary>
public sealed class FunctionSignature : IEquatable<FunctionSignature>
{
    private readonly ValueKind[] _parameters;
    private readonly ValueKind[] _results;

    /// <summary>Makes a signature.</summary>
    /// <param name="parameters">The kinds of the parameters, in order.</param>
    /// <param name="results">The kinds of the results, in order.</param>
    public FunctionSignature(ReadOnlySpan<ValueKind> parameters, ReadOnlySpan<ValueKind> results)
    {
        _parameters = parameters.ToArray();
        _results = results.ToArray();
    }

    /// <summary>The kinds of the parameters.</summary>
    public ReadOnlySpan<ValueKind> Parameters => _parameters;

    /// <summary>The kinds of the results.</summary>
    public ReadOnlySpan<ValueKind> Results => _results;

    /// <inheritdoc/>
    public bool Equals(FunctionSignature? other) =>
        other is not null && Parameters.SequenceEqual(other.Parameters) && Results.SequenceEqual(other.Results);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FunctionSignature);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (ValueKind kind in _parameters)
            hash.Add(kind);
        hash.Add(-1);
        foreach (ValueKind kind in _results)
            hash.Add(kind);
        return hash.ToHashCode();
    }

    /// <summary>The signature in the notation of the text format.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("(func");
        Append(text, "param", _parameters);
        Append(text, "result", _results);
        return text.Append(')').ToString();
    }

    private static void Append(StringBuilder text, string what, ValueKind[] kinds)
    {
        if (kinds.Length == 0)
            return;
        text.Append(" (").Append(what);
        foreach (ValueKind kind in kinds)
            text.Append(' ').Append(kind.ToString().ToLowerInvariant());
        text.Append(')');
    }
}

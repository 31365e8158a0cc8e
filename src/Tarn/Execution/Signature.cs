// Why: the types of a call as stubs see them; equal ones share stubs, process-wide. Immutable, so it can be a dictionary's key.
using Tarn.Compiler.Abi;

namespace Tarn.Execution;

internal sealed class Signature : IEquatable<Signature>
{
    private readonly AbiType[] _parameters;
    private readonly AbiType[] _results;
    private readonly int _hash;

    public Signature(ReadOnlySpan<AbiType> parameters, ReadOnlySpan<AbiType> results)
    {
        _parameters = parameters.ToArray();
        _results = results.ToArray();
        HashCode hash = default;
        hash.Add(_parameters.Length);
        foreach (AbiType type in _parameters)
        {
            hash.Add((int)type);
        }

        foreach (AbiType type in _results)
        {
            hash.Add((int)type);
        }

        _hash = hash.ToHashCode();
    }

    public ReadOnlySpan<AbiType> Parameters => _parameters;

    public ReadOnlySpan<AbiType> Results => _results;

    /// <summary>Values an array for this signature has to hold: arguments on the way in, results on the way out.</summary>
    public int ValueCount => Math.Max(_parameters.Length, _results.Length);

    /// <summary>The C convention can carry it: at most one result, and no v128.</summary>
    public bool HasTypedEntry => _results.Length <= 1 && !_parameters.Contains(AbiType.V128) && !_results.Contains(AbiType.V128);

    public bool Equals(Signature? other) =>
        other is not null && _hash == other._hash && _parameters.AsSpan().SequenceEqual(other._parameters) && _results.AsSpan().SequenceEqual(other._results);

    public override bool Equals(object? obj) => Equals(obj as Signature);

    public override int GetHashCode() => _hash;

    public override string ToString() => $"({string.Join(' ', _parameters)}) -> ({string.Join(' ', _results)})";
}

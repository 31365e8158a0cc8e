// Identifiers of one module as small integers, so that looking one up is one hash and everything after an array access. Identifiers are equal if
// what they mean is equal: $x and $"x" are one symbol. Each symbol carries its index in every index space, -1 where it has none.
//
// Scopes cost nothing to leave: a local is valid if its stamp is that of the current function; a label restores what it shadowed.
namespace Tarn.Wasm.Text;

/// <summary>The index spaces that identifiers live in, function-local ones aside.</summary>
internal enum IndexSpace : byte
{
    Type,
    Function,
    Table,
    Memory,
    Global,
    Tag,
    Element,
    Data,
    Count,
}

/// <summary>What an identifier stands for.</summary>
internal struct Symbol
{
    public int Start;
    public int Length;
    public uint Hash;

    /// <summary>Function in which <see cref="Local"/> is valid, counted from 1.</summary>
    public int LocalStamp;
    public int Local;

    /// <summary>Depth of the innermost open label of this name, counted from the function's outermost block; -1 if there is none.</summary>
    public int Label;
}

/// <summary>Interned identifiers.</summary>
internal sealed class SymbolTable
{
    private readonly ByteBuffer _names = new(256);
    private Symbol[] _symbols = new Symbol[32];
    private int[] _indices = new int[32 * (int)IndexSpace.Count];
    private int[] _buckets = new int[64];

    public int Count { get; private set; }

    public ref Symbol this[int symbol] => ref _symbols[symbol];

    public ReadOnlySpan<byte> Name(int symbol) => _names.Slice(_symbols[symbol].Start, _symbols[symbol].Length);

    /// <summary>The symbol's index in a space, -1 where it has none.</summary>
    public ref int Index(int symbol, IndexSpace space) => ref _indices[(symbol * (int)IndexSpace.Count) + (int)space];

    public int Intern(ReadOnlySpan<byte> name)
    {
        HashCode code = default;
        code.AddBytes(name);
        uint hash = (uint)code.ToHashCode();
        uint mask = (uint)_buckets.Length - 1;
        uint slot = hash & mask;
        for (; _buckets[slot] != 0; slot = (slot + 1) & mask)
        {
            int candidate = _buckets[slot] - 1;
            if (_symbols[candidate].Hash == hash && Name(candidate).SequenceEqual(name))
                return candidate;
        }

        if (Count == _symbols.Length)
        {
            Array.Resize(ref _symbols, Count * 2);
            Array.Resize(ref _indices, Count * 2 * (int)IndexSpace.Count);
        }

        int symbol = Count++;
        _symbols[symbol] = new Symbol { Start = _names.Count, Length = name.Length, Hash = hash, Label = -1 };
        _names.Bytes(name);
        _indices.AsSpan(symbol * (int)IndexSpace.Count, (int)IndexSpace.Count).Fill(-1);
        _buckets[slot] = symbol + 1;
        if (Count * 2 > _buckets.Length)
            Rehash();
        return symbol;
    }

    private void Rehash()
    {
        int[] buckets = new int[_buckets.Length * 2];
        uint mask = (uint)buckets.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            uint slot = _symbols[i].Hash & mask;
            while (buckets[slot] != 0)
                slot = (slot + 1) & mask;
            buckets[slot] = i + 1;
        }

        _buckets = buckets;
    }
}

// The type of a block as the binary format writes it: nothing, one result, or a function type by index.
//   value < 0: a single result, bits of the ValType negated minus one; value >= 0: type index; int.MinValue: empty.
namespace Tarn.Wasm;

/// <summary>The type of a structured instruction.</summary>
internal readonly struct BlockType
{
    private readonly int _value;

    private BlockType(int value) => _value = value;

    /// <summary>No parameters, no results.</summary>
    public static BlockType Empty => new(int.MinValue);

    /// <summary>No parameters, one result.</summary>
    public static BlockType OfResult(ValType type) => new(~type.Bits);

    /// <summary>Parameters and results of a function type of the module.</summary>
    public static BlockType OfType(int typeIndex) => new(typeIndex);

    public bool IsEmpty => _value == int.MinValue;

    /// <summary>Whether <see cref="TypeIndex"/> tells the type.</summary>
    public bool HasTypeIndex => _value >= 0;

    /// <summary>Only where <see cref="HasTypeIndex"/>.</summary>
    public int TypeIndex => _value;

    /// <summary>The single result; only where neither empty nor an index.</summary>
    public ValType Result => new(~_value);
}

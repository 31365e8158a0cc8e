// What is left to fill in when a function's code gets its address. The assembler knows symbols as numbers only; who loads the
// code knows what they mean. Offsets are final: Finish has already mapped them through branch shortening.
namespace Tarn.Assembler;

/// <summary>How a relocation's field is computed.</summary>
internal enum RelocationKind : byte
{
    /// <summary>32 bits: symbol + addend − address of the field.</summary>
    Relative32,

    /// <summary>64 bits: symbol + addend.</summary>
    Absolute64,
}

/// <summary>A field of the code that depends on the address of a symbol.</summary>
internal readonly record struct CodeRelocation(int Offset, RelocationKind Kind, int Symbol, int Addend);

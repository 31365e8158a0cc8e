// A reference to a value, which is the instruction that defines it: an index with a type of its own, so that a constant, an offset or a position never stands for a value by itself. A table is
// indexed by what converts to int; an int never becomes a value unless it says so. The operands of an instruction share their fields with immediates, so they are numbers there, and IrInstruction
// says which of them are read as values (ValueA, ValueB, ValueC).
namespace Tarn.Compiler.IR;

/// <summary>A value: an index into <see cref="IrFunction.Instructions"/>.</summary>
/// <param name="Index">The index, or a negative number for none.</param>
internal readonly record struct Value(int Index)
{
    /// <summary>Gets the reference to no value.</summary>
    public static Value None => new(-1);

    /// <summary>Gets whether it refers to no value.</summary>
    public bool IsNone => Index < 0;

    public static implicit operator int(Value value) => value.Index;

    public static Value operator ++(Value value) => new(value.Index + 1);

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "-" : $"v{Index}";
}

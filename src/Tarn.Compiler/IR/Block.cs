// A reference to a block: an index with a type of its own, so that an edge, a position in the order or an instruction never stands for a block by itself. A table is indexed by what converts to
// int; an int never becomes a block unless it says so.
namespace Tarn.Compiler.IR;

/// <summary>A block: an index into <see cref="IrFunction.Blocks"/>.</summary>
/// <param name="Index">The index, or a negative number for none.</param>
internal readonly record struct Block(int Index)
{
    /// <summary>Gets the reference to no block.</summary>
    public static Block None => new(-1);

    /// <summary>Gets whether it refers to no block.</summary>
    public bool IsNone => Index < 0;

    public static implicit operator int(Block block) => block.Index;

    public static Block operator ++(Block block) => new(block.Index + 1);

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "-" : $"block{Index}";
}

// A reference to an edge: an index with a type of its own, so that the block that an edge leads to never stands for the edge. A table is indexed by what converts to int; an int never becomes an
// edge unless it says so.
namespace Tarn.Compiler.IR;

/// <summary>An edge: an index into <see cref="IrFunction.Edges"/>.</summary>
/// <param name="Index">The index, or a negative number for none.</param>
internal readonly record struct Edge(int Index)
{
    /// <summary>Gets the reference to no edge.</summary>
    public static Edge None => new(-1);

    /// <summary>Gets whether it refers to no edge.</summary>
    public bool IsNone => Index < 0;

    public static implicit operator int(Edge edge) => edge.Index;

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "-" : $"edge{Index}";
}

// What is told of each root.
namespace Tarn.Heaps;

internal unsafe interface IRootVisitor
{
    /// <summary>A cell of 8 bytes whose low half is a managed reference and whose high half is zero.</summary>
    void Visit(ulong* cell);
}

// Where the lines of a listing come from: for each line the offset in the module of the instruction that it was made of, or −1. What several stages have in common is that offset, which
// the compiler carries along for traps and backtraces.
namespace Tarn.Compiler;

/// <summary>The origins of the lines of a <see cref="CompilationListing"/>.</summary>
internal sealed class ListingSources
{
    /// <summary>Of the IR as built.</summary>
    public List<int> Ir { get; } = [];

    /// <summary>Of the IR after the optimiser's passes.</summary>
    public List<int> OptimizedIr { get; } = [];

    /// <summary>Of the machine instructions in registers and slots.</summary>
    public List<int> Allocated { get; } = [];

    /// <summary>Of the machine code: where the code of each machine instruction begins, in order.</summary>
    public List<(int Offset, int Source)> Code { get; } = [];
}

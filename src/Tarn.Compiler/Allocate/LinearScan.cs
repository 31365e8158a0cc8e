// Linear scan on SSA form with lifetime holes and splitting (after Wimmer and Mössenböck, 2005; Wimmer and Franz, 2010), in three phases over
// one LiveRangeTable:
//
//   LiveRangeBuilder    segments and uses of each virtual register
//   LinearScanWalker    live ranges by start, each with a location: RegisterOccupancy (what is free until when), RegisterHints (which register
//                       saves moves), RegisterNeeds (where memory serves), SpillCosts (who leaves), LiveRangeSplitter (where it is cut)
//   MoveResolver        operands and moves: SpillSlots, LoopHeaderSpilling, EdgeWalk, ParallelMove
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>The register allocator. One object serves one thread and is reused.</summary>
internal sealed class LinearScan
{
    private readonly LiveRangeTable _table = new();
    private readonly LiveRangeBuilder _builder;
    private readonly LinearScanWalker _walker;
    private readonly MoveResolver _resolver;

    /// <summary>Initializes an allocator for a target's registers.</summary>
    public LinearScan(RegisterFile file)
    {
        var needs = new RegisterNeeds(_table);
        var splitter = new LiveRangeSplitter(_table, needs);
        _builder = new LiveRangeBuilder(_table, file);
        _walker = new LinearScanWalker(_table, file, needs, splitter);
        _resolver = new MoveResolver(_table, file, splitter);
    }

    /// <summary>Number of segments, uses and live ranges that the last function had.</summary>
    public int RangeCount => _table.Count;

    /// <summary>Records the decisions of the next allocations.</summary>
    /// <param name="names">Names of the registers.</param>
    public AllocationTrace BeginTrace(IMachineNames names) => _walker.Trace = new AllocationTrace(_table, names);

    /// <summary>Ends the trace.</summary>
    public void EndTrace() => _walker.Trace = null;

    /// <summary>Allocates registers for a function.</summary>
    /// <exception cref="FunctionTooComplexException">The function is too complex.</exception>
    public void Run(MachineFunction function, Allocation allocation)
    {
        allocation.Clear();
        _table.Function = function;
        _table.Frequencies.Compute(function);
        _builder.Build();
        _walker.Walk();
        allocation.UsedRegisters = _walker.UsedRegisters;
        _resolver.Resolve(allocation);
        _table.CountSteps();
    }
}

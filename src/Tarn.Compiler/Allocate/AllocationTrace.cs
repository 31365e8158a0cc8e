// What the allocator decided, in order, to find the decision behind a wrong or a slow allocation. Positions are those of LiveRange.cs: instruction i has
// 2i and 2i+1. Off unless it was asked for: the walk then pays one comparison for each decision.
using System.Globalization;
using System.Text;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>The decisions of one allocation as text, one for each line.</summary>
internal sealed class AllocationTrace(LiveRangeTable table, IMachineNames names)
{
    private readonly StringBuilder _lines = new();

    /// <summary>A live range is visited.</summary>
    public void Visit(int range) => Line($"visit {Describe(range)}");

    /// <summary>A live range got a register that is free for all of it.</summary>
    public void Whole(int range, int register, long score) => Line($"  {NameOf(range, register)} is free for all of it, hint score {score}");

    /// <summary>A live range got a register that is free for a part of it.</summary>
    public void Part(int range, int register, int until) => Line($"  {NameOf(range, register)} is free until {until}: {Describe(range)}");

    /// <summary>A live range takes a register from another one.</summary>
    public void Evict(int evicted, int register, long score) => Line($"  {NameOf(evicted, register)} is taken from {Describe(evicted)}, whose score is {score}");

    /// <summary>A live range is in memory, or made again, from its start or a position on.</summary>
    public void Spill(int range, int position) => Line($"  {(table.Ranges[range].Location.IsSlot ? "in memory" : "made again")} from {position}: {Describe(range)}");

    /// <summary>The rest of a live range was split off.</summary>
    public void Split(int range, int rest) => Line($"  split: {Describe(range)}, and later {Describe(rest)}");

    /// <inheritdoc/>
    public override string ToString() => _lines.ToString();

    private string NameOf(int range, int register)
    {
        var name = new StringBuilder();
        names.AppendRegister(name, register, table.Function.Types[table.Ranges[range].VirtualRegister]);
        return name.ToString();
    }

    private string Describe(int range)
    {
        ref var r = ref table.Ranges[range];
        return string.Create(CultureInfo.InvariantCulture, $"{r.VirtualRegister} [{r.Start}, {r.End})");
    }

    private void Line(FormattableString text) => _lines.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}

// Walks the edges into blocks at whose start a live range is live, which are the edges that may need a move into it. The value's own
// block is left out: it is defined there.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>The edges into blocks at whose start a live range is live.</summary>
internal struct EdgeWalk
{
    private readonly LiveRangeTable _table;
    private readonly int _definitionBlock;
    private readonly int _end;
    private int _segment;
    private int _predecessor;

    /// <summary>Initializes a walk.</summary>
    public EdgeWalk(LiveRangeTable table, VReg v, int range)
    {
        _table = table;
        _definitionBlock = table.BlockOf[table.States[v].Definition];
        _end = table.Ranges[range].End;
        _segment = table.Ranges[range].FirstSegment;
        Target = (_segment >= 0 ? table.BlockOf[table.Segments[_segment].From >> 1] : 0) - 1;
        _predecessor = -1;
    }

    /// <summary>Block that the edge leaves.</summary>
    public int Source { get; private set; }

    /// <summary>Block that the edge enters.</summary>
    public int Target { get; private set; }

    /// <summary>The position that the edge leaves from: the source's end, or where its call returns to if the edge is the one to a handler.</summary>
    public int Exit { get; private set; }

    /// <summary>Moves to the next edge, if there is one.</summary>
    public bool Next()
    {
        var function = _table.Function;
        while (_segment >= 0)
        {
            _table.Steps++;
            if (_predecessor > 0)
            {
                ref var target = ref function.Blocks[Target];
                var edge = function.Predecessors[target.PredecessorStart + --_predecessor];
                Source = function.Edges[edge].From;
                ref var source = ref function.Blocks[Source];
                var call = _table.ThrowingCalls[Source];
                Exit = call >= 0 && edge != source.SuccessorStart ? (2 * call) + 1 : (2 * source.End) - 1;
                return true;
            }

            ref var segment = ref _table.Segments[_segment];
            var to = Math.Min(segment.To, _end);
            Target++;
            while (Target < function.Blocks.Count && 2 * function.Blocks[Target].First < segment.From)
            {
                Target++;
            }

            if (Target >= function.Blocks.Count || 2 * function.Blocks[Target].First >= to)
            {
                _segment = segment.Next;
                if (_segment >= 0)
                {
                    Target = _table.BlockOf[_table.Segments[_segment].From >> 1] - 1;
                }
            }
            else if (Target != _definitionBlock)
            {
                _predecessor = function.Blocks[Target].PredecessorCount;
            }
        }

        return false;
    }
}

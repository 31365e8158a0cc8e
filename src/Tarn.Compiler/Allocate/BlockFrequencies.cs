// How often each block is expected to run, from the shape of the control flow alone: a loop runs eight times, an edge out of a loop is an
// eighth as likely as one that stays, one into a cold block a thirty-second, and all others are alike. One forward sweep, since blocks are in
// an order in which only back edges go backward. A block that can only go to cold blocks is cold as well.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Estimated frequencies of blocks. Reused.</summary>
internal sealed class BlockFrequencies
{
    /// <summary>Frequency of the entry.</summary>
    public const int Entry = 64;

    private const int Most = 1 << 24;
    private const float Trips = 8;

    private GrowableArray<int> _frequencies = new(128);
    private GrowableArray<float> _flow = new(128);
    private GrowableArray<bool> _cold = new(128);

    /// <summary>Frequency of a block: 1 .. 2^24, with <see cref="Entry"/> for the entry.</summary>
    public int this[int block] => _frequencies[block];

    /// <summary>Estimates the frequencies of a function's blocks.</summary>
    public void Compute(MachineFunction function)
    {
        var count = function.Blocks.Count;
        _frequencies.Fill(count, 1);
        _flow.Fill(count, 0);
        _cold.Fill(count, false);
        FindCold(function);
        _flow[0] = Entry;
        for (var b = 0; b < count; b++)
        {
            ref var block = ref function.Blocks[b];
            var flow = block.IsLoopHeader ? _flow[b] * Trips : _flow[b];
            _frequencies[b] = (int)Math.Clamp(flow, 1, Most);
            if (block.SuccessorCount == 0)
            {
                continue;
            }

            var edges = function.SuccessorsOf(block);
            if (edges.Length == 1)
            {
                Flow(b, edges[0].To, flow);
                continue;
            }

            if (function.Instructions[block.End - 1].Opcode == MachineOpcode.BranchOnThrow)
            {
                // As if the handler were not there: code that nothing is thrown in shall not differ.
                Flow(b, edges[0].To, flow);
                continue;
            }

            var total = 0f;
            foreach (ref var edge in edges)
            {
                total += Weight(function, block.Loop, edge.To);
            }

            foreach (ref var edge in edges)
            {
                Flow(b, edge.To, flow * Weight(function, block.Loop, edge.To) / total);
            }
        }
    }

    private void FindCold(MachineFunction function)
    {
        for (var b = function.Blocks.Count - 1; b >= 0; b--)
        {
            ref var block = ref function.Blocks[b];
            var cold = block.SuccessorCount > 0;
            foreach (ref var edge in function.SuccessorsOf(block))
            {
                cold &= edge.To > b && _cold[edge.To];
            }

            _cold[b] = cold || block.IsCold;
        }
    }

    private void Flow(int from, int to, float flow)
    {
        if (to > from)
        {
            _flow[to] += flow;
        }
    }

    private float Weight(MachineFunction function, int loop, int to)
    {
        if (_cold[to])
        {
            return 1f / 32;
        }

        if (loop < 0)
        {
            return 1;
        }

        // The blocks of a loop are contiguous but for those of its exits, which are told by the loop they belong to.
        ref var l = ref function.Loops[loop];
        var inner = function.Blocks[to].Loop;
        return inner >= loop && function.Loops[inner].Header < l.End ? 1 : 1 / Trips;
    }
}

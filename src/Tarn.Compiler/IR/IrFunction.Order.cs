// Reverse post-order, predecessors, dominators and loops, computed together in linear time. WebAssembly's control flow is reducible and
// no pass makes it otherwise, so one sweep in reverse post-order finds the exact dominators, and a loop is exactly what reaches the
// sources of the header's back edges.
//
// Order keeps each loop contiguous: a block that leaves the loop never stands between two of its blocks. Passes rely on definitions
// coming before uses in Order; the register allocator relies on the contiguity.
using Tarn.Assembler;

namespace Tarn.Compiler.IR;

/// <content>Order of blocks.</content>
internal sealed partial class IrFunction
{
    private GrowableArray<Block> _postOrder = new(128);
    private GrowableArray<int> _stack = new(128);
    private GrowableArray<Block> _headers = new(32);
    private GrowableArray<Block> _outermost = new(128);
    private GrowableArray<int> _nextInLoop = new(128);
    private GrowableArray<int> _firstInLoop = new(128);
    private GrowableArray<int> _depths = new(128);
    private GrowableArray<Block> _jumps = new(128);

    /// <summary>Reachable blocks in reverse post-order with loops contiguous.</summary>
    public GrowableArray<Block> Order = new(128);

    /// <summary>Incoming edges, grouped by block; see <see cref="IrBlock.PredecessorStart"/>.</summary>
    public GrowableArray<Edge> Predecessors = new(256);

    /// <summary>Incoming edges of a block.</summary>
    public ReadOnlySpan<Edge> PredecessorsOf(Block block)
    {
        ref var b = ref Blocks[block];
        return Predecessors.Span.Slice(b.PredecessorStart, b.PredecessorCount);
    }

    /// <summary>Whether block <paramref name="a"/> dominates block <paramref name="b"/>, both reachable.</summary>
    public bool Dominates(Block a, Block b)
    {
        while (_depths[b] > _depths[a])
        {
            b = _depths[_jumps[b]] >= _depths[a] ? _jumps[b] : Blocks[b].ImmediateDominator;
        }

        return a == b;
    }

    /// <summary>Computes <see cref="Order"/>, <see cref="Predecessors"/>, dominators, loop headers and depths.</summary>
    public void ComputeOrder()
    {
        ComputePostOrder();
        Order.Clear();
        for (var i = _postOrder.Count - 1; i >= 0; i--)
        {
            Blocks[_postOrder[i]].OrderIndex = Order.Add(_postOrder[i]);
        }

        ComputePredecessors();
        ComputeDominators();
        ComputeLoops();
    }

    private void ComputePostOrder()
    {
        foreach (ref var block in Blocks.Span)
        {
            block.OrderIndex = -1;
            block.ImmediateDominator = Block.None;
            block.LoopHeader = Block.None;
            block.LoopParent = Block.None;
            block.LoopDepth = 0;
            block.PredecessorCount = 0;
            block.Flags &= ~(IrBlockFlags.Reachable | IrBlockFlags.LoopHeader);
        }

        // The stack holds pairs (block, next successor to visit). Successors are visited last first, so that the first one, which
        // falls through in the source, comes next in reverse post-order.
        _postOrder.Clear();
        _stack.Clear();
        Blocks[Entry].Flags |= IrBlockFlags.Reachable;
        _stack.Add(Entry);
        _stack.Add(SuccessorCount(Entry));
        while (_stack.Count > 0)
        {
            ref var remaining = ref _stack[_stack.Count - 1];
            var block = new Block(_stack[_stack.Count - 2]);
            if (remaining == 0)
            {
                _postOrder.Add(block);
                _stack.Truncate(_stack.Count - 2);
                continue;
            }

            var to = Edges[Successor(block, --remaining)].To;
            ref var target = ref Blocks[to];
            if ((target.Flags & IrBlockFlags.Reachable) == 0)
            {
                target.Flags |= IrBlockFlags.Reachable;
                _stack.Add(to);
                _stack.Add(SuccessorCount(to));
            }
        }
    }

    private void ComputePredecessors()
    {
        foreach (var block in Order.Span)
        {
            for (int i = 0, n = SuccessorCount(block); i < n; i++)
            {
                Blocks[Edges[Successor(block, i)].To].PredecessorCount++;
            }
        }

        var start = 0;
        foreach (var block in Order.Span)
        {
            ref var b = ref Blocks[block];
            b.PredecessorStart = start;
            start += b.PredecessorCount;
            b.PredecessorCount = 0;
        }

        Predecessors.Clear();
        Predecessors.AddDefault(start);
        foreach (var block in Order.Span)
        {
            for (int i = 0, n = SuccessorCount(block); i < n; i++)
            {
                var edge = Successor(block, i);
                ref var target = ref Blocks[Edges[edge].To];
                Predecessors[target.PredecessorStart + target.PredecessorCount++] = edge;
            }
        }
    }

    private void ComputeDominators()
    {
        _depths.Fill(Blocks.Count, 0);
        _jumps.Fill(Blocks.Count, Entry);
        for (var i = 1; i < Order.Count; i++)
        {
            var block = Order[i];
            var dominator = Block.None;
            foreach (var edge in PredecessorsOf(block))
            {
                var from = Edges[edge].From;
                if (Blocks[from].OrderIndex >= i)
                {
                    continue;
                }

                if (dominator.IsNone)
                {
                    dominator = from;
                    continue;
                }

                dominator = CommonDominator(dominator, from);
            }

            Blocks[block].ImmediateDominator = dominator;
            var jump = _jumps[dominator];
            _depths[block] = _depths[dominator] + 1;
            _jumps[block] = _depths[dominator] - _depths[jump] == _depths[jump] - _depths[_jumps[jump]] ? _jumps[jump] : dominator;
        }
    }

    // Going up one dominator at a time makes deep nests take quadratic time. So each block also knows one far above it, at distances that depend on its depth alone, which
    // makes the way up logarithmic (Myers, "An applicative random-access stack", 1983).
    private Block CommonDominator(Block a, Block b)
    {
        while (_depths[a] != _depths[b])
        {
            if (_depths[a] < _depths[b])
            {
                (a, b) = (b, a);
            }

            a = _depths[_jumps[a]] >= _depths[b] ? _jumps[a] : Blocks[a].ImmediateDominator;
        }

        while (a != b)
        {
            if (_jumps[a] != _jumps[b])
            {
                a = _jumps[a];
                b = _jumps[b];
            }
            else
            {
                a = Blocks[a].ImmediateDominator;
                b = Blocks[b].ImmediateDominator;
            }
        }

        return a;
    }

    private void ComputeLoops()
    {
        // Headers, inner ones first: walking backward from the back edges, a block that already belongs to an inner loop stands
        // for that whole loop and is left through its header.
        _headers.Clear();
        _outermost.Fill(Blocks.Count, Block.None);
        for (var i = Order.Count - 1; i >= 0; i--)
        {
            var header = Order[i];
            _stack.Clear();
            foreach (var edge in PredecessorsOf(header))
            {
                var from = Edges[edge].From;
                if (Blocks[from].OrderIndex >= i)
                {
                    _stack.Add(from);
                }
            }

            if (_stack.Count == 0)
            {
                continue;
            }

            _headers.Add(header);
            Blocks[header].Flags |= IrBlockFlags.LoopHeader;
            Blocks[header].LoopHeader = header;
            while (_stack.Count > 0)
            {
                var block = new Block(_stack.Pop());
                if (!Blocks[block].LoopHeader.IsNone)
                {
                    block = OutermostLoop(Blocks[block].LoopHeader);
                    if (block == header)
                    {
                        continue;
                    }

                    Blocks[block].LoopParent = header;
                    _outermost[block] = header;
                }
                else
                {
                    Blocks[block].LoopHeader = header;
                }

                foreach (var edge in PredecessorsOf(block))
                {
                    _stack.Add(Edges[edge].From);
                }
            }
        }

        if (_headers.Count == 0)
        {
            return;
        }

        // Outer headers come last in the list.
        for (var i = _headers.Count - 1; i >= 0; i--)
        {
            ref var header = ref Blocks[_headers[i]];
            header.LoopDepth = (ushort)(header.LoopParent.IsNone ? 1 : Math.Min(Blocks[header.LoopParent].LoopDepth + 1, 1000));
        }

        foreach (var block in Order.Span)
        {
            ref var b = ref Blocks[block];
            if (!b.LoopHeader.IsNone)
            {
                b.LoopDepth = Blocks[b.LoopHeader].LoopDepth;
            }
        }

        MakeLoopsContiguous();
    }

    // The header of the outermost loop found so far around the loop of a header. Each way up is shortened for the next one, or deep nests would take quadratic time.
    private Block OutermostLoop(Block header)
    {
        while (!_outermost[header].IsNone)
        {
            Budget.Step(1);
            var above = _outermost[_outermost[header]];
            if (above.IsNone)
            {
                return _outermost[header];
            }

            _outermost[header] = above;
            header = above;
        }

        return header;
    }

    private void MakeLoopsContiguous()
    {
        // Lists of members by loop, in reverse post-order; an inner loop is a member of the outer one by its header. Index
        // Blocks.Count stands for the function's body.
        var body = Blocks.Count;
        _firstInLoop.Fill(body + 1, -1);
        _nextInLoop.Fill(2 * body, -1);
        for (var i = Order.Count - 1; i >= 0; i--)
        {
            var block = Order[i];
            ref var b = ref Blocks[block];
            if (b.IsLoopHeader)
            {
                // As the first member of its own loop, and as the loop within its parent (second half of the link array).
                _nextInLoop[block] = _firstInLoop[block];
                _firstInLoop[block] = block;
                int parent = b.LoopParent.IsNone ? body : b.LoopParent;
                _nextInLoop[body + block] = _firstInLoop[parent];
                _firstInLoop[parent] = body + block;
            }
            else
            {
                int loop = b.LoopHeader.IsNone ? body : b.LoopHeader;
                _nextInLoop[block] = _firstInLoop[loop];
                _firstInLoop[loop] = block;
            }
        }

        Order.Clear();
        _stack.Clear();
        _stack.Add(_firstInLoop[body]);
        while (_stack.Count > 0)
        {
            var member = _stack.Pop();
            if (member < 0)
            {
                continue;
            }

            _stack.Add(_nextInLoop[member]);
            if (member >= body)
            {
                _stack.Add(_firstInLoop[member - body]);
            }
            else
            {
                Blocks[member].OrderIndex = Order.Add(new Block(member));
            }
        }
    }
}

// Tidies the graph: branches on what is known, branches to nothing but a trap (they become conditional traps), jumps to blocks that only jump on, blocks
// that only one jump reaches. One sweep backward, so that where a block leads to has been simplified before it, and one forward that merges. Leaves aliases.
//
// A block in front of a loop header that does nothing but enter the loop is kept, since loop-invariant code goes there. So is one that is the only way
// back to the header, because it is the place for the moves of the back edge.
//
// Numbers of incoming edges are kept up to date throughout, so that the order needs to be computed once, at the end.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Simplification of the control-flow graph.</summary>
internal sealed class BlockSimplifier(ValueUses uses)
{
    private const int MaximumThreading = 8;

    private GrowableArray<Value> _arguments = new(32);
    private GrowableArray<Block> _unreached = new(32);
    private bool _changed;
    private bool _counted;

    /// <summary>
    /// Simplifies; says whether anything changed. The order must have been computed and is computed anew. Conditional traps on constants are only looked for on request, since
    /// that takes a look at each instruction; the redundancy elimination finds out whether there are any.
    /// </summary>
    public bool Run(IrFunction function, bool foldsTraps)
    {
        _changed = false;
        _counted = false;
        for (var n = function.Order.Count - 1; n >= 0; n--)
        {
            var block = function.Order[n];
            if (IsReached(function, block))
            {
                if (foldsTraps)
                {
                    FoldTraps(function, block);
                }

                ThreadEdges(function, block);
                FoldTerminator(function, block);
            }
        }

        Merge(function);
        if (_changed)
        {
            function.ComputeOrder();
            ClearUnreachable(function);
        }

        return _changed;
    }

    private static bool IsReached(IrFunction function, Block block) => block == IrFunction.Entry || function.Blocks[block].PredecessorCount > 0;

    // An edge is gone; what only it led to goes as well. A loop that is cut off keeps itself alive until the order is computed.
    private void Drop(IrFunction function, Edge edge)
    {
        _unreached.Clear();
        if (--function.Blocks[function.Edges[edge].To].PredecessorCount == 0)
        {
            _unreached.Add(function.Edges[edge].To);
        }

        while (_unreached.Count > 0)
        {
            var block = _unreached.Pop();
            for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
            {
                var to = function.Edges[function.Successor(block, k)].To;
                if (--function.Blocks[to].PredecessorCount == 0)
                {
                    _unreached.Add(to);
                }
            }
        }
    }

    private static void ClearUnreachable(IrFunction function)
    {
        foreach (ref var block in function.Blocks.Span)
        {
            if ((block.Flags & IrBlockFlags.Reachable) == 0)
            {
                block.First = Value.None;
                block.Last = Value.None;
                block.ParameterCount = 0;
            }
        }
    }

    // Conditional traps on constants: gone, or the end of the block.
    private void FoldTraps(IrFunction function, Block block)
    {
        for (var i = function.Blocks[block].First; i >= 0;)
        {
            var next = function.Links[i].Next;
            ref var instruction = ref function.Get(i);
            if (instruction.Opcode is IrOpcode.TrapIf or IrOpcode.TrapIfNot && function.IsConstant(instruction.ValueA, out var bits))
            {
                _changed = true;
                if (bits != 0 == (instruction.Opcode == IrOpcode.TrapIf))
                {
                    EndInTrap(function, block, i, instruction.Aux);
                    return;
                }

                function.Remove(i);
            }

            i = next;
        }
    }

    // What stands at and after an instruction gives way to a trap.
    private void EndInTrap(IrFunction function, Block block, Value from, byte code)
    {
        for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
        {
            Drop(function, function.Successor(block, k));
        }

        function.CurrentWasmOffset = function.Links[from].WasmOffset;
        for (var i = from; i >= 0;)
        {
            var next = function.Links[i].Next;
            function.Remove(i);
            i = next;
        }

        function.Append(block, IrOpcode.Trap, IrType.None, aux: code);
        if (block != IrFunction.Entry)
        {
            function.Blocks[block].Flags |= IrBlockFlags.Cold;
        }
    }

    // The first instruction that is no parameter.
    private static Value FirstOf(IrFunction function, Block block)
    {
        var i = function.Blocks[block].First;
        for (var n = function.Blocks[block].ParameterCount; n > 0; n--)
        {
            i = function.Links[i].Next;
        }

        return i;
    }

    private void ThreadEdges(IrFunction function, Block block)
    {
        for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
        {
            var edge = function.Successor(block, k);
            for (var step = 0; step < MaximumThreading && Thread(function, block, edge); step++)
            {
                _changed = true;
            }
        }
    }

    // Leads an edge past a block that only jumps.
    private bool Thread(IrFunction function, Block block, Edge edge)
    {
        var through = function.Edges[edge].To;
        ref var b = ref function.Blocks[through];
        var jump = b.Last;
        if (function.Get(jump).Opcode != IrOpcode.Jump || through == block || b.IsLoopHeader || FirstOf(function, through) != jump)
        {
            return false;
        }

        var onward = new Edge(function.Get(jump).A);
        var target = function.Edges[onward].To;
        if (target == through || function.Blocks[target].IsLoopHeader || !OnlyPassedOn(function, through, onward))
        {
            return false;
        }

        _arguments.Clear();
        foreach (var value in function.ArgumentsOf(onward))
        {
            ref var i = ref function.Get(value);
            var passed = i.Opcode == IrOpcode.BlockParameter && i.A == through ? function.ArgumentsOf(edge)[i.B] : value;
            _arguments.Add(passed);
        }

        if (_counted)
        {
            foreach (var value in function.ArgumentsOf(edge))
            {
                uses[value]--;
            }

            foreach (var value in _arguments.Span)
            {
                uses[value]++;
            }
        }

        function.Blocks[target].PredecessorCount++;
        Drop(function, edge);
        ref var e = ref function.Edges[edge];
        e.To = target;
        e.ArgumentCount = _arguments.Count;
        e.ArgumentStart = function.Pool.AddRange(_arguments.Span);
        return true;
    }

    // Whether the parameters of a block are used by the arguments of its jump and nowhere else.
    private bool OnlyPassedOn(IrFunction function, Block block, Edge jumpEdge)
    {
        var count = function.Blocks[block].ParameterCount;
        if (count == 0)
        {
            return true;
        }

        if (!_counted)
        {
            _counted = true;
            uses.Count(function);
        }

        var total = 0;
        var parameter = function.Blocks[block].First;
        for (var n = 0; n < count; n++)
        {
            total += uses[parameter];
            parameter = function.Links[parameter].Next;
        }

        foreach (var value in function.ArgumentsOf(jumpEdge))
        {
            ref var i = ref function.Get(value);
            total -= i.Opcode == IrOpcode.BlockParameter && i.A == block ? 1 : 0;
        }

        return total == 0;
    }

    private void FoldTerminator(IrFunction function, Block block)
    {
        var last = function.Blocks[block].Last;
        var terminator = function.Get(last);
        switch (terminator.Opcode)
        {
            case IrOpcode.Jump:
                if (IsTrap(function, function.Edges[terminator.A].To, out var trap))
                {
                    ReplaceByTrap(function, block, last, trap);
                }

                break;
            case IrOpcode.BranchIf:
                FoldBranch(function, block, last, in terminator);
                break;
            case IrOpcode.Switch:
                FoldSwitch(function, last, in terminator);
                break;
        }
    }

    private void FoldBranch(IrFunction function, Block block, Value last, in IrInstruction branch)
    {
        if (function.IsConstant(branch.ValueA, out var bits))
        {
            TurnIntoJump(function, last, new(bits != 0 ? branch.B : branch.C));
            return;
        }

        if (SameEdges(function, new(branch.B), new(branch.C)))
        {
            TurnIntoJump(function, last, new(branch.B));
            return;
        }

        var trapsIfSet = IsTrap(function, function.Edges[branch.B].To, out var trap);
        if (trapsIfSet || IsTrap(function, function.Edges[branch.C].To, out trap))
        {
            // The trap happens where the WebAssembly says it does, not at the branch.
            function.CurrentWasmOffset = function.Links[trap].WasmOffset;
            var check = function.NewInstruction(
                trapsIfSet ? IrOpcode.TrapIf : IrOpcode.TrapIfNot, IrType.None, branch.A, aux: function.Get(trap).Aux);
            function.LinkBefore(last, check);
            TurnIntoJump(function, last, new(trapsIfSet ? branch.C : branch.B));
            FoldTerminator(function, block);
            return;
        }

        TurnIntoSelect(function, last, in branch);
    }

    // Both ways lead to the same block and differ in one integer: a select. Where it is worth more than this, the producer has done so already, and a branch that
    // is mostly predicted is often better than waiting for its condition.
    private void TurnIntoSelect(IrFunction function, Value last, in IrInstruction branch)
    {
        var target = function.Edges[branch.B].To;
        if (target != function.Edges[branch.C].To || function.Blocks[target].IsLoopHeader)
        {
            return;
        }

        var set = function.ArgumentsOf(new(branch.B));
        var clear = function.ArgumentsOf(new(branch.C));
        var differs = -1;
        for (var k = 0; k < set.Length; k++)
        {
            if (set[k] == clear[k])
            {
                continue;
            }

            if (differs >= 0 || function.TypeOf(set[k]) is not (IrType.I32 or IrType.I64))
            {
                return;
            }

            differs = k;
        }

        function.CurrentWasmOffset = function.Links[last].WasmOffset;
        var select = function.NewInstruction(IrOpcode.Select, function.TypeOf(set[differs]), branch.A, set[differs], clear[differs]);
        function.LinkBefore(last, select);
        set[differs] = select;
        TurnIntoJump(function, last, new(branch.B));
    }

    private void FoldSwitch(IrFunction function, Value last, in IrInstruction branch)
    {
        if (function.IsConstant(branch.ValueA, out var bits))
        {
            TurnIntoJump(function, last, function.SwitchEdges[branch.B + (int)Math.Min(bits, (ulong)branch.C - 1)]);
            return;
        }

        for (var k = 1; k < branch.C; k++)
        {
            if (!SameEdges(function, function.SwitchEdges[branch.B], function.SwitchEdges[branch.B + k]))
            {
                return;
            }
        }

        TurnIntoJump(function, last, function.SwitchEdges[branch.B]);
    }

    private static bool SameEdges(IrFunction function, Edge one, Edge other)
        => function.Edges[one].To == function.Edges[other].To && function.ArgumentsOf(one).SequenceEqual(function.ArgumentsOf(other));

    private void TurnIntoJump(IrFunction function, Value last, Edge edge)
    {
        var block = function.Links[last].Block;
        for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
        {
            if (function.Successor(block, k) != edge)
            {
                Drop(function, function.Successor(block, k));
            }
        }

        ref var terminator = ref function.Get(last);
        terminator.Opcode = IrOpcode.Jump;
        terminator.A = edge;
        terminator.B = -1;
        terminator.C = -1;
        _changed = true;
    }

    private void ReplaceByTrap(IrFunction function, Block block, Value last, Value trap)
    {
        Drop(function, new(function.Get(last).A));
        ref var terminator = ref function.Get(last);
        terminator.Opcode = IrOpcode.Trap;
        terminator.Aux = function.Get(trap).Aux;
        terminator.A = -1;
        function.Links[last].WasmOffset = function.Links[trap].WasmOffset;
        if (block != IrFunction.Entry)
        {
            function.Blocks[block].Flags |= IrBlockFlags.Cold;
        }

        _changed = true;
    }

    // A block that does nothing but trap.
    private static bool IsTrap(IrFunction function, Block block, out Value trap)
    {
        trap = function.Blocks[block].Last;
        return function.Get(trap).Opcode == IrOpcode.Trap && FirstOf(function, block) == trap;
    }

    // Appends to a block the one it jumps to, if nothing else leads there.
    private void Merge(IrFunction function)
    {
        foreach (var block in function.Order.Span)
        {
            if (function.Blocks[block].First < 0 || !IsReached(function, block))
            {
                continue;
            }

            while (true)
            {
                var last = function.Blocks[block].Last;
                if (function.Get(last).Opcode != IrOpcode.Jump)
                {
                    break;
                }

                var edge = new Edge(function.Get(last).A);
                var next = function.Edges[edge].To;
                if (next == block || next == IrFunction.Entry || function.Blocks[next].PredecessorCount != 1)
                {
                    break;
                }

                // Only its back edge leads to the header of a loop that was cut off. Its parameters would be replaced by themselves.
                if (function.Blocks[next].OrderIndex <= function.Blocks[block].OrderIndex)
                {
                    break;
                }

                Append(function, block, next, edge, last);
                _changed = true;
            }
        }
    }

    private static void Append(IrFunction function, Block block, Block next, Edge edge, Value jump)
    {
        function.Remove(jump);
        var arguments = function.ArgumentsOf(edge);
        foreach (var argument in arguments)
        {
            ValueReplacement.Replace(function, function.Blocks[next].First, ValueReplacement.Resolve(function, argument));
        }

        // The list is taken over whole.
        ref var from = ref function.Blocks[next];
        ref var to = ref function.Blocks[block];
        for (var i = from.First; i >= 0; i = function.Links[i].Next)
        {
            function.Links[i].Block = block;
        }

        function.Links[from.First].Previous = to.Last;
        if (to.Last >= 0)
        {
            function.Links[to.Last].Next = from.First;
        }
        else
        {
            to.First = from.First;
        }

        to.Last = from.Last;
        to.Flags |= block == IrFunction.Entry ? IrBlockFlags.None : from.Flags & IrBlockFlags.Cold;
        from.First = Value.None;
        from.Last = Value.None;
        from.ParameterCount = 0;
        for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
        {
            function.Edges[function.Successor(block, k)].From = block;
        }
    }
}

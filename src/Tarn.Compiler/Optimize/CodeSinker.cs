// Moves values down to where they are needed: out of loops to the exit that uses them, into the branch that alone uses them, and comparisons to the branch that they
// decide, with which they then fuse. A value never moves into a loop that it is not in. A value of two variables stays, unless it leaves a loop or goes to code that
// rarely runs: moved, it might hold two registers in place of one.
//
// Comparisons that decide more than one branch, trap or select, or one in another block, are left to ConditionPlacer, which gets the list of them.
//
// A sum that a loop carries, whose new part others use as well, is computed last in its block: processors take the oldest instruction that is ready, and nothing in the round waits for the sum, while
// the round's longest chain of floating-point instructions may be waiting for the same unit.
//
// One sweep backward: when a value is reached, all its uses have been seen, those on back edges included, and the users have been moved already.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Sinking.</summary>
internal sealed class CodeSinker(ValueUses uses)
{
    private const int NotFound = -2;
    private const int MaximumSteps = 64;

    // Each may hold the register of its new part for longer.
    private const int MaximumPostponed = 2;

    private GrowableArray<Block> _useBlock = new(1024);
    private GrowableArray<Value> _useAt = new(1024);
    private GrowableArray<Block> _lines = new(128);
    private GrowableArray<int> _loopEnd = new(128);
    private GrowableArray<int> _lastParameter = new(128);
    private IrFunction _function = null!;
    private Block _current;
    private bool _keepsUses;

    // No use has been seen; or there are uses that no block but the value's own dominates, as far as was looked.
    private static Block NoUse => Block.None;

    private static Block Stays => new(-2);

    /// <summary>Instructions that a comparison decides, last ones first.</summary>
    public GrowableArray<Value> Decided = new(64);

    /// <summary>Where to stop, if anywhere.</summary>
    public OptimizationLimit? Limit { get; set; }

    /// <summary>Runs over a function whose order has been computed, and counts the uses of its values.</summary>
    public void Run(IrFunction function)
    {
        _function = function;
        Decided.Clear();
        function.FindLines(ref _lines);
        uses.Clear(function.Instructions.Count);
        _useBlock.Fill(function.Instructions.Count, NoUse);
        _useAt.Fill(function.Instructions.Count, Value.None);
        _loopEnd.Fill(function.Blocks.Count, 0);
        _lastParameter.Fill(function.Blocks.Count, NotFound);
        for (var n = function.Order.Count - 1; n >= 0; n--)
        {
            var block = function.Order[n];
            _current = block;
            NoteLoop(block, n);
            VisitBlock(block);
        }
    }

    private void NoteLoop(Block block, int position)
    {
        ref var b = ref _function.Blocks[block];
        if (!b.LoopHeader.IsNone)
        {
            ref var end = ref _loopEnd[b.LoopHeader];
            end = Math.Max(end, position + 1);
            if (b.IsLoopHeader && !b.LoopParent.IsNone)
            {
                ref var parent = ref _loopEnd[b.LoopParent];
                parent = Math.Max(parent, end);
            }
        }
    }

    private void VisitBlock(Block block)
    {
        var last = _function.Blocks[block].Last;
        var end = _function.EndOf(block);
        for (int k = 0, n = _function.SuccessorCount(block); k < n; k++)
        {
            foreach (var argument in _function.ArgumentsOf(_function.Successor(block, k)))
            {
                Use(argument, end, block);
            }
        }

        var postponed = 0;
        var before = end;
        for (var i = last; i >= 0;)
        {
            var previous = _function.Links[i].Previous;
            var at = block;
            var isLast = _useAt[i] == end && _useBlock[i] == block && postponed < MaximumPostponed && IsCarriedSum(i, block) && (Limit is null || Limit.Step(i));
            if (isLast)
            {
                _function.Unlink(i);
                _function.LinkBefore(before, i);
                before = i;
                postponed++;
            }
            else if (CanMove(i) && _useBlock[i] >= 0 && _useBlock[i] != block && (Limit is null || Limit.Step(i)))
            {
                at = Target(i, block);
                if (at != block)
                {
                    _function.Unlink(i);
                    _function.LinkBefore(_useBlock[i] == at ? _useAt[i] : _function.EndOf(at), i);
                }
            }

            _keepsUses = isLast;
            UseOperands(i, at);
            _keepsUses = false;
            if (ConditionPlacer.ConditionOf(_function, i) >= 0)
            {
                Decided.Add(i);
            }

            i = previous;
        }
    }

    // Whether a value is p + x, or another operation, for a parameter p of the loop that it becomes on the way back, and x is in a register anyway.
    private bool IsCarriedSum(Value index, Block block)
    {
        ref var i = ref _function.Get(index);
        if (i.Type is not (IrType.F32 or IrType.F64 or IrType.V128) || IrOpcodeInfo.ValueMask(i.Opcode) != 3 || i.A < 0 || i.B < 0 || !CanMove(index))
        {
            return false;
        }

        var carried = IsParameterOf(i.ValueA, block) ? i.ValueA : i.ValueB;
        var part = carried == i.ValueA ? i.ValueB : i.ValueA;
        if (!IsParameterOf(carried, block) || (uses[part] == 0 && _function.Links[part].Block == block) || _function.Get(part).Opcode == IrOpcode.Constant)
        {
            return false;
        }

        ref var parameter = ref _function.Get(carried);
        for (int k = 0, n = _function.SuccessorCount(block); k < n; k++)
        {
            var edge = _function.Successor(block, k);
            if (_function.Edges[edge].To == parameter.A && _function.ArgumentsOf(edge)[parameter.B] == index)
            {
                return true;
            }
        }

        return false;
    }

    private bool IsParameterOf(Value value, Block block)
        => _function.Get(value).Opcode == IrOpcode.BlockParameter && _function.Links[value].Block == _function.Blocks[block].LoopHeader;

    private bool CanMove(Value index)
    {
        ref var i = ref _function.Get(index);
        if (i.Opcode is IrOpcode.Constant or IrOpcode.VmContext)
        {
            return false;
        }

        if (i.Opcode == IrOpcode.LoadVm)
        {
            return i.Region == AliasRegion.ReadOnly;
        }

        return (IrOpcodeInfo.EffectsOf(i.Opcode) & IrEffects.Numbered) != 0 && !DeadCodeEliminator.HasEffect(in i);
    }

    // The block to move a value to, or its own.
    private Block Target(Value index, Block block)
    {
        var target = _useBlock[index];

        // Out of loops that do not hold the value.
        for (var steps = 0; target != block; steps++)
        {
            var loop = _function.Blocks[target].LoopHeader;
            if (loop.IsNone || IsInside(block, loop))
            {
                break;
            }

            if (steps == MaximumSteps)
            {
                return block;
            }

            target = _function.Blocks[loop].ImmediateDominator;
            if (_function.Blocks[target].OrderIndex < _function.Blocks[block].OrderIndex)
            {
                return block;
            }
        }

        // After a call that may throw it goes on as in the same block, where nothing moves either.
        if (_lines[target] == _lines[block])
        {
            return block;
        }

        ref var from = ref _function.Blocks[block];
        ref var to = ref _function.Blocks[target];
        return to.LoopDepth < from.LoopDepth || (to.IsCold && !from.IsCold) || HoldsNoMore(index) ? target : block;
    }

    // Whether a value needs no more registers for its operands than for itself.
    private bool HoldsNoMore(Value index)
    {
        ref var i = ref _function.Get(index);
        if (i.Opcode is IrOpcode.CompareInteger or IrOpcode.CompareFloat)
        {
            return true;
        }

        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        var variables = ((mask & 1) != 0 && IsVariable(i.ValueA) ? 1 : 0) + ((mask & 2) != 0 && IsVariable(i.ValueB) ? 1 : 0) + ((mask & 4) != 0 && IsVariable(i.ValueC) ? 1 : 0);
        return variables <= 1 && (mask & 8) == 0;
    }

    private bool IsVariable(Value value) => value >= 0 && _function.Get(value).Opcode is not (IrOpcode.Constant or IrOpcode.VmContext);

    private bool IsInside(Block block, Block header)
    {
        // The header of a loop around both may not have been reached yet: it then comes before the block, and its end is known.
        var position = _function.Blocks[block].OrderIndex;
        return position >= _function.Blocks[header].OrderIndex && position < _loopEnd[header];
    }

    private void UseOperands(Value index, Block block)
    {
        ref var i = ref _function.Get(index);
        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        if ((mask & 1) != 0 && i.A >= 0)
        {
            Use(i.ValueA, index, block);
        }

        if ((mask & 2) != 0 && i.B >= 0)
        {
            Use(i.ValueB, index, block);
        }

        if ((mask & 4) != 0 && i.C >= 0)
        {
            Use(i.ValueC, index, block);
        }

        if ((mask & 8) != 0)
        {
            foreach (var value in _function.PoolOf(index))
            {
                Use(value, index, block);
            }
        }
    }

    private void Use(Value value, Value user, Block block)
    {
        uses[value]++;
        ref var known = ref _useBlock[value];
        if (known == block)
        {
            // In the block that is being visited, what comes later stands before, but for what goes to the end. Where a moved user stands among the others is not known: before all is safe.
            _useAt[value] = _keepsUses ? _useAt[value] : block == _current ? user : FirstOf(block);
            return;
        }

        if (known == NoUse)
        {
            known = block;
            _useAt[value] = user;
            return;
        }

        if (known == Stays)
        {
            return;
        }

        var common = CommonDominator(known, block);
        if (common == block)
        {
            _useAt[value] = user;
        }
        else if (common >= 0 && common != known)
        {
            _useAt[value] = _function.EndOf(common);
        }

        known = common;
    }

    // The first instruction that is no parameter. No pass moves parameters, so the last one is looked for once.
    private Value FirstOf(Block block)
    {
        ref var last = ref _lastParameter[block];
        if (last == NotFound)
        {
            last = -1;
            for (var i = _function.Blocks[block].First; _function.Get(i).Opcode == IrOpcode.BlockParameter; i = _function.Links[i].Next)
            {
                last = i;
            }
        }

        return last < 0 ? _function.Blocks[block].First : _function.Links[last].Next;
    }

    private Block CommonDominator(Block a, Block b)
    {
        for (var steps = 0; a != b; steps++)
        {
            if (steps == MaximumSteps)
            {
                return Stays;
            }

            if (_function.Blocks[a].OrderIndex > _function.Blocks[b].OrderIndex)
            {
                a = _function.Blocks[a].ImmediateDominator;
            }
            else
            {
                b = _function.Blocks[b].ImmediateDominator;
            }
        }

        return a;
    }
}

// Moves what does not change out of loops, as far out as it can go. LLVM has done so with what it could see; left are the loads that translation brings in (memory bases, table
// elements, lengths, globals) and what hangs on them. Each hoisted value holds a register over the whole loop, so what costs next to nothing where it
// is stays there: constants, address arithmetic with constants, comparisons (they fuse with their branch). It goes along only if something
// worthwhile needs it.
//
// What may trap is moved only from the loop's header while nothing has happened yet in the iteration: then it would have been the first thing
// to happen anyway. The record of a reference may only be read where it is known not to be null, so such loads stay. So does a division that needs no check because of
// a branch within the loop.
//
// Loops are contiguous in the order, so being inside a loop is a comparison of numbers.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Loop-invariant code motion.</summary>
internal sealed class LoopInvariantMotion(LoopEffects effects)
{
    private const int MaximumLevels = 8;
    private const int HelperDepth = 2;

    private enum Worth : byte
    {
        // Stays.
        No,

        // Goes along with what needs it.
        Helper,

        // Goes.
        Yes,

        // Goes if it is the first thing to happen in the loop.
        IfFirst,
    }

    private readonly LoopEffects _effects = effects;
    private GrowableArray<int> _loopEnd = new(128);
    private GrowableArray<Block> _preheader = new(128);
    private GrowableArray<Value> _arguments = new(16);
    private IrFunction _function = null!;
    private bool _graphChanged;

    /// <summary>Where to stop, if anywhere.</summary>
    public OptimizationLimit? Limit { get; set; }

    /// <summary>Runs over a function whose order and loop effects have been computed; says whether the graph has changed.</summary>
    public bool Run(IrFunction function)
    {
        _function = function;
        _graphChanged = false;
        if (!FindLoops())
        {
            return false;
        }

        for (var n = 0; n < function.Order.Count; n++)
        {
            var block = function.Order[n];
            if (function.Blocks[block].LoopHeader >= 0 && !function.Blocks[block].IsCold)
            {
                VisitBlock(block);
            }
        }

        return _graphChanged;
    }

    private bool FindLoops()
    {
        _loopEnd.Fill(_function.Blocks.Count, 0);
        _preheader.Fill(_function.Blocks.Count, Block.None);
        var any = false;
        for (var n = _function.Order.Count - 1; n >= 0; n--)
        {
            ref var b = ref _function.Blocks[_function.Order[n]];
            if (b.LoopHeader < 0)
            {
                continue;
            }

            any = true;
            ref var end = ref _loopEnd[b.LoopHeader];
            end = Math.Max(end, n + 1);
            if (b.IsLoopHeader && b.LoopParent >= 0)
            {
                ref var parent = ref _loopEnd[b.LoopParent];
                parent = Math.Max(parent, end);
            }
        }

        return any;
    }

    private bool IsInside(Block block, Block header)
    {
        var position = _function.Blocks[block].OrderIndex;
        return position >= _function.Blocks[header].OrderIndex && position < _loopEnd[header];
    }

    private void VisitBlock(Block block)
    {
        var nothingHappened = _function.Blocks[block].IsLoopHeader;
        var last = _function.Blocks[block].Last;
        for (var i = _function.Blocks[block].First; i != last;)
        {
            var next = _function.Links[i].Next;
            var worth = Limit is null || Limit.Step(i) ? WorthOf(i) : Worth.No;
            var hoisted = worth switch
            {
                Worth.Yes => Hoist(i, block, MaximumLevels),
                Worth.IfFirst when nothingHappened => Hoist(i, block, 1),
                _ => false,
            };
            // Who asked for an interruption cannot tell whether it came just before or just after a trap of the first round.
            if (!hoisted && _function.Get(i).Opcode != IrOpcode.InterruptCheck && DeadCodeEliminator.HasEffect(in _function.Get(i)))
            {
                nothingHappened = false;
            }

            i = next;
        }
    }

    private Worth WorthOf(Value index)
    {
        ref var i = ref _function.Get(index);
        switch (i.Opcode)
        {
            case IrOpcode.VmContext or IrOpcode.TypeId or IrOpcode.ExtendUnsigned or IrOpcode.Wrap:
            case IrOpcode.CompareInteger or IrOpcode.CompareFloat:
                return Worth.Helper;
            case IrOpcode.Constant or IrOpcode.BlockParameter or IrOpcode.Result:
                return Worth.No;
            case IrOpcode.LoadVm:
                return i.B < 0 && _function.TypeOf(i.ValueA) == IrType.I64 ? Worth.Yes : Worth.No;
            case IrOpcode.Load:
                return i.B < 0 && !i.Access.MayFault && IsMemoryBase(i.ValueA) ? Worth.Yes : Worth.IfFirst;
            case IrOpcode.BoundsCheck or IrOpcode.TrapIf or IrOpcode.TrapIfNot:
                return Worth.IfFirst;
            case IrOpcode.DivSigned or IrOpcode.DivUnsigned or IrOpcode.RemSigned or IrOpcode.RemUnsigned:
                // That the divisor is not zero may be known from a branch in the loop: above it the processor would fault.
                return _function.Get(i.ValueB).Opcode == IrOpcode.Constant && !DeadCodeEliminator.HasEffect(in i) ? Worth.Yes : Worth.IfFirst;
            case IrOpcode.Add or IrOpcode.Sub or IrOpcode.And or IrOpcode.Or or IrOpcode.Xor:
            case IrOpcode.ShiftLeft or IrOpcode.ShiftRightSigned or IrOpcode.ShiftRightUnsigned or IrOpcode.RotateLeft:
                return _function.Get(i.ValueA).Opcode == IrOpcode.Constant || _function.Get(i.ValueB).Opcode == IrOpcode.Constant ? Worth.Helper : Worth.Yes;
            default:
                if ((IrOpcodeInfo.EffectsOf(i.Opcode) & IrEffects.Numbered) == 0)
                {
                    return Worth.No;
                }

                return DeadCodeEliminator.HasEffect(in i) ? Worth.IfFirst : Worth.Yes;
        }
    }

    // An address without index that is within a memory at its smallest, rather than one that a check made safe.
    private bool IsMemoryBase(Value value)
    {
        ref var i = ref _function.Get(value);
        return i.Opcode == IrOpcode.LoadVm && i.Region == AliasRegion.ReadOnly;
    }

    private bool Hoist(Value index, Block block, int levels)
    {
        var to = Block.None;
        for (var loop = _function.Blocks[block].LoopHeader; !loop.IsNone && levels > 0 && IsInvariant(index, loop); levels--)
        {
            to = loop;
            loop = _function.Blocks[loop].LoopParent;
        }

        if (to.IsNone)
        {
            return false;
        }

        Move(index, to, Preheader(to));
        return true;
    }

    private bool IsInvariant(Value index, Block loop)
    {
        ref var i = ref _function.Get(index);
        return ((IrOpcodeInfo.EffectsOf(i.Opcode) & IrEffects.ReadsRegion) == 0 || (_effects.WrittenIn(loop) & LoopEffects.SetOf(i.Region)) == 0)
            && OperandsAreOutside(index, loop, HelperDepth);
    }

    private bool OperandsAreOutside(Value index, Block loop, int depth)
    {
        ref var i = ref _function.Get(index);
        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        return ((mask & 1) == 0 || i.A < 0 || CanBeOutside(i.ValueA, loop, depth))
            && ((mask & 2) == 0 || i.B < 0 || CanBeOutside(i.ValueB, loop, depth))
            && ((mask & 4) == 0 || i.C < 0 || CanBeOutside(i.ValueC, loop, depth))
            && (mask & 8) == 0;
    }

    private bool CanBeOutside(Value value, Block loop, int depth)
        => !IsInside(_function.Links[value].Block, loop) || (depth > 0 && WorthOf(value) == Worth.Helper && OperandsAreOutside(value, loop, depth - 1));

    // Moves a value and the helpers that it needs.
    private void Move(Value index, Block loop, Block preheader)
    {
        ref var i = ref _function.Get(index);
        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        if ((mask & 1) != 0 && i.A >= 0 && IsInside(_function.Links[i.A].Block, loop))
        {
            Move(i.ValueA, loop, preheader);
        }

        if ((mask & 2) != 0 && i.B >= 0 && IsInside(_function.Links[i.B].Block, loop))
        {
            Move(i.ValueB, loop, preheader);
        }

        if ((mask & 4) != 0 && i.C >= 0 && IsInside(_function.Links[i.C].Block, loop))
        {
            Move(i.ValueC, loop, preheader);
        }

        _function.Unlink(index);
        _function.LinkBefore(_function.Blocks[preheader].Last, index);
    }

    // The block that the loop is entered from and that leads nowhere else.
    private Block Preheader(Block header)
    {
        if (!_preheader[header].IsNone)
        {
            return _preheader[header];
        }

        var order = _function.Blocks[header].OrderIndex;
        var entering = 0;
        var from = Block.None;
        foreach (var edge in _function.PredecessorsOf(header))
        {
            ref var e = ref _function.Edges[edge];
            if (!IsBackEdge(e.From, order))
            {
                entering++;
                from = e.From;
            }
        }

        if (entering != 1 || _function.Get(_function.Blocks[from].Last).Opcode != IrOpcode.Jump)
        {
            from = MakePreheader(header, order);
        }

        _preheader[header] = from;
        return from;
    }

    private bool IsBackEdge(Block from, int headerPosition) => _function.Blocks[from].OrderIndex >= headerPosition;

    private Block MakePreheader(Block header, int order)
    {
        _graphChanged = true;
        var block = _function.AddBlock(_function.Blocks[header].Flags & IrBlockFlags.Cold);
        _arguments.Clear();
        var parameter = _function.Blocks[header].First;
        for (var n = _function.Blocks[header].ParameterCount; n > 0; n--)
        {
            _arguments.Add(_function.AddBlockParameter(block, _function.TypeOf(parameter)));
            parameter = _function.Links[parameter].Next;
        }

        foreach (var edge in _function.PredecessorsOf(header))
        {
            ref var e = ref _function.Edges[edge];
            if (!IsBackEdge(e.From, order))
            {
                e.To = block;
            }
        }

        var entry = _function.AddEdge(block, header, _arguments.Span);
        _function.Append(block, IrOpcode.Jump, IrType.None, entry);

        // It stands where the header's dominator does: in the loop around, outside of this one.
        _function.Blocks[block].OrderIndex = _function.Blocks[_function.Blocks[header].ImmediateDominator].OrderIndex;
        return block;
    }
}

// Finds what is already known: values computed on the way here (value numbering over the dominator tree, beyond the joins at which the front end forgets), conditions
// already decided by a branch or a trap above, the contents of memory, globals and tables (RedundancyEliminator.Memory.cs), bounds already checked. An
// instruction whose operands turned out to be something simpler is made anew through the builder, so that its rules apply again.
//
// One walk in preorder of the dominator tree: scopes of the value table and of the known conditions are left by cutting stacks back, and all forward predecessors
// of a block have been seen when it is reached (DominatorTree.cs).
using Tarn.Assembler;
using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Build;

namespace Tarn.Compiler.Optimize;

/// <summary>Redundancy elimination.</summary>
internal sealed partial class RedundancyEliminator(DominatorTree tree, LoopEffects effects, AddressFolder folder)
{
    private struct Scope
    {
        public Block Block;
        public int Values;
        public int Decided;
    }

    private readonly IrBuilder _builder = new();
    private readonly DominatorTree _tree = tree;
    private readonly LoopEffects _effects = effects;
    private readonly AddressFolder _folder = folder;
    private ulong _guardBytes;
    private ulong _largestMemory;
    private IrFunction _function = null!;

    // 0: not known; 1: zero; 2: not zero.
    private GrowableArray<byte> _truth = new(1024);
    private GrowableArray<int> _decided = new(64);
    private GrowableArray<Scope> _scopes = new(64);
    private bool _foldedBranch;

    /// <summary>Where to stop, if anywhere.</summary>
    public OptimizationLimit? Limit { get; set; }

    /// <summary>
    /// Runs over a function whose order, dominator tree and loop effects have been computed; says whether a branch became a jump. Aliases that earlier passes have left are
    /// resolved on the way, and none are left.
    /// </summary>
    public bool Run(IrFunction function, TargetDescription target)
    {
        _function = function;
        _guardBytes = target.GuardBytes;
        _largestMemory = function.LargestMemory;
        _folder.Clear();
        _builder.Reset(function, function.Instructions.Count);
        _truth.Fill(function.Instructions.Count, (byte)0);
        _decided.Clear();
        _scopes.Clear();
        _foldedBranch = false;
        ResetMemory();
        foreach (var block in _tree.Preorder.Span)
        {
            while (_scopes.Count > 0 && !_tree.Dominates(_scopes[_scopes.Count - 1].Block, block))
            {
                Leave(_scopes.Pop());
            }

            _scopes.Add(new Scope { Block = block, Values = _builder.Values.Count, Decided = _decided.Count });
            DecideByBranch(block);
            EnterMemory(block);
            VisitBlock(block);
            LeaveMemory(block);
        }

        return _foldedBranch;
    }

    private void Leave(Scope scope)
    {
        _builder.Values.TruncateToCount(scope.Values);
        while (_decided.Count > scope.Decided)
        {
            _truth[_decided.Pop()] = 0;
        }
    }

    // What the only branch that leads here says of its condition.
    private void DecideByBranch(Block block)
    {
        if (_function.Blocks[block].PredecessorCount != 1)
        {
            return;
        }

        var edge = _function.PredecessorsOf(block)[0];
        var from = _function.Edges[edge].From;
        ref var branch = ref _function.Get(_function.Blocks[from].Last);
        if (branch.Opcode == IrOpcode.BranchIf)
        {
            Decide(branch.ValueA, edge == branch.B);
        }
    }

    private void Decide(Value condition, bool notZero)
    {
        DecideOne(condition, notZero);
        ref var i = ref _function.Get(condition);
        if (i.Opcode is IrOpcode.CompareInteger or IrOpcode.CompareFloat)
        {
            var opposite = i;
            opposite.Aux ^= 1;
            var known = _builder.Values.Find(_function, in opposite, ValueTable.Hash(in opposite));
            if (known >= 0)
            {
                DecideOne(known, !notZero);
            }
        }
    }

    private void DecideOne(Value value, bool notZero)
    {
        Grow();
        if (_truth[value] == 0)
        {
            _truth[value] = notZero ? (byte)2 : (byte)1;
            _decided.Add(value);
        }
    }

    private void Grow()
    {
        var missing = _function.Instructions.Count - _truth.Count;
        if (missing > 0)
        {
            _truth.AddDefault(missing);
        }
    }

    // Whether a condition is known here, by constants or by what led here.
    private bool IsDecided(Value condition, out bool notZero)
    {
        if (_function.IsConstant(condition, out var bits))
        {
            notZero = bits != 0;
            return true;
        }

        var truth = condition < _truth.Count ? _truth[condition] : 0;
        notZero = truth == 2;
        if (truth != 0)
        {
            return true;
        }

        // The opposite may have been decided before this comparison was made.
        ref var i = ref _function.Get(condition);
        if (i.Opcode is IrOpcode.CompareInteger or IrOpcode.CompareFloat)
        {
            var opposite = i;
            opposite.Aux ^= 1;
            var known = _builder.Values.Find(_function, in opposite, ValueTable.Hash(in opposite));
            if (known >= 0 && known < _truth.Count && _truth[known] != 0)
            {
                notZero = _truth[known] == 1;
                return true;
            }
        }

        return false;
    }

    private void VisitBlock(Block block)
    {
        _builder.Block = block;
        for (var i = _function.Blocks[block].First; i >= 0;)
        {
            var next = _function.Links[i].Next;
            Visit(i);
            i = next;
        }

        ValueReplacement.RewriteEdges(_function, block);
    }

    private void Visit(Value index)
    {
        var changed = ValueReplacement.RewriteOperands(_function, index);
        if (Limit is not null && !Limit.Step(index))
        {
            return;
        }

        var i = _function.Get(index);
        var kinds = IrOpcodeInfo.EffectsOf(i.Opcode);
        if ((kinds & IrEffects.Numbered) != 0)
        {
            if (i.Opcode == IrOpcode.Constant)
            {
                return;
            }

            VisitNumbered(index, in i, changed);
            return;
        }

        switch (i.Opcode)
        {
            case IrOpcode.BlockParameter or IrOpcode.Result:
                break;
            case IrOpcode.LoadVm when i.Region == AliasRegion.ReadOnly:
                Number(index, in i);
                break;
            case IrOpcode.Load or IrOpcode.LoadVm or IrOpcode.ElementOffset:
                VisitLoad(index, in i);
                break;
            case IrOpcode.Store or IrOpcode.StoreVm:
                VisitStore(index, in i);
                break;
            case IrOpcode.BoundsCheck:
                VisitBoundsCheck(index, in i);
                break;
            case IrOpcode.TrapIf or IrOpcode.TrapIfNot:
                VisitConditionalTrap(index, in i);
                break;
            case IrOpcode.BranchIf:
                if (IsDecided(i.ValueA, out var notZero))
                {
                    ref var branch = ref _function.Get(index);
                    branch.Opcode = IrOpcode.Jump;
                    branch.A = notZero ? i.ValueB : i.ValueC;
                    branch.B = -1;
                    branch.C = -1;
                    _foldedBranch = true;
                }

                break;
            default:
                if ((kinds & (IrEffects.Call | IrEffects.WritesRegion | IrEffects.Pinned)) != 0)
                {
                    VisitClobber(in i);
                }

                break;
        }
    }

    private void VisitConditionalTrap(Value index, in IrInstruction i)
    {
        var traps = i.Opcode == IrOpcode.TrapIf;
        if (IsDecided(i.ValueA, out var notZero) && notZero != traps)
        {
            _function.Remove(index);
            return;
        }

        if (_function.IsConstant(i.ValueA, out _))
        {
            // The block ends here; the graph's simplification cuts it off.
            _foldedBranch = true;
            return;
        }

        if (IsDecided(i.ValueA, out _))
        {
            _function.Get(index).A = Constant(notZero ? 1u : 0u);
            _foldedBranch = true;
            return;
        }

        VisitTrap();
        Decide(i.ValueA, !traps);
    }

    private Value Constant(uint value) => _builder.Constant(IrType.I32, value);

    private void VisitNumbered(Value index, in IrInstruction i, bool changed)
    {
        if ((IrOpcodeInfo.EffectsOf(i.Opcode) & IrEffects.CanTrap) != 0 && VisitTrapping(index, in i, changed))
        {
            return;
        }

        if (i.Opcode == IrOpcode.Select && IsDecided(i.ValueA, out var notZero))
        {
            ValueReplacement.Replace(_function, index, notZero ? i.ValueB : i.ValueC);
            return;
        }

        // Selects made of branches have not been through the builder.
        if (!changed && i.Opcode != IrOpcode.Select)
        {
            Number(index, in i);
            return;
        }

        _builder.Position = index;
        _function.CurrentWasmOffset = _function.Links[index].WasmOffset;
        var made = Remake(in i);
        _builder.Position = Value.None;
        if (made >= 0)
        {
            ValueReplacement.Replace(_function, index, made);
        }
        else
        {
            Number(index, in i);
        }
    }

    // Divisions and conversions. Learns from conditions that the divisor is not zero; says whether the instruction is done with.
    private bool VisitTrapping(Value index, in IrInstruction i, bool changed)
    {
        if (i.Opcode is >= IrOpcode.DivSigned and <= IrOpcode.RemUnsigned)
        {
            var known = i.B < _truth.Count && _truth[i.B] == 2;
            if (changed && _function.IsConstant(i.ValueB, out _))
            {
                // There are rules for constant divisors. What comes of them may still trap.
                VisitTrap();
                return false;
            }

            if (known && (i.Aux & (byte)DivisionFacts.DivisorNotZero) == 0)
            {
                _function.Get(index).Aux |= (byte)DivisionFacts.DivisorNotZero;
                Number(index, in _function.Get(index));
                NoteTrap(index);
                return true;
            }
        }

        // Facts belong to the operands as they were, and hold for what replaced them; the builder would have to find them again.
        Number(index, in i);
        NoteTrap(index);
        return true;
    }

    private void NoteTrap(Value index)
    {
        if (_function.Links[index].Block >= 0 && DeadCodeEliminator.HasEffect(in _function.Get(index)))
        {
            VisitTrap();
        }
    }

    private void Number(Value index, in IrInstruction i)
    {
        var hash = ValueTable.Hash(in i);
        var known = _builder.Values.Find(_function, in i, hash);
        if (known >= 0)
        {
            ValueReplacement.Replace(_function, index, known);
        }
        else
        {
            _builder.Values.Add(index, hash);
        }
    }

    // The instruction made again by the builder's rules; −1 if there are none for it.
    private Value Remake(in IrInstruction i)
    {
        switch (i.Opcode)
        {
            case IrOpcode.CompareInteger:
                return _builder.Compare(i.IntegerCondition, i.ValueA, i.ValueB);
            case IrOpcode.CompareFloat:
                return _builder.CompareFloat(i.FloatCondition, i.ValueA, i.ValueB);
            case IrOpcode.Select:
                return _builder.Select(i.Type, i.ValueA, i.ValueB, i.ValueC);
            case >= IrOpcode.Add and <= IrOpcode.RotateRight:
                return _builder.Binary(i.Opcode, i.Type, i.ValueA, i.ValueB);
            case >= IrOpcode.CountLeadingZeros and <= IrOpcode.Wrap:
                return _builder.Unary(i.Opcode, i.Type, i.ValueA);
            case >= IrOpcode.FloatAdd and <= IrOpcode.FloatCopySign:
                return _builder.FloatBinary(i.Opcode, i.Type, i.ValueA, i.ValueB);
            case >= IrOpcode.FloatAbs and <= IrOpcode.FloatNearest:
            case >= IrOpcode.SaturateToSigned and <= IrOpcode.Bitcast:
                return _builder.Unary(i.Opcode, i.Type, i.ValueA);
            case IrOpcode.VectorShuffle:
                return _builder.Shuffle(i.ValueA, i.ValueB, _function.Vectors[i.D]);
            case >= IrOpcode.VectorSwizzle and <= IrOpcode.VectorPromote:
                return _builder.VectorOperation(i.Opcode, i.Shape, i.ValueA, i.B, i.C, i.Aux >> 4, i.D);
            default:
                return Value.None;
        }
    }
}

// From IR to machine instructions: what every target's instruction selection shares. Blocks are visited last to first, instructions of a block last to first,
// so that all uses of an instruction are known when it is reached: one that is not used is left out, and one with a single use may have been merged into
// its user. The output is made in reverse, in groups of one IR instruction each, and reversed at the end.
//
// A value may be merged if its only use is the instruction being lowered (the root) or one merged into that, it is in the same block, and computing it at the
// root passes no effect that could change it or be reordered with it (EffectColors).
//
// i32 values are zero-extended in registers and slots on every target. Hence ExtendUnsigned is an alias of its operand, and operations of 32 bits may
// read an i64 in place of its Wrap.
//
// A target derives from this class, and lowers one instruction at a time: an instruction's virtual call is the only one on the path.
using System.Runtime.CompilerServices;
using Tarn.Assembler;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Analysis;

namespace Tarn.Compiler.Machine;

/// <summary>Instruction selection. One object serves one thread and is reused.</summary>
internal abstract class Lowering
{
    /// <summary>What is known of values.</summary>
    private protected readonly ValueRanges _ranges = new();

    /// <summary>Effects and uses of values.</summary>
    private protected readonly EffectColors _colors = new();

    /// <summary>The function being lowered.</summary>
    private protected IrFunction _ir = null!;

    /// <summary>What it is lowered to.</summary>
    private protected MachineFunction _machine = null!;

    /// <summary>Whether calls within the instance do not preserve the VM context.</summary>
    private protected bool _reloadsAfterCalls;

    /// <summary>Virtual register of each value, or −1 while it has no use.</summary>
    private protected GrowableArray<VReg> _virtual = new(1024);

    /// <summary>Values that their user computes.</summary>
    private protected GrowableArray<bool> _merged = new(1024);

    /// <summary>The IR instruction being lowered.</summary>
    private protected Value _root;

    /// <summary>Its block.</summary>
    private protected Block _rootBlock;

    /// <summary>The machine instruction that operands are added to.</summary>
    private protected int _open;

    private GrowableArray<Block> _lines = new(128);
    private readonly TripCounts _tripCounts = new();
    private readonly BlockPlan _plan = new();
    private GrowableArray<PendingEdge> _pendingEdges = new(128);

    // The edge that leads to each block of a split edge.
    private GrowableArray<int> _edgeOfSplit = new(128);
    private int _source;

    private struct PendingEdge
    {
        /// <summary>IR edge that carries the arguments, or none.</summary>
        public Edge IrEdge;
        public int To;
    }

    /// <summary>
    /// Lowers a function whose order has been computed. With <paramref name="reloadsAfterCalls"/> calls within the instance do not preserve
    /// the VM context, since the module has tail calls that may leave it.
    /// </summary>
    public void Lower(IrFunction ir, MachineFunction machine, bool reloadsAfterCalls)
    {
        _ir = ir;
        _machine = machine;
        _reloadsAfterCalls = reloadsAfterCalls;
        machine.Clear();
        machine.FunctionIndex = ir.FunctionIndex;
        machine.HandlerScopes.AddRange(ir.HandlerScopes.Span);
        machine.Budget = ir.Budget;
        _virtual.Fill(ir.Instructions.Count, VReg.None);
        _merged.Fill(ir.Instructions.Count, false);
        _pendingEdges.Clear();
        _colors.Prepare(ir);
        _ranges.Prepare(ir);
        if (_colors.IsInterruptible)
        {
            _tripCounts.Prepare(ir, _ranges);
        }

        ir.FindLines(ref _lines);
        _plan.Prepare(ir, machine);
        _edgeOfSplit.Fill(_plan.Count, -1);
        BeginFunction();
        for (var b = _plan.Count - 1; b >= 0; b--)
        {
            LowerBlock(b);
        }

        Finish();
    }

    /// <summary>Prepares the target's own state for a function.</summary>
    private protected abstract void BeginFunction();

    /// <summary>Emits the label of the entry, which defines the parameters in registers, and the loads of the others.</summary>
    private protected abstract void LowerEntry();

    /// <summary>Emits an instruction that is used or has an effect.</summary>
    /// <param name="i">The instruction.</param>
    /// <param name="instruction">Its description.</param>
    /// <param name="block">The machine block that it is in.</param>
    private protected abstract void LowerInstruction(Value i, ref IrInstruction instruction, int block);

    // ---- Blocks and edges

    private void LowerBlock(int index)
    {
        var ir = _ir;
        var planned = _plan.BlockAt(index);
        var loop = _plan.LoopOf(index);
        ref var block = ref _machine.Blocks[index];
        var after = _machine.Instructions.Count;
        block.Loop = loop;
        block.SuccessorStart = _pendingEdges.Count;
        if (planned.IsNone)
        {
            var edge = _plan.EdgeAt(index);
            ref var e = ref ir.Edges[edge];
            block.LoopDepth = _plan.DepthOf(loop);
            block.IsCold = ir.Blocks[e.To].IsCold || ir.Blocks[e.From].IsCold;
            AddEdge(edge, _plan.BlockOf(e.To));
            block.SuccessorCount = 1;
            _source = ir.Links[ir.Blocks[e.From].Last].WasmOffset;
            Begin(MachineOpcode.Jump, 0);
            Begin(MachineOpcode.Label, 0);
        }
        else
        {
            ref var b = ref ir.Blocks[planned];
            block.LoopDepth = _plan.DepthOf(loop);
            block.IsCold = b.IsCold;
            block.IsLoopHeader = b.IsLoopHeader;
            _rootBlock = planned;
            for (var i = b.Last; i >= 0; i = ir.Links[i].Previous)
            {
                ref var instruction = ref ir.Get(i);
                if (instruction.Opcode == IrOpcode.BlockParameter)
                {
                    break;
                }

                if (_merged[i] || instruction.Opcode == IrOpcode.Result || (_virtual[i] < 0 && !MustEmit(instruction)))
                {
                    continue;
                }

                var start = _machine.Instructions.Count;
                _root = i;
                _source = ir.Links[i].WasmOffset;
                LowerInstruction(i, ref instruction, index);
                ReverseGroup(start);
            }

            _source = b.First >= 0 ? ir.Links[b.First].WasmOffset : 0;
            var group = _machine.Instructions.Count;
            LowerLabel(planned);
            ReverseGroup(group);
            block = ref _machine.Blocks[index];
            block.SuccessorCount = _pendingEdges.Count - block.SuccessorStart;
        }

        // In the reversed stream; turned round in Finish.
        block.End = after;
        block.First = _machine.Instructions.Count;
    }

    private static bool MustEmit(in IrInstruction instruction)
    {
        var kinds = IrOpcodeInfo.EffectsOf(instruction.Opcode);
        if (instruction.Opcode == IrOpcode.Load)
        {
            return instruction.Access.MayFault;
        }

        return (kinds & (IrEffects.WritesRegion | IrEffects.Call | IrEffects.Pinned | IrEffects.CanTrap)) != 0;
    }

    private void ReverseGroup(int start)
    {
        var count = _machine.Instructions.Count;
        if (count - start > 1)
        {
            _machine.Instructions.Span[start..].Reverse();
            _machine.Sources.Span[start..].Reverse();
        }
    }

    private void AddEdge(Edge irEdge, int to)
    {
        _pendingEdges.Add(new PendingEdge { IrEdge = irEdge, To = to });
        if (irEdge.IsNone)
        {
            return;
        }

        // Arguments of parameters that are known to be dead are not asked for.
        var ir = _ir;
        ref var e = ref ir.Edges[irEdge];
        var isBackEdge = ir.Blocks[e.To].OrderIndex <= ir.Blocks[e.From].OrderIndex;
        var parameter = ir.Blocks[e.To].First;
        foreach (var v in ir.ArgumentsOf(irEdge))
        {
            if (isBackEdge || _virtual[parameter] >= 0)
            {
                Use(v);
            }

            parameter = ir.Links[parameter].Next;
        }
    }

    /// <summary>Adds an edge of the block being lowered, by way of its split block if it has one.</summary>
    /// <remarks>
    /// Edges that share a split block are one edge: the moves of an edge are placed in the block that it leads to, so with two of them they would be done twice.
    /// </remarks>
    /// <returns>The edge's number.</returns>
    private protected int AddSuccessor(Edge irEdge)
    {
        var target = _plan.TargetOf(irEdge);
        if (!_plan.IsSplit(irEdge))
        {
            AddEdge(irEdge, target);
            return _pendingEdges.Count - 1;
        }

        if (_edgeOfSplit[target] < 0)
        {
            _edgeOfSplit[target] = _pendingEdges.Count;
            AddEdge(Edge.None, target);
        }

        return _edgeOfSplit[target];
    }

    /// <summary>Adds the edges of a switch and its entries.</summary>
    /// <param name="instruction">The switch.</param>
    /// <param name="block">The machine block that it is in.</param>
    /// <param name="start">Its first entry in <see cref="MachineFunction.SwitchTargets"/>.</param>
    /// <returns>Number of edges: with one only, the switch is a jump.</returns>
    private protected int AddSwitchEdges(in IrInstruction instruction, int block, out int start)
    {
        var ir = _ir;
        start = _machine.SwitchTargets.Count;
        var firstEdge = _machine.Blocks[block].SuccessorStart;
        for (var k = 0; k < instruction.C; k++)
        {
            _machine.SwitchTargets.Add(AddSuccessor(ir.SwitchEdges[instruction.B + k]) - firstEdge);
        }

        return _pendingEdges.Count - firstEdge;
    }

    /// <summary>Whether the interruption check that is the root may be left out, since its loop ends soon.</summary>
    private protected bool IsCheckSuperfluous => _ir.Blocks[_rootBlock].IsLoopHeader && _tripCounts.IsOverSoon(_rootBlock);

    private void LowerLabel(Block irBlock)
    {
        var ir = _ir;
        if (irBlock == IrFunction.Entry)
        {
            LowerEntry();
            return;
        }

        var label = Begin(MachineOpcode.Label, 0);
        var count = 0;
        for (var i = ir.Blocks[irBlock].First; i >= 0 && ir.Get(i).Opcode == IrOpcode.BlockParameter; i = ir.Links[i].Next)
        {
            if (_virtual[i] >= 0)
            {
                _machine.Operands.Add(MachineOperand.Create(_virtual[i], OperandKind.Def));
                count++;
            }
        }

        ref var instruction = ref _machine.Instructions[label];
        instruction.OperandCount = (byte)Math.Min(count, byte.MaxValue);
        instruction.Displacement = count;
    }

    private void Finish()
    {
        var machine = _machine;
        var ir = _ir;
        machine.Instructions.Span.Reverse();
        machine.Sources.Span.Reverse();
        var total = machine.Instructions.Count;
        for (var b = 0; b < machine.Blocks.Count; b++)
        {
            ref var block = ref machine.Blocks[b];
            block.First = total - block.First;
            block.End = total - block.End;
            block.Source = machine.Sources[block.First];
            var start = machine.Edges.Count;
            for (var k = 0; k < block.SuccessorCount; k++)
            {
                ref var pending = ref _pendingEdges[block.SuccessorStart + k];
                var first = machine.Arguments.Count;
                if (!pending.IrEdge.IsNone)
                {
                    var parameter = ir.Blocks[ir.Edges[pending.IrEdge].To].First;
                    foreach (var v in ir.ArgumentsOf(pending.IrEdge))
                    {
                        if (_virtual[parameter] >= 0)
                        {
                            machine.Arguments.Add(Use(v));
                        }

                        parameter = ir.Links[parameter].Next;
                    }
                }

                machine.Edges.Add(new MachineEdge { From = b, To = pending.To, ArgumentStart = first, ArgumentCount = machine.Arguments.Count - first });
            }

            block.SuccessorStart = start;
        }

        machine.ComputePredecessors();
    }

    // ---- Building instructions

    /// <summary>Adds an instruction. Those of one IR instruction are added in the order in which they are executed.</summary>
    private protected int Begin(ushort opcode, int width, int condition = 0, int immediate = 0, int aux = 0)
    {
        _open = _machine.Instructions.Add(new MachineInstruction
        {
            Opcode = opcode,
            Width = (byte)width,
            Condition = (byte)condition,
            OperandStart = _machine.Operands.Count,
            Immediate = immediate,
            Aux = aux,
        });
        _machine.Sources.Add(_source);
        return _open;
    }

    /// <summary>Adds an operand to the open instruction.</summary>
    private protected void Add(VReg v, OperandKind kind, int register = 0)
    {
        _machine.Operands.Add(MachineOperand.Create(v, kind, register));
        _machine.Instructions[_open].OperandCount++;
    }

    /// <summary>Adds an operand in a fixed vector register.</summary>
    private protected void AddVector(VReg v, OperandKind kind, int register) => Add(v, kind, RegisterFile.FirstVector + register);

    // ---- Values

    /// <summary>Class and size of a type at machine level.</summary>
    private protected static MachineType TypeOf(IrType type) => type switch
    {
        IrType.I32 => MachineType.I32,
        IrType.F32 => MachineType.F32,
        IrType.F64 => MachineType.F64,
        IrType.V128 => MachineType.V128,
        IrType.Managed => MachineType.Managed,
        _ => MachineType.I64,
    };

    /// <summary>Bytes of a type.</summary>
    private protected static int WidthOf(IrType type) => type is IrType.I32 or IrType.F32 ? 4 : type == IrType.V128 ? 16 : 8;

    /// <summary>The value whose register a value has.</summary>
    private protected Value Resolve(Value value)
    {
        while (true)
        {
            ref var instruction = ref _ir.Get(value);
            switch (instruction.Opcode)
            {
                case IrOpcode.ExtendUnsigned:
                    value = instruction.ValueA;
                    continue;
                case IrOpcode.Wrap when IsZeroExtended(instruction.ValueA):
                    value = instruction.ValueA;
                    continue;
                case IrOpcode.Bitcast when instruction.Type is IrType.I64 or IrType.Ref && _ir.TypeOf(instruction.ValueA) is IrType.I64 or IrType.Ref:
                case IrOpcode.Bitcast when instruction.Type is IrType.I32 or IrType.Managed && _ir.TypeOf(instruction.ValueA) is IrType.I32 or IrType.Managed:
                    value = instruction.ValueA;
                    continue;
                default:
                    return value;
            }
        }
    }

    // Whether the upper half of an i64 is known to be zero.
    private bool IsZeroExtended(Value value)
    {
        ref var instruction = ref _ir.Get(value);
        return instruction.Opcode switch
        {
            IrOpcode.ExtendUnsigned => true,
            IrOpcode.ShiftRightUnsigned => _ir.IsConstant(instruction.ValueB, out var count) && (count & 63) >= 32,
            IrOpcode.And => _ir.IsConstant(instruction.ValueB, out var mask) && mask <= uint.MaxValue,
            IrOpcode.Load or IrOpcode.LoadVm => instruction.Access.WidthLog2 <= 2 && !instruction.Access.Signed,
            _ => false,
        };
    }

    /// <summary>The virtual register of a value that is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected VReg Use(Value value)
    {
        value = Resolve(value);
        var v = _virtual[value];
        if (v < 0)
        {
            v = _machine.NewVirtualRegister(TypeOf(_ir.TypeOf(value)));
            _virtual[value] = v;
        }

        return v;
    }

    /// <summary>The same for operations that read the low 32 bits.</summary>
    private protected VReg UseLow(Value value)
    {
        while (true)
        {
            value = Resolve(value);
            ref var instruction = ref _ir.Get(value);
            if (instruction.Opcode is not (IrOpcode.Wrap or IrOpcode.ExtendSigned))
            {
                return Use(value);
            }

            value = instruction.ValueA;
        }
    }

    /// <summary>The same for operations of a width.</summary>
    private protected VReg UseWidth(Value value, int width) => width <= 4 ? UseLow(value) : Use(value);

    /// <summary>The same for operations that read some low bits: masks that keep them are left out. For shift counts and narrow stores.</summary>
    private protected VReg UseLowBits(Value value, int bits)
    {
        var mask = (1UL << bits) - 1;
        while (true)
        {
            value = Resolve(value);
            ref var instruction = ref _ir.Get(value);
            if (instruction.Opcode is IrOpcode.Wrap or IrOpcode.ExtendSigned || IsLowMask(instruction, mask)
                || (instruction.Opcode == IrOpcode.SignExtend8 && bits <= 8) || (instruction.Opcode == IrOpcode.SignExtend16 && bits <= 16)
                || (instruction.Opcode == IrOpcode.SignExtend32 && bits <= 32))
            {
                value = instruction.ValueA;
                continue;
            }

            return Use(value);
        }
    }

    private bool IsLowMask(in IrInstruction instruction, ulong mask)
        => instruction.Opcode == IrOpcode.And && _ir.IsConstant(instruction.ValueB, out var kept) && (kept & mask) == mask;

    /// <summary>The virtual register that an instruction defines.</summary>
    private protected VReg Definition(Value instruction)
    {
        var v = _virtual[instruction];
        return v >= 0 ? v : _machine.NewVirtualRegister(TypeOf(_ir.TypeOf(instruction)));
    }

    /// <summary>Whether a value has uses after the root.</summary>
    private protected bool LivesOn(Value value) => _virtual[Resolve(value)] >= 0;

    /// <summary>Whether a value may be computed within the root: it is in the same block and has no other use.</summary>
    private protected bool IsMergeable(Value value) => _colors.UsesOf(value) == 1 && _virtual[value] < 0 && !_merged[value] && IsInRootLine(value);

    /// <summary>Whether a value is of the root's block, or of one that continues to it behind a call that may throw.</summary>
    private protected bool IsInRootLine(Value value) => _lines[_ir.Links[value].Block] == _lines[_rootBlock];
}

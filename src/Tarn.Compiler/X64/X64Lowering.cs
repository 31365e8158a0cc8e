// From IR to machine instructions of x86-64. Blocks are visited last to first, instructions of a block last to first, so that when an
// instruction is reached all its uses are known: one that nobody asked for is left out, and one with a single use may have been
// merged into its user. The output is made in reverse, in groups of one IR instruction each, and turned round at the end.
//
// When may a value be merged? If its only use is the instruction being lowered (the root) or one merged into that, it is in the same block,
// and moving it down to the root passes no effect that could change it or be reordered with it. Two counters stand for effects: `_effects`
// counts all (traps, writes, calls), `_writes` only what may change memory. A load that may fault moves only if nothing at all happened
// in between; any other load if nothing was written.
//
// i32 values are zero-extended in registers and slots. Hence ExtendUnsigned is an alias of its operand, and operations of 32 bits may read
// an i64 in place of its Wrap.
using System.Runtime.CompilerServices;
using Tarn.Assembler.X64;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Lower;

namespace Tarn.Compiler.X64;

using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Analysis;

/// <summary>Instruction selection. One object serves one thread and is reused.</summary>
internal sealed partial class X64Lowering(CpuFeatures features)
{
    private readonly CpuFeatures _features = features;
    private readonly ValueRanges _ranges = new();
    private readonly TripCounts _tripCounts = new();
    private IrFunction _ir = null!;
    private MachineFunction _machine = null!;
    private bool _reloadsAfterCalls;

    private GrowableArray<int> _virtual = new(1024);
    private GrowableArray<int> _useCount = new(1024);
    private GrowableArray<bool> _merged = new(1024);
    private GrowableArray<int> _effects = new(1024);
    private GrowableArray<int> _writes = new(1024);
    private GrowableArray<PendingEdge> _pendingEdges = new(128);
    private GrowableArray<int> _blockIndex = new(128);
    private GrowableArray<int> _loopIndex = new(128);
    private GrowableArray<int> _loopAround = new(16);
    private GrowableArray<int> _splitOf = new(128);
    private GrowableArray<int> _firstEdge = new(128);
    private GrowableArray<PlannedBlock> _plan = new(128);

    private int _root;
    private int _rootBlock;
    private int _open;
    private int _source;
    private int _hiddenResult;

    private struct PendingEdge
    {
        /// <summary>IR edge that carries the arguments, or −1.</summary>
        public int IrEdge;
        public int To;
    }

    private struct PlannedBlock
    {
        /// <summary>IR block, or ~IR edge of a split edge.</summary>
        public int Block;
        public int Loop;
    }

    private bool HasAvx => (_features & CpuFeatures.Avx) != 0;

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
        machine.Budget = ir.Budget;
        _hiddenResult = -1;
        Prepare();
        PlanBlocks();
        for (var b = _plan.Count - 1; b >= 0; b--)
        {
            LowerBlock(b);
        }

        Finish();
    }

    // Counts uses and effects.
    private void Prepare()
    {
        var ir = _ir;
        var count = ir.Instructions.Count;
        _virtual.Fill(count, -1);
        _useCount.Fill(count, 0);
        _merged.Fill(count, false);
        _effects.Fill(count, 0);
        _writes.Fill(count, 0);
        _ranges.Prepare(ir);
        var uses = _useCount.Span;
        var effects = 0;
        var writes = 0;
        var isInterruptible = false;
        foreach (var block in ir.Order.Span)
        {
            for (var i = ir.Blocks[block].First; i >= 0; i = ir.Links[i].Next)
            {
                ref var instruction = ref ir.Get(i);
                _effects[i] = effects;
                _writes[i] = writes;
                ir.CountOperands(i, uses);
                var kinds = IrOpcodeInfo.EffectsOf(instruction.Opcode);
                isInterruptible |= instruction.Opcode == IrOpcode.InterruptCheck;
                if ((kinds & (IrEffects.WritesRegion | IrEffects.Call | IrEffects.Pinned)) != 0)
                {
                    effects++;
                    writes++;
                }
                else if ((kinds & IrEffects.CanTrap) != 0 && (instruction.Opcode != IrOpcode.Load || instruction.Access.MayFault))
                {
                    effects++;
                }
            }

            ir.CountArguments(block, uses);
        }

        if (isInterruptible)
        {
            _tripCounts.Prepare(ir, _ranges);
        }
    }

    // Decides on blocks and their order: those of the IR, each followed by blocks for its critical edges.
    private void PlanBlocks()
    {
        var ir = _ir;
        _plan.Clear();
        _pendingEdges.Clear();
        _blockIndex.Fill(ir.Blocks.Count, -1);
        _loopIndex.Fill(ir.Blocks.Count, -1);
        _loopAround.Clear();
        _splitOf.Fill(ir.Edges.Count, -1);
        foreach (var block in ir.Order.Span)
        {
            ref var b = ref ir.Blocks[block];
            if (b.IsLoopHeader)
            {
                _loopIndex[block] = AddLoop(b.LoopParent < 0 ? -1 : _loopIndex[b.LoopParent]);
            }

            _blockIndex[block] = _plan.Add(new PlannedBlock { Block = block, Loop = b.LoopHeader < 0 ? -1 : _loopIndex[b.LoopHeader] });
            var count = ir.SuccessorCount(block);
            if (count < 2)
            {
                continue;
            }

            var isMembership = HasTwoWays(block, count);
            for (var k = 0; k < count; k++)
            {
                var edge = ir.Successor(block, k);
                ref var e = ref ir.Edges[edge];
                if (_splitOf[edge] >= 0 || ir.Blocks[e.To].PredecessorCount < 2)
                {
                    continue;
                }

                // Entries of a switch that go to the same place with nothing to pass share a block. So do those with the same to pass, if that makes the switch a
                // test for a set (`X64Emitter.MembersOf`). Elsewhere they are better apart: where a jump went is what the processor predicts later branches by.
                var shared = -1;
                if (e.ArgumentCount == 0 || isMembership)
                {
                    for (var p = _plan.Count - 1; p > _blockIndex[block] && p > _plan.Count - 64; p--)
                    {
                        if (SameEdges(edge, ~_plan[p].Block))
                        {
                            shared = p;
                            break;
                        }
                    }
                }

                _splitOf[edge] = shared >= 0 ? shared : _plan.Add(new PlannedBlock { Block = ~edge, Loop = -2 });
            }
        }

        for (var p = 0; p < _plan.Count; p++)
        {
            ref var planned = ref _plan[p];
            if (planned.Block < 0)
            {
                ref var e = ref ir.Edges[~planned.Block];
                ref var target = ref ir.Blocks[e.To];
                var header = target.IsLoopHeader && ir.Blocks[e.From].OrderIndex < target.OrderIndex ? target.LoopParent : target.LoopHeader;
                planned.Loop = header < 0 ? -1 : _loopIndex[header];
            }

            if (planned.Loop >= 0)
            {
                _machine.Loops[planned.Loop].End = p + 1;
            }
        }

        for (var loop = _machine.Loops.Count - 1; loop >= 0; loop--)
        {
            var around = _loopAround[loop];
            if (around >= 0)
            {
                _machine.Loops[around].End = Math.Max(_machine.Loops[around].End, _machine.Loops[loop].End);
            }
        }

        _firstEdge.Fill(_plan.Count + 1, 0);
        _machine.Blocks.AddDefault(_plan.Count);
    }

    private bool SameEdges(int one, int other) =>
        _ir.Edges[one].To == _ir.Edges[other].To && _ir.ArgumentsOf(one).SequenceEqual(_ir.ArgumentsOf(other));

    // Whether a switch has one outcome besides its default's.
    private bool HasTwoWays(int block, int count)
    {
        if (count is < 3 or > 65)
        {
            return false;
        }

        var otherwise = _ir.Successor(block, count - 1);
        var member = -1;
        for (var k = 0; k + 1 < count; k++)
        {
            var edge = _ir.Successor(block, k);
            if (SameEdges(edge, otherwise) || (member >= 0 && SameEdges(edge, member)))
            {
                continue;
            }

            if (member >= 0)
            {
                return false;
            }

            member = edge;
        }

        return true;
    }

    private int AddLoop(int around)
    {
        _loopAround.Add(around);
        var depth = LoopDepthOf(around);
        return _machine.Loops.Add(new MachineLoop
        {
            Parent = depth <= MachineLoop.MaximumDepth ? around : _machine.Loops[around].Parent,
            Depth = Math.Min(depth, MachineLoop.MaximumDepth) + 1,
            Header = _plan.Count,
        });
    }

    private int LoopDepthOf(int loop) => loop < 0 ? 0 : _machine.Loops[loop].Depth;

    private void LowerBlock(int index)
    {
        var ir = _ir;
        ref var planned = ref _plan[index];
        ref var block = ref _machine.Blocks[index];
        var after = _machine.Instructions.Count;
        block.Loop = planned.Loop;
        block.SuccessorStart = _pendingEdges.Count;
        if (planned.Block < 0)
        {
            var edge = ~planned.Block;
            ref var e = ref ir.Edges[edge];
            block.LoopDepth = LoopDepthOf(planned.Loop);
            block.IsCold = ir.Blocks[e.To].IsCold || ir.Blocks[e.From].IsCold;
            AddEdge(edge, _blockIndex[e.To]);
            block.SuccessorCount = 1;
            _source = ir.Links[ir.Blocks[e.From].Last].WasmOffset;
            Begin(X64Opcode.Jump, 0);
            Begin(X64Opcode.Label, 0);
        }
        else
        {
            ref var b = ref ir.Blocks[planned.Block];
            block.LoopDepth = LoopDepthOf(planned.Loop);
            block.IsCold = b.IsCold;
            block.IsLoopHeader = b.IsLoopHeader;
            _rootBlock = planned.Block;
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
            LowerLabel(planned.Block);
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

    private void AddEdge(int irEdge, int to)
    {
        _pendingEdges.Add(new PendingEdge { IrEdge = irEdge, To = to });
        if (irEdge < 0)
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

    // The edge of the block being lowered, by way of its split block if it has one.
    private void AddSuccessor(int irEdge)
    {
        if (_splitOf[irEdge] >= 0)
        {
            AddEdge(-1, _splitOf[irEdge]);
        }
        else
        {
            AddEdge(irEdge, _blockIndex[_ir.Edges[irEdge].To]);
        }
    }

    private void LowerLabel(int irBlock)
    {
        var ir = _ir;
        if (irBlock == IrFunction.Entry)
        {
            LowerEntry();
            return;
        }

        var label = Begin(X64Opcode.Label, 0);
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
                if (pending.IrEdge >= 0)
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

    private int Begin(X64Opcode opcode, int width, int condition = 0, int immediate = 0, int aux = 0)
    {
        _open = _machine.Instructions.Add(new MachineInstruction
        {
            Opcode = (ushort)opcode,
            Width = (byte)width,
            Condition = (byte)condition,
            OperandStart = _machine.Operands.Count,
            Immediate = immediate,
            Aux = aux,
        });
        _machine.Sources.Add(_source);
        return _open;
    }

    private void Add(int v, OperandKind kind, int register = 0)
    {
        _machine.Operands.Add(MachineOperand.Create(v, kind, register));
        _machine.Instructions[_open].OperandCount++;
    }

    private void AddVector(int v, OperandKind kind, int register) => Add(v, kind, RegisterFile.FirstVector + register);

    // The last source: a folded load, or an operand that may be in memory.
    private void AddSource(in Source source)
    {
        if (source.IsMemory)
        {
            AddAddress(source.Address);
        }
        else
        {
            Add(source.Virtual, OperandKind.UseAny);
        }
    }

    private void AddAddress(in Address address)
    {
        ref var instruction = ref _machine.Instructions[_open];
        instruction.Address = (byte)(((int)address.Kind << 4) | (address.Scale << 2) | (address.Index >= 0 ? 2 : 0) | (address.Base >= 0 ? 1 : 0));
        instruction.Displacement = address.Displacement;
        if (address.MayFault)
        {
            instruction.Flags |= MachineFlags.MayFault;
            _machine.Sources[_open] = address.WasmOffset;
        }

        if (address.Base >= 0)
        {
            Add(address.Base, OperandKind.Use);
        }

        if (address.Index >= 0)
        {
            Add(address.Index, OperandKind.Use);
        }
    }

    private struct Address
    {
        public X64AddressKind Kind;
        public int Base;
        public int Index;
        public int Scale;
        public int Displacement;
        public int WasmOffset;
        public bool MayFault;

        public static Address Of(X64AddressKind kind, int displacement)
            => new() { Kind = kind, Base = -1, Index = -1, Displacement = displacement };
    }

    private struct Source
    {
        public bool IsMemory;
        public int Virtual;
        public Address Address;
    }

    // ---- Values

    private static MachineType TypeOf(IrType type) => type switch
    {
        IrType.I32 => MachineType.I32,
        IrType.F32 => MachineType.F32,
        IrType.F64 => MachineType.F64,
        IrType.V128 => MachineType.V128,
        _ => MachineType.I64,
    };

    private static int WidthOf(IrType type) => type is IrType.I32 or IrType.F32 ? 4 : type == IrType.V128 ? 16 : 8;

    // The value that a value is the same register as.
    private int Resolve(int value)
    {
        while (true)
        {
            ref var instruction = ref _ir.Get(value);
            switch (instruction.Opcode)
            {
                case IrOpcode.ExtendUnsigned:
                    value = instruction.A;
                    continue;
                case IrOpcode.Wrap when IsZeroExtended(instruction.A):
                    value = instruction.A;
                    continue;
                case IrOpcode.Bitcast when instruction.Type is IrType.I64 or IrType.Ref && _ir.TypeOf(instruction.A) is IrType.I64 or IrType.Ref:
                    value = instruction.A;
                    continue;
                default:
                    return value;
            }
        }
    }

    // Whether the upper half of an i64 is known to be zero.
    private bool IsZeroExtended(int value)
    {
        ref var instruction = ref _ir.Get(value);
        return instruction.Opcode switch
        {
            IrOpcode.ExtendUnsigned => true,
            IrOpcode.ShiftRightUnsigned => _ir.IsConstant(instruction.B, out var count) && (count & 63) >= 32,
            IrOpcode.And => _ir.IsConstant(instruction.B, out var mask) && mask <= uint.MaxValue,
            IrOpcode.Load or IrOpcode.LoadVm => instruction.Access.WidthLog2 <= 2 && !instruction.Access.Signed,
            _ => false,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Use(int value)
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

    // For operations that read the low 32 bits.
    private int UseLow(int value)
    {
        while (true)
        {
            value = Resolve(value);
            ref var instruction = ref _ir.Get(value);
            if (instruction.Opcode is not (IrOpcode.Wrap or IrOpcode.ExtendSigned))
            {
                return Use(value);
            }

            value = instruction.A;
        }
    }

    private int UseWidth(int value, int width) => width <= 4 ? UseLow(value) : Use(value);

    // Like UseLow, and masks that keep the low bits are left out too. For shift counts and narrow stores.
    private int UseLowBits(int value, int bits)
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
                value = instruction.A;
                continue;
            }

            return Use(value);
        }
    }

    private bool IsLowMask(in IrInstruction instruction, ulong mask)
        => instruction.Opcode == IrOpcode.And && _ir.IsConstant(instruction.B, out var kept) && (kept & mask) == mask;

    private int Definition(int instruction)
    {
        var v = _virtual[instruction];
        return v >= 0 ? v : _machine.NewVirtualRegister(TypeOf(_ir.TypeOf(instruction)));
    }

    // Whether a value has uses that were lowered already, so that it lives on after the root.
    private bool LivesOn(int value) => _virtual[Resolve(value)] >= 0;

    private bool IsImmediate(int value, out int immediate)
    {
        ref var instruction = ref _ir.Get(value);
        immediate = 0;
        if (instruction.Opcode != IrOpcode.Constant || instruction.Type == IrType.V128)
        {
            return false;
        }

        var bits = (long)instruction.Bits;
        if (instruction.Type is IrType.I32 or IrType.F32)
        {
            immediate = (int)bits;
            return true;
        }

        immediate = (int)bits;
        return immediate == bits;
    }

    // Whether a value may be computed within the root: it has no other use, and is not yet asked for.
    private bool IsMergeable(int value) => _useCount[value] == 1 && _virtual[value] < 0 && !_merged[value] && _ir.Links[value].Block == _rootBlock;

    // A source of an operation of a width: a load merged into it, or a register or slot.
    private Source SourceOf(int value, int width)
    {
        if (TryMergeLoad(value, width, out var address))
        {
            return new Source { IsMemory = true, Address = address };
        }

        return new Source { Virtual = UseWidth(value, width) };
    }

    private bool CanMergeLoad(int value, int width)
    {
        ref var instruction = ref _ir.Get(value);
        if (instruction.Opcode is not (IrOpcode.Load or IrOpcode.LoadVm) || !IsMergeable(value) || instruction.Access.Width != width)
        {
            return false;
        }

        return instruction.Region == AliasRegion.ReadOnly
            || (instruction.Opcode == IrOpcode.Load && instruction.Access.MayFault
                ? _effects[value] + 1 == _effects[_root] || _root == value
                : _writes[value] == _writes[_root]);
    }

    private bool TryMergeLoad(int value, int width, out Address address)
    {
        if (!CanMergeLoad(value, width))
        {
            address = default;
            return false;
        }

        _merged[value] = true;
        address = AddressOf(ref _ir.Get(value), value);
        return true;
    }
}

// From allocated machine instructions to bytes: prologue, operands, moves. The instructions are in the partial files; what is shared with other targets (order of
// blocks, frame, moves between instructions) is in Machine/. Code that is rarely run (trap calls, slow paths) is emitted after all blocks.
//
// rsp moves only in the prologue, in epilogues and between the pushes of stack arguments and their call; `_pushed` counts the latter.
//
// Invariant: no move touches the flags, since moves may stand between an instruction that sets them and one that reads them.
using System.Diagnostics;
using System.Numerics;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;


/// <summary>Emitter of machine code. One object serves one thread and is reused.</summary>
internal sealed partial class X64Emitter(CpuFeatures features) : CodeEmitter(X64Registers.File, InnerLoopAlignment, OuterLoopAlignment)
{
    /// <summary>Symbols of the assembler hold their kind above this bit.</summary>
    public const int SymbolKindShift = 24;

    private const int InnerLoopAlignment = 32;
    private const int OuterLoopAlignment = 16;
    private const int UncheckedLeafFrame = 256;
    private const int UncheckedFrame = 4096;
    private const Gpr VmContext = (Gpr)CallConvention.VmContextRegister;
    private const Xmm Scratch = Xmm.Xmm15;

    private readonly X64Assembler _asm = new(features);
    private GrowableArray<Cold> _cold = new(64);
    private GrowableArray<Relocation> _typeRelocations = new(8);
    private GrowableArray<int> _switchTables = new(128);
    private Label[] _tableLabels = new Label[64];

    private int _pushed;
    private int _flagsRegister;
    private int _flagsWidth;
    private int _setRegister;
    private int _setCondition;

    private enum ColdKind : byte
    {
        Trap,
        CallBuiltin,
        Collect,
        MarkCard,
        MinMax,
        Unsigned64ToFloat,
        Truncate,
        TruncateBig,
    }

    // Something to be emitted after all blocks.
    private struct Cold
    {
        public ColdKind Kind;
        public bool InPrologue;
        public Label Start;
        public Label Return;
        public int Instruction;
        public int Argument;
        public int Source;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Code => _asm.Code;

    private protected override void BeginFunction()
    {
        _asm.Reset();
        _cold.Clear();
        _typeRelocations.Clear();
        _switchTables.Fill(_machine.Blocks.Count, 0);
        _pushed = 0;
    }

    private protected override Label NewLabels(int count) => _asm.NewLabels(count);

    private protected override int Offset => _asm.Offset;

    private protected override void Bind(Label label) => _asm.Bind(label);

    private protected override void Align(int alignment, int most) => _asm.Align(alignment, most);

    private protected override void Align(int alignment) => _asm.Align(alignment);

    private protected override int MapOffset(int offset) => _asm.MapOffset(offset);

    private protected override int OffsetOf(Label label) => _asm.OffsetOf(label);

    /// <inheritdoc/>
    public override byte SavedRegisters => SavedRegisterSet.Of(_frame.Saved, _machine.SavesVmContext);

    private protected override void FinishFunction()
    {
        EmitCold();
        _asm.Finish();
        foreach (ref var relocation in _typeRelocations.Span)
        {
            relocation = relocation with { Offset = _asm.MapOffset(relocation.Offset) };
        }
    }

    /// <inheritdoc/>
    public override void CopyRelocations(ref GrowableArray<Relocation> target)
    {
        var type = 0;
        foreach (ref readonly var relocation in _asm.Relocations)
        {
            while (type < _typeRelocations.Count && _typeRelocations[type].Offset < relocation.Offset)
            {
                target.Add(_typeRelocations[type++]);
            }

            target.Add(new Relocation(
                relocation.Offset, (SymbolKind)(relocation.Symbol >> SymbolKindShift), relocation.Symbol & ((1 << SymbolKindShift) - 1)));
        }

        while (type < _typeRelocations.Count)
        {
            target.Add(_typeRelocations[type++]);
        }
    }

    private static int Symbol(SymbolKind kind, int target) => ((int)kind << SymbolKindShift) | target;

    private protected override void EmitPrologue()
    {
        var frame = FrameSize;
        if (_machine.HasCalls || frame >= UncheckedLeafFrame)
        {
            var label = _asm.NewLabel();
            if (frame >= UncheckedFrame)
            {
                _asm.Lea(OperandSize.S64, Gpr.R11, new Mem(Gpr.Rsp, -frame));
                _asm.Cmp(OperandSize.S64, Gpr.R11, new Mem(VmContext, VmContextHeader.StackLimit));
            }
            else
            {
                _asm.Cmp(OperandSize.S64, Gpr.Rsp, new Mem(VmContext, VmContextHeader.StackLimit));
            }

            _asm.Jcc(Condition.Below, label);
            _cold.Add(new Cold
            {
                Kind = ColdKind.Trap,
                Start = label,
                Argument = (int)TrapCode.StackOverflow,
                Source = _machine.Blocks[0].Source,
                InPrologue = true,
            });
        }

        for (var set = _frame.Saved; set != 0; set &= set - 1)
        {
            _asm.Push((Gpr)BitOperations.TrailingZeroCount(set));
        }

        if (_frame.LocalBytes != 0)
        {
            _asm.Sub(OperandSize.S64, Gpr.Rsp, _frame.LocalBytes);
        }

        if (_machine.SavesVmContext)
        {
            _asm.Mov(OperandSize.S64, new Mem(Gpr.Rsp, _frame.ContextOffset), VmContext);
        }
    }

    private void EmitRestore()
    {
        if (_frame.LocalBytes != 0)
        {
            _asm.Add(OperandSize.S64, Gpr.Rsp, _frame.LocalBytes);
        }

        for (var set = _frame.Saved; set != 0;)
        {
            var r = 63 - BitOperations.LeadingZeroCount(set);
            _asm.Pop((Gpr)r);
            set &= ~(1UL << r);
        }
    }

    // Nothing is known of the flags and registers at a block's start.
    private protected override void BeginBlock()
    {
        _flagsRegister = -1;
        _setRegister = -1;
    }

    // ---- Operands

    private Gpr G(in MachineInstruction instruction, int k)
    {
        var location = At(instruction, k);
        Debug.Assert(location.IsRegister && location.Value < RegisterFile.FirstVector, "an integer register");
        return (Gpr)location.Value;
    }

    private Xmm X(in MachineInstruction instruction, int k)
    {
        var location = At(instruction, k);
        Debug.Assert(location.IsRegister && location.Value >= RegisterFile.FirstVector, "a vector register");
        return (Xmm)(location.Value - RegisterFile.FirstVector);
    }

    private static OperandSize Size(int width) => (OperandSize)BitOperations.Log2((uint)width);

    private Mem SlotOf(Location location) => new(Gpr.Rsp, 8 * location.Payload + _pushed);

    // The last source: true and an address, or false and operand k is a register. An address that may fault is made a trap site by the caller
    // right before the instruction that uses it.
    private bool IsMemory(in MachineInstruction instruction, int k, out Mem mem)
    {
        if ((instruction.Address >> 4) != 0)
        {
            mem = AddressOf(instruction, k);
            return true;
        }

        var location = At(instruction, k);
        if (location.IsSlot)
        {
            mem = SlotOf(location);
            return true;
        }

        if (location.IsRematerialised)
        {
            ref var definition = ref _machine.Instructions[_definitions[location.Payload]];
            mem = (X64Opcode)definition.Opcode == X64Opcode.LoadFloatConstant ? ConstantOf(definition.Immediate, definition.Width) : AddressOf(definition, 1);
            return true;
        }

        mem = default;
        return false;
    }

    private Mem ConstantOf(int index, int width) => width switch
    {
        4 => _asm.Constant4((uint)_machine.Constants[index]),
        8 => _asm.Constant8(_machine.Constants[index]),
        _ => _asm.Constant16(_machine.Constants[index], _machine.Constants[index + 1]),
    };

    private Mem AddressOf(in MachineInstruction instruction, int k)
    {
        var displacement = instruction.Displacement;
        var scale = (instruction.Address >> 2) & 3;
        switch ((X64AddressKind)(instruction.Address >> 4))
        {
            case X64AddressKind.VmContext:
                return (instruction.Address & 2) != 0 ? new Mem(VmContext, G(instruction, k), scale, displacement) : new Mem(VmContext, displacement);
            case X64AddressKind.ResultBuffer:
                return new Mem(Gpr.Rsp, _frame.ResultOffset + displacement + _pushed);
            case X64AddressKind.Incoming:
                return new Mem(Gpr.Rsp, FrameSize + 8 + displacement + _pushed);
            case X64AddressKind.Constant:
                return ConstantOf(displacement, 4 << scale);
            default:
                break;
        }

        if ((instruction.Address & 2) == 0)
        {
            return (instruction.Address & 1) != 0 ? new Mem(G(instruction, k), displacement) : Mem.Absolute(displacement);
        }

        if ((instruction.Address & 1) == 0)
        {
            return Mem.Indexed(G(instruction, k), scale, displacement);
        }

        var @base = G(instruction, k);
        var index = G(instruction, k + 1);

        // As bases rbp and r13 need a displacement.
        return scale == 0 && displacement == 0 && @base is Gpr.Rbp or Gpr.R13 && index is not (Gpr.Rbp or Gpr.R13)
            ? new Mem(index, @base)
            : new Mem(@base, index, scale, displacement);
    }

    // Says that the next instruction may fault in memory.
    private void Site(int i, in MachineInstruction instruction)
    {
        if ((instruction.Flags & MachineFlags.MayFault) != 0)
        {
            var code = (instruction.Flags & MachineFlags.NullCheck) != 0 ? TrapCode.NullReference : TrapCode.MemoryOutOfBounds;
            _trapSites.Add(new TrapSite(_asm.Offset, code, _machine.Sources[i]));
        }
    }

    // ---- Moves

    private protected override void BeforeMove(in AllocatedMove move)
    {
        _setRegister = -1;
        if (move.To.IsRegister && move.To.Value == _flagsRegister)
        {
            _flagsRegister = -1;
        }
    }

    private protected override void EmitExchange(Location one, Location other)
    {
        _flagsRegister = -1;
        _asm.Xchg(OperandSize.S64, (Gpr)one.Value, (Gpr)other.Value);
    }

    private protected override void EmitSlotMove(Location to, Location from, MachineType type)
    {
        // push reads before rsp moves, pop writes after: both offsets count from the same rsp.
        _asm.Push(SlotOf(from));
        _asm.Pop(SlotOf(to));
        if (type == MachineType.V128)
        {
            _asm.Push(SlotOf(from).Plus(8));
            _asm.Pop(SlotOf(to).Plus(8));
        }
    }

    private protected override void EmitReload(Location to, Location from, MachineType type)
    {
        var slot = SlotOf(from);
        if (to.Value < RegisterFile.FirstVector)
        {
            _asm.Mov(type == MachineType.I32 ? OperandSize.S32 : OperandSize.S64, (Gpr)to.Value, slot);
            return;
        }

        var op = type switch
        {
            MachineType.V128 => SseOp.Movups,
            MachineType.F32 => SseOp.MovssLoad,
            _ => SseOp.MovsdLoad,
        };
        _asm.Vec(op, (Xmm)(to.Value - RegisterFile.FirstVector), slot);
    }

    private protected override void EmitSpill(Location to, Location from, MachineType type)
    {
        var slot = SlotOf(to);
        if (from.Value < RegisterFile.FirstVector)
        {
            _asm.Mov(OperandSize.S64, slot, (Gpr)from.Value);
            return;
        }

        var op = type switch
        {
            MachineType.V128 => SseOp.MovupsStore,
            MachineType.F32 => SseOp.MovssStore,
            _ => SseOp.MovsdStore,
        };
        _asm.Vec(op, slot, (Xmm)(from.Value - RegisterFile.FirstVector));
    }

    private protected override void EmitRegisterMove(Location to, Location from, MachineType type)
    {
        var toVector = to.Value >= RegisterFile.FirstVector;
        var fromVector = from.Value >= RegisterFile.FirstVector;
        if (toVector && fromVector)
        {
            _asm.MovXmm((Xmm)(to.Value - RegisterFile.FirstVector), (Xmm)(from.Value - RegisterFile.FirstVector));
        }
        else if (toVector)
        {
            _asm.Vec(SseOp.Movq, (Xmm)(to.Value - RegisterFile.FirstVector), (Gpr)from.Value);
        }
        else if (fromVector)
        {
            _asm.Vec(SseOp.MovqToGpr, (Gpr)to.Value, (Xmm)(from.Value - RegisterFile.FirstVector));
        }
        else
        {
            _asm.Mov(type == MachineType.I32 ? OperandSize.S32 : OperandSize.S64, (Gpr)to.Value, (Gpr)from.Value);
        }
    }

    private void EmitConstantTo(Gpr register, ulong value, bool flagsLive)
    {
        if (value == 0 && !flagsLive)
        {
            _asm.Zero(register);
            _flagsRegister = -1;
        }
        else
        {
            _asm.MovImm(register, (long)value);
        }
    }

    private protected override void EmitRematerialised(int definition, Location to, bool flagsLive)
    {
        ref var instruction = ref _machine.Instructions[definition];
        switch ((X64Opcode)instruction.Opcode)
        {
            case X64Opcode.LoadConstant:
                var value = _machine.Constants[instruction.Immediate];
                if (to.IsRegister)
                {
                    EmitConstantTo((Gpr)to.Value, value, flagsLive);
                }
                else if ((long)value == (int)value)
                {
                    _asm.MovImm(OperandSize.S64, SlotOf(to), (int)value);
                }
                else
                {
                    _asm.MovImm(OperandSize.S32, SlotOf(to), (int)value);
                    _asm.MovImm(OperandSize.S32, SlotOf(to).Plus(4), (int)(value >> 32));
                }

                break;
            case X64Opcode.LoadTypeId:
                if (to.IsRegister)
                {
                    _asm.MovImm32((Gpr)to.Value, 0);
                    AddTypeRelocation(instruction.Aux);
                }
                else
                {
                    _asm.MovImm(OperandSize.S32, SlotOf(to), 0);
                    AddTypeRelocation(instruction.Aux);
                    _asm.MovImm(OperandSize.S32, SlotOf(to).Plus(4), 0);
                }

                break;
            case X64Opcode.Lea:
                // The VM context itself; with a displacement it is not rematerialised.
                if (to.IsRegister)
                {
                    _asm.Mov(OperandSize.S64, (Gpr)to.Value, VmContext);
                }
                else
                {
                    _asm.Mov(OperandSize.S64, SlotOf(to), VmContext);
                }

                break;
            case X64Opcode.LoadFloatConstant:
                EmitFloatConstant(instruction, to);
                break;
            case X64Opcode.LoadVector:
                EmitVectorLoad(instruction.Width, to, AddressOf(instruction, 1));
                break;
            default:
                if (to.IsRegister)
                {
                    EmitIntegerLoad(instruction, (Gpr)to.Value, AddressOf(instruction, 1));
                }
                else
                {
                    // Zero-extended, which is all that is marked as repeatable with a width below 8.
                    _asm.Vec(instruction.Width == 8 ? SseOp.MovqXmm : SseOp.MovssLoad, Scratch, AddressOf(instruction, 1));
                    _asm.Vec(SseOp.MovqStore, SlotOf(to), Scratch);
                }

                break;
        }
    }

    private void AddTypeRelocation(int type) => _typeRelocations.Add(new Relocation(_asm.Offset - 4, SymbolKind.TypeId, type));

    private void EmitFloatConstant(in MachineInstruction instruction, Location to)
    {
        var isZero = _machine.Constants[instruction.Immediate] == 0 && (instruction.Width < 16 || _machine.Constants[instruction.Immediate + 1] == 0);
        if (isZero && to.IsRegister)
        {
            _asm.ZeroXmm((Xmm)(to.Value - RegisterFile.FirstVector));
        }
        else if (instruction.Width == 16 && to.IsRegister && (_machine.Constants[instruction.Immediate] & _machine.Constants[instruction.Immediate + 1]) == ulong.MaxValue)
        {
            // What is equal to itself, whatever it is.
            var ones = (Xmm)(to.Value - RegisterFile.FirstVector);
            _asm.Vec(SseOp.Pcmpeqd, ones, ones);
        }
        else
        {
            EmitVectorLoad(instruction.Width, to, ConstantOf(instruction.Immediate, instruction.Width));
        }
    }

    private void EmitVectorLoad(int width, Location to, Mem mem)
    {
        var op = width switch { 4 => SseOp.MovssLoad, 8 => SseOp.MovsdLoad, _ => SseOp.Movups };
        if (to.IsRegister)
        {
            _asm.Vec(op, (Xmm)(to.Value - RegisterFile.FirstVector), mem);
            return;
        }

        _asm.Vec(op, Scratch, mem);
        _asm.Vec(width switch { 4 => SseOp.MovssStore, 8 => SseOp.MovsdStore, _ => SseOp.MovupsStore }, SlotOf(to), Scratch);
    }
}

// From allocated machine instructions to words of register code:
//
//   byte  0        2     4     6     8                       16
//        +--------+-----+-----+-----+-----------+-----------+
//        | opcode |  A  |  B  |  C  |    Low    |   High    |     Low and High together: a constant of 64 bits
//        +--------+-----+-----+-----+-----------+-----------+     of four operands the last is in the upper half of High
//
// A, B, C are words of the frame, definitions first. Branches have their distance, in bytes from the word itself, in Low. Behind a call come its arguments (two halves each: where from, where
// to), then, where it returns to, its results; behind a return its values; behind a switch its distances: each list is padded to whole words.
//
// Trap sites are 16 bytes behind the start of their word, and a second one of the same word is at 17: see Interpreter.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.Portable;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Op = Tarn.Compiler.Targets.Portable.PortableOpcode;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>Emitter of register code. One object serves one thread and is reused.</summary>
internal sealed class PortableEmitter() : CodeEmitter(PortableRegisters.File, PortableTarget.WordBytes, PortableTarget.WordBytes)
{
    // The halves of words, as they are in memory.
    private GrowableArray<ulong> _words = new(1024);
    private GrowableArray<int> _labels = new(256);
    private GrowableArray<(int Place, int From, Label Target)> _branches = new(256);
    private GrowableArray<Relocation> _relocations = new(64);
    private GrowableArray<ushort> _list = new(64);
    private int _registerWords;

    // Where a move was emitted last that nothing leads past: the next one may join it, and a jump.
    private int _lastMove;

    // The bounds check that the next instruction does along with its access, or −1.
    private int _check;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Code => MemoryMarshal.AsBytes<ulong>(_words.Span);

    /// <inheritdoc/>
    public override byte SavedRegisters => 0;

    /// <inheritdoc/>
    public override int FrameSize => FrameLayout.SlotBytes * FrameWords;

    private int ResultWord => _registerWords + _allocation.SlotCount;

    private int FrameWords => ResultWord + (_machine.ResultBufferBytes / FrameLayout.SlotBytes);

    private protected override int Offset => sizeof(ulong) * _words.Count;

    private protected override void BeginFunction()
    {
        _words.Clear();
        _labels.Clear();
        _branches.Clear();
        _relocations.Clear();
        _lastMove = -1;
        _check = -1;

        // The scratch register belongs to the vector registers, and some move may use it where no other is used.
        var used = _allocation.UsedRegisters;
        var words = used >> RegisterFile.FirstVector != 0 ? PortableConvention.WordOf(63 - System.Numerics.BitOperations.LeadingZeroCount(used)) + 2
            : 64 - System.Numerics.BitOperations.LeadingZeroCount(used);
        _registerWords = Math.Max(words, _machine.ParameterBytes / FrameLayout.SlotBytes);
        if (FrameWords + PortableConvention.LinkageWords + (_machine.IncomingBytes / FrameLayout.SlotBytes) > PortableConvention.LargestWord)
        {
            throw new FunctionTooComplexException(
                _machine.FunctionIndex, 0, string.Create(CultureInfo.InvariantCulture, $"a frame of {FrameWords} words, of which register code can name {PortableConvention.LargestWord}"));
        }
    }

    private protected override Label NewLabels(int count)
    {
        var first = _labels.Count;
        for (var k = 0; k < count; k++)
        {
            _labels.Add(-1);
        }

        return new Label(first);
    }

    private protected override void Bind(Label label)
    {
        _labels[label.Id] = Offset;
        _lastMove = -1;
    }

    private protected override void Align(int alignment, int most)
    {
    }

    private protected override void Align(int alignment)
    {
    }

    private protected override int MapOffset(int offset) => offset;

    private protected override int OffsetOf(Label label) => _labels[label.Id];

    private protected override int PlaceOf(Location place) => Word(place);

    private protected override void FinishFunction()
    {
        foreach (ref var branch in _branches.Span)
        {
            var distance = (uint)(_labels[branch.Target.Id] - branch.From);
            ref var place = ref _words[branch.Place / sizeof(ulong)];
            place = branch.Place % sizeof(ulong) == 0 ? (place & 0xFFFF_FFFF_0000_0000) | distance : (place & 0xFFFF_FFFF) | ((ulong)distance << 32);
        }
    }

    /// <inheritdoc/>
    public override void CopyRelocations(ref GrowableArray<Relocation> target) => target.AddRange(_relocations.Span);

    private protected override void EmitPrologue()
    {
        Emit(Op.Enter, FrameWords, _machine.IncomingBytes / FrameLayout.SlotBytes);
        _trapSites.Add(new TrapSite(Offset, TrapCode.StackOverflow, _machine.Blocks[0].Source, InPrologue: true));
    }

    private protected override void BeginBlock()
    {
    }

    private protected override void BeforeMove(in AllocatedMove move)
    {
    }

    // ---- Words

    private int Word(Location location)
    {
        Debug.Assert(location.IsRegister || location.IsSlot, "a place in the frame");
        return location.IsSlot ? _registerWords + location.Payload : PortableConvention.WordOf(location.Value);
    }

    private int Word(in MachineInstruction instruction, int k) => Word(At(instruction, k));

    // A place in a list: 16 bytes are marked.
    private int Listed(in MachineInstruction instruction, int k)
    {
        var type = _machine.Types[_machine.Operands[instruction.OperandStart + k].VirtualRegister];
        return Word(instruction, k) | (type == MachineType.V128 ? PortableConvention.Flag : 0);
    }

    private void Emit(Op opcode, int a = 0, int b = 0, int c = 0, long immediate = 0)
    {
        _words.Add((ulong)opcode | ((ulong)(ushort)a << 16) | ((ulong)(ushort)b << 32) | ((ulong)(ushort)c << 48));
        _words.Add((ulong)immediate);
    }

    private static long Halves(int low, int high) => (uint)low | ((long)high << 32);

    private void EmitList()
    {
        while (_list.Count % 8 != 0)
        {
            _list.Add(0);
        }

        foreach (var half in MemoryMarshal.Cast<ushort, ulong>(_list.Span))
        {
            _words.Add(half);
        }

        _list.Clear();
    }

    // Low of the last word.
    private void ToLabel(Label target) => _branches.Add((Offset - sizeof(ulong), Offset - PortableTarget.WordBytes, target));

    private void AddRelocation(SymbolKind kind, int target) => _relocations.Add(new Relocation(Offset - PortableTarget.WordBytes + PortableTarget.ImmediateOffset, kind, target));

    private void AddTrap(int i, TrapCode code, bool isSecond = false) => _trapSites.Add(new TrapSite(Offset + (isSecond ? 1 : 0), code, _machine.Sources[i]));

    // ---- Moves

    private void EmitMove(Location to, Location from, MachineType type)
    {
        if (type != MachineType.V128 && _lastMove == Offset - PortableTarget.WordBytes && OpcodeAt(_lastMove) == Op.Move)
        {
            SetOpcode(_lastMove, Op.Move2);
            _words[_lastMove / sizeof(ulong)] |= (ulong)Word(to) << 48;
            _words[(_lastMove / sizeof(ulong)) + 1] |= (ulong)Word(from) << 48;
            return;
        }

        _lastMove = type != MachineType.V128 ? Offset : -1;
        Emit(type == MachineType.V128 ? Op.Move128 : Op.Move, Word(to), Word(from));
    }

    private Op OpcodeAt(int offset) => (Op)(ushort)_words[offset / sizeof(ulong)];

    private void SetOpcode(int offset, Op opcode)
    {
        ref var word = ref _words[offset / sizeof(ulong)];
        word = (word & ~0xFFFFUL) | (ulong)opcode;
    }

    private protected override void EmitExchange(Location one, Location other) => Emit(Op.Swap, Word(one), Word(other));

    private protected override void EmitSlotMove(Location to, Location from, MachineType type) => EmitMove(to, from, type);

    private protected override void EmitReload(Location to, Location from, MachineType type) => EmitMove(to, from, type);

    private protected override void EmitSpill(Location to, Location from, MachineType type) => EmitMove(to, from, type);

    private protected override void EmitRegisterMove(Location to, Location from, MachineType type) => EmitMove(to, from, type);

    private protected override void EmitRematerialised(int definition, Location to, bool flagsLive)
        => throw new InvalidOperationException("nothing is rematerialised in register code");

    // ---- Instructions

    private protected override void EmitInstruction(int i, ref MachineInstruction instruction)
    {
        var opcode = (Op)instruction.Opcode;
        switch (opcode)
        {
            case Op.Jump:
                EmitJump(EdgeTarget(0));
                break;
            case Op.JumpIf:
                EmitJumpIf(instruction);
                break;
            case Op.Switch:
                EmitSwitch(instruction);
                break;
            case Op.Return:
                EmitReturn(instruction);
                break;
            case Op.BranchOnThrow:
                AddHandler(instruction.Aux);
                EmitJump(EdgeTarget(0));
                break;
            case Op.Call or Op.CallReference or Op.CallBuiltin or Op.TailCall or Op.TailCallReference:
                EmitCall(i, instruction);
                break;
            case Op.Allocate:
                EmitOperands(opcode, instruction);
                // What the collector makes room for is tried again.
                AddCallSite(Offset, i);
                Emit(Op.Jump, immediate: Halves(-PortableTarget.WordBytes, 0));
                break;
            case Op.InterruptCheck or Op.FuelCheck or Op.FuelCharge:
                EmitOperands(opcode, instruction);
                AddCallSite(Offset, i);
                break;
            case Op.LoadResult:
                var isWide = _machine.Types[_machine.Operands[instruction.OperandStart].VirtualRegister] == MachineType.V128;
                Emit(isWide ? Op.Move128 : Op.Move, Word(instruction, 0), ResultWord + instruction.Immediate);
                break;
            case Op.LoadIncoming:
                var isVector = _machine.Types[_machine.Operands[instruction.OperandStart].VirtualRegister] == MachineType.V128;
                Emit(isVector ? Op.Move128 : Op.Move, Word(instruction, 0), FrameWords + PortableConvention.LinkageWords + instruction.Immediate);
                break;
            case Op.LoadConstant128:
                Emit(opcode, Word(instruction, 0), immediate: (long)_machine.Constants[instruction.Aux]);
                Emit(Op.Label, immediate: (long)_machine.Constants[instruction.Aux + 1]);
                break;
            case Op.LoadTypeId:
                Emit(opcode, Word(instruction, 0));
                AddRelocation(SymbolKind.TypeId, instruction.Aux);
                break;
            case Op.Vector:
                EmitVector(instruction);
                break;
            case Op.BoundsCheck when CanJoin(i, instruction):
                _check = i;
                break;
            default:
                if (_check >= 0)
                {
                    EmitChecked(opcode, instruction);
                    break;
                }

                EmitOperands(opcode, instruction);
                AddTraps(i, opcode, instruction);
                break;
        }
    }

    // ---- A bounds check and the access behind it

    // The indexed form of an access that has one with a check, or null.
    private static Op? CheckedForm(Op opcode) => opcode switch
    {
        >= Op.LoadU8 and < Op.LoadV128 when (opcode - Op.LoadU8) % 3 == 1 => Op.LoadU8Checked + (ushort)((opcode - Op.LoadU8) / 3),
        >= Op.Store8 and < Op.Store128 when (opcode - Op.Store8) % 3 == 1 => Op.Store8Checked + (ushort)((opcode - Op.Store8) / 3),
        _ => null,
    };

    // Whether what is checked is the index of the next instruction, and nothing is moved in between.
    private bool CanJoin(int i, in MachineInstruction check)
    {
        ref var access = ref _machine.Instructions[i + 1];
        return CheckedForm((Op)access.Opcode) is not null
            && Word(access, 2) == Word(check, 0)
            && access.Displacement == access.Immediate >> 31
            && check.Displacement == 0 && check.Immediate is >= 0 and <= 0xFFFF
            && !HasMoves(i + 1);
    }

    private bool HasMoves(int instruction)
    {
        var low = 0;
        var high = _allocation.Moves.Count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_allocation.Moves[middle].Instruction < instruction)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < _allocation.Moves.Count && _allocation.Moves[low].Instruction == instruction;
    }

    private void EmitChecked(Op opcode, in MachineInstruction access)
    {
        ref var check = ref _machine.Instructions[_check];
        var high = check.Immediate | (Word(check, 1) << 16);
        Emit(CheckedForm(opcode)!.Value, Word(access, 0), Word(access, 1), Word(access, 2), Halves(access.Immediate, high));
        AddTrap(_check, (TrapCode)check.Aux);
        _check = -1;
    }

    private void AddTraps(int i, Op opcode, in MachineInstruction instruction)
    {
        switch (opcode)
        {
            case Op.Trap or Op.TrapIf or Op.TrapIfNot or Op.BoundsCheck or Op.NullCheck:
                AddTrap(i, (TrapCode)instruction.Aux);
                break;
            case >= Op.DivSigned32 and <= Op.RemUnsigned64:
                AddTrap(i, TrapCode.IntegerDivideByZero);
                AddTrap(i, TrapCode.IntegerOverflow, isSecond: true);
                break;
            case >= Op.TruncateF32ToSigned32 and <= Op.TruncateF64ToUnsigned64:
                AddTrap(i, TrapCode.InvalidConversionToInteger);
                AddTrap(i, TrapCode.IntegerOverflow, isSecond: true);
                break;
            default:
                break;
        }
    }

    private void EmitOperands(Op opcode, in MachineInstruction instruction)
    {
        var count = instruction.OperandCount;
        var immediate = Halves(instruction.Immediate, instruction.Displacement);
        if (count > 3)
        {
            immediate = Halves(instruction.Immediate, (instruction.Displacement & 0xFFFF) | (Word(instruction, 3) << 16));
        }

        // An allocation whose size is known has no third operand, of which the number says so.
        var third = count > 2 ? Word(instruction, 2) : opcode == Op.Allocate ? PortableConvention.Flag : 0;
        Emit(opcode, count > 0 ? Word(instruction, 0) : 0, count > 1 ? Word(instruction, 1) : 0, third, immediate);
    }

    private void EmitVector(in MachineInstruction instruction)
    {
        var third = instruction.OperandCount > 3 ? Word(instruction, 3) : 0;
        var operation = instruction.Width | (instruction.Condition << 8) | (third << 16);
        var second = instruction.OperandCount > 2 ? Word(instruction, 2) : 0;
        Emit(Op.Vector, Word(instruction, 0), Word(instruction, 1), second, Halves(operation, instruction.Immediate));
        if ((IrOpcode)instruction.Width == IrOpcode.VectorShuffle)
        {
            _words.Add(_machine.Constants[instruction.Aux]);
            _words.Add(_machine.Constants[instruction.Aux + 1]);
        }
    }

    // ---- Control

    private bool IsNext(int block) => _next >= 0 && LabelOf(block) == LabelOf(_next);

    private void EmitJump(int block)
    {
        if (!IsNext(block))
        {
            if (_lastMove >= 0 && _lastMove == Offset - PortableTarget.WordBytes)
            {
                SetOpcode(_lastMove, OpcodeAt(_lastMove) == Op.Move ? Op.MoveJump : Op.Move2Jump);
            }
            else
            {
                Emit(Op.Jump);
            }

            ToLabel(LabelOf(block));
        }
    }

    private void EmitJumpIf(in MachineInstruction instruction)
    {
        var taken = EdgeTarget(0);
        var other = EdgeTarget(1);
        int condition = instruction.Condition;
        if (IsNext(taken))
        {
            (taken, other) = (other, taken);
            condition = PortableConditions.Negate(condition);
        }

        if (LabelOf(taken) != LabelOf(other))
        {
            var second = instruction.OperandCount > 1 ? Word(instruction, 1) : 0;
            var constant = PortableConditions.HasConstant(condition) ? instruction.Immediate : 0;
            Emit(PortableConditions.BranchOf(condition), Word(instruction, 0), second, immediate: Halves(0, constant));
            ToLabel(LabelOf(taken));
        }

        EmitJump(other);
    }

    private void EmitSwitch(in MachineInstruction instruction)
    {
        var start = Offset;
        Emit(Op.Switch, Word(instruction, 0), immediate: instruction.Immediate);
        for (var k = 0; k < instruction.Immediate; k++)
        {
            if (k % 2 == 0)
            {
                _words.Add(0);
            }

            var place = start + PortableTarget.WordBytes + (k * sizeof(int));
            _branches.Add((place, start, LabelOf(EdgeTarget(_machine.SwitchTargets[instruction.Aux + k]))));
        }

        if (_words.Count % 2 != 0)
        {
            _words.Add(0);
        }
    }

    private void EmitReturn(in MachineInstruction instruction)
    {
        var count = instruction.Displacement;
        Emit(Op.Return, count, FrameWords, _machine.IncomingBytes / FrameLayout.SlotBytes);
        for (var k = 0; k < count; k++)
        {
            _list.Add((ushort)Listed(instruction, k));
        }

        EmitList();
    }

    // Operands are results, the function's record if it is one of those, arguments.
    private void EmitCall(int i, in MachineInstruction instruction)
    {
        var opcode = (Op)instruction.Opcode;
        var isTail = opcode is Op.TailCall or Op.TailCallReference;
        var results = isTail ? 0 : instruction.Immediate;
        var isReference = opcode is Op.CallReference or Op.TailCallReference;
        var inRegisters = instruction.Condition == 0 ? results : 0;
        var first = inRegisters + (isReference ? 1 : 0);
        var count = instruction.Displacement - first;
        var types = new AbiType[count];
        for (var k = 0; k < count; k++)
        {
            types[k] = AbiOf(_machine.Types[_machine.Operands[instruction.OperandStart + first + k].VirtualRegister]);
        }

        var places = new int[count];
        var above = PortableConvention.Assign(types, places, out _);
        // A tail call takes its own frame away.
        var own = isTail ? FrameWords | ((_machine.IncomingBytes / FrameLayout.SlotBytes) << 16) : 0;
        Emit(opcode, count, above, isReference ? Word(instruction, inRegisters) : 0, Halves(0, own));
        if (!isReference)
        {
            AddRelocation(opcode == Op.CallBuiltin ? SymbolKind.Builtin : SymbolKind.Function, instruction.Aux);
        }

        for (var k = 0; k < count; k++)
        {
            _list.Add((ushort)Listed(instruction, first + k));
            _list.Add((ushort)places[k]);
        }

        EmitList();
        AddCallSite(Offset, i);
        for (var k = 0; k < results; k++)
        {
            _list.Add((ushort)(inRegisters > 0 ? Word(instruction, k) : ResultWord + (2 * k)));
        }

        EmitList();
    }

    private static AbiType AbiOf(MachineType type) => type switch
    {
        MachineType.F32 => AbiType.F32,
        MachineType.F64 => AbiType.F64,
        MachineType.V128 => AbiType.V128,
        _ => AbiType.I64,
    };
}

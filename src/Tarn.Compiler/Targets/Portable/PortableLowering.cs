// Instruction selection for register code: nearly one instruction for each of the IR, with constants as immediates, comparisons merged into branches and addresses of up to two
// operands. Every operand may be in any word of the frame, so all uses are UseAny.
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Op = Tarn.Compiler.Targets.Portable.PortableOpcode;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>Instruction selection. One object serves one thread and is reused.</summary>
internal sealed partial class PortableLowering : Lowering
{
    private protected override void BeginFunction()
    {
    }

    private protected override void LowerInstruction(Value i, ref IrInstruction instruction, int block)
    {
        var is64 = instruction.Type is IrType.I64 or IrType.Ref;
        var wide = is64 ? 1 : 0;
        var isF64 = instruction.Type == IrType.F64;
        switch (instruction.Opcode)
        {
            case IrOpcode.Constant:
                LowerConstant(i, ref instruction);
                break;
            case IrOpcode.VmContext:
                Define(Op.LoadContext, i);
                break;
            case IrOpcode.TypeId:
                Define(Op.LoadTypeId, i);
                _machine.Instructions[_open].Aux = instruction.A;
                break;
            case IrOpcode.Add:
                Arithmetic(i, ref instruction, Op.Add32 + (ushort)(2 * wide));
                break;
            case IrOpcode.Sub:
                Arithmetic(i, ref instruction, Op.Sub32 + (ushort)(2 * wide));
                break;
            case IrOpcode.Mul:
                Arithmetic(i, ref instruction, Op.Mul32 + (ushort)(2 * wide));
                break;
            case IrOpcode.And:
                Arithmetic(i, ref instruction, Op.And);
                break;
            case IrOpcode.Or:
                Arithmetic(i, ref instruction, Op.Or);
                break;
            case IrOpcode.Xor:
                Arithmetic(i, ref instruction, Op.Xor);
                break;
            case >= IrOpcode.ShiftLeft and <= IrOpcode.RotateRight:
                Arithmetic(i, ref instruction, Op.ShiftLeft32 + (ushort)((4 * (instruction.Opcode - IrOpcode.ShiftLeft)) + (2 * wide)));
                break;
            case >= IrOpcode.DivSigned and <= IrOpcode.RemUnsigned:
                // In the order quotient signed, unsigned, remainder signed, unsigned: as in the IR.
                Binary(Op.DivSigned32 + (ushort)((4 * wide) + (instruction.Opcode - IrOpcode.DivSigned)), i, instruction.ValueA, instruction.ValueB);
                break;
            case IrOpcode.MulHighSigned or IrOpcode.MulHighUnsigned:
                Binary(Op.MulHighSigned32 + (ushort)((2 * wide) + (instruction.Opcode - IrOpcode.MulHighSigned)), i, instruction.ValueA, instruction.ValueB);
                break;
            case >= IrOpcode.CountLeadingZeros and <= IrOpcode.PopulationCount:
                Unary(Op.CountLeadingZeros32 + (ushort)((3 * wide) + (instruction.Opcode - IrOpcode.CountLeadingZeros)), i, instruction.ValueA);
                break;
            case IrOpcode.SignExtend8 or IrOpcode.SignExtend16:
                Unary(Op.SignExtend8To32 + (ushort)((2 * wide) + (instruction.Opcode - IrOpcode.SignExtend8)), i, instruction.ValueA);
                break;
            case IrOpcode.SignExtend32 or IrOpcode.ExtendSigned:
                Unary(Op.SignExtend32To64, i, instruction.ValueA);
                break;
            case IrOpcode.ExtendUnsigned:
                break;
            case IrOpcode.Wrap:
                if (Resolve(i) == i)
                {
                    Unary(Op.Wrap, i, instruction.ValueA);
                }

                break;
            case IrOpcode.CompareInteger:
                LowerCompare(i, ref instruction);
                break;
            case IrOpcode.CompareFloat:
                var compare = _ir.TypeOf(instruction.ValueA) == IrType.F64 ? Op.SetEqualF64 : Op.SetEqualF32;
                Binary(compare + instruction.Aux, i, instruction.ValueA, instruction.ValueB);
                break;
            case IrOpcode.Select:
                LowerSelect(i, ref instruction);
                break;
            case >= IrOpcode.FloatAdd and <= IrOpcode.FloatCopySign:
                Binary((isF64 ? Op.AddF64 : Op.AddF32) + (ushort)(instruction.Opcode - IrOpcode.FloatAdd), i, instruction.ValueA, instruction.ValueB);
                break;
            case >= IrOpcode.FloatAbs and <= IrOpcode.FloatNearest:
                Unary((isF64 ? Op.AbsF64 : Op.AbsF32) + (ushort)(instruction.Opcode - IrOpcode.FloatAbs), i, instruction.ValueA);
                break;
            case >= IrOpcode.ConvertToSigned and <= IrOpcode.SaturateToUnsigned:
                LowerToInteger(i, ref instruction, wide);
                break;
            case IrOpcode.ConvertFromSigned or IrOpcode.ConvertFromUnsigned:
                var from = isF64 ? Op.ConvertSigned32ToF64 : Op.ConvertSigned32ToF32;
                var isUnsigned = instruction.Opcode == IrOpcode.ConvertFromUnsigned ? 2 : 0;
                Unary(from + (ushort)(isUnsigned + (_ir.TypeOf(instruction.ValueA) == IrType.I64 ? 1 : 0)), i, instruction.ValueA);
                break;
            case IrOpcode.Demote:
                Unary(Op.Demote, i, instruction.ValueA);
                break;
            case IrOpcode.Promote:
                Unary(Op.Promote, i, instruction.ValueA);
                break;
            case IrOpcode.Bitcast:
                if (Resolve(i) == i)
                {
                    // The bits of an f32 above 32 are not defined.
                    Unary(instruction.Type is IrType.I32 or IrType.Managed ? Op.Wrap : Op.Move, i, instruction.ValueA);
                }

                break;
            case IrOpcode.Load or IrOpcode.LoadVm:
                LowerLoad(i, ref instruction);
                break;
            case IrOpcode.Store or IrOpcode.StoreVm:
                LowerStore(ref instruction);
                break;
            case IrOpcode.BoundsCheck:
                Effect(Op.BoundsCheck, instruction.ValueA, instruction.ValueB);
                SetImmediate((uint)instruction.D);
                _machine.Instructions[_open].Aux = instruction.Aux;
                break;
            case >= IrOpcode.AtomicLoad and <= IrOpcode.AtomicFence:
                LowerAtomic(i, ref instruction);
                break;
            case IrOpcode.Allocate:
                LowerAllocate(i, ref instruction);
                break;
            case IrOpcode.ElementOffset:
                Binary(Op.ElementOffset, i, instruction.ValueA, instruction.ValueB);
                SetImmediate(instruction.Access.ScaleLog2);
                break;
            case IrOpcode.WriteBarrier:
                Effect(Op.WriteBarrier, instruction.ValueA, instruction.ValueB);
                SetImmediate((uint)instruction.D);
                break;
            case IrOpcode.TrapIf or IrOpcode.TrapIfNot:
                var condition = Use(instruction.ValueA);
                Begin(instruction.Opcode == IrOpcode.TrapIf ? Op.TrapIf : Op.TrapIfNot, aux: instruction.Aux);
                Add(condition, OperandKind.UseAny);
                break;
            case IrOpcode.InterruptCheck:
                if (!IsCheckSuperfluous)
                {
                    Begin(Op.InterruptCheck);
                }

                break;
            case IrOpcode.FuelCheck:
                var record = Use(instruction.ValueA);
                Begin(Op.FuelCheck);
                Add(record, OperandKind.UseAny);
                SetImmediate((uint)instruction.D);
                break;
            case IrOpcode.FuelCharge:
                Effect(Op.FuelCharge, instruction.ValueA, instruction.ValueB);
                break;
            case IrOpcode.Call or IrOpcode.CallReference or IrOpcode.CallBuiltin:
                LowerCall(i, ref instruction);
                break;
            case IrOpcode.Jump:
                AddSuccessor(new(instruction.A));
                Begin(Op.Jump);
                break;
            case IrOpcode.BranchIf:
                if (AddSuccessor(new(instruction.B)) == AddSuccessor(new(instruction.C)))
                {
                    Begin(Op.Jump);
                    break;
                }

                LowerBranch(instruction.ValueA);
                break;
            case IrOpcode.BranchOnThrow:
                AddSuccessor(new(instruction.B));
                AddSuccessor(new(instruction.C));
                Begin(Op.BranchOnThrow, aux: instruction.D);
                break;
            case IrOpcode.Switch:
                if (AddSwitchEdges(instruction, block, out var start) == 1)
                {
                    Begin(Op.Jump);
                    break;
                }

                var index = Use(instruction.ValueA);
                Begin(Op.Switch, aux: start);
                _machine.Instructions[_open].Immediate = instruction.C;
                Add(index, OperandKind.UseAny);
                break;
            case IrOpcode.Return:
                Begin(Op.Return);
                AddList(_ir.PoolOf(i));
                break;
            case IrOpcode.TailCall or IrOpcode.TailCallReference:
                LowerTailCall(i, ref instruction);
                break;
            case IrOpcode.Trap:
                Begin(Op.Trap, aux: instruction.Aux);
                break;
            case >= IrOpcode.VectorShuffle and <= IrOpcode.VectorPromote:
                LowerVector(i, ref instruction);
                break;
            default:
                throw new NotSupportedException($"The portable target does not know the IR instruction {instruction.Opcode} yet.");
        }
    }

    // ---- Building instructions

    private void Begin(Op opcode, int condition = 0, int aux = 0) => Begin((ushort)opcode, 0, condition, 0, aux);

    private void SetImmediate(long value)
    {
        _machine.Instructions[_open].Immediate = (int)value;
        _machine.Instructions[_open].Displacement = (int)(value >> 32);
    }

    private void Define(Op opcode, Value i)
    {
        var definition = Definition(i);
        Begin(opcode);
        Add(definition, OperandKind.Def);
    }

    private void Unary(Op opcode, Value i, Value a)
    {
        var v = Use(a);
        Define(opcode, i);
        Add(v, OperandKind.UseAny);
    }

    private void Binary(Op opcode, Value i, Value a, Value b)
    {
        var v = Use(a);
        var w = Use(b);
        Define(opcode, i);
        Add(v, OperandKind.UseAny);
        Add(w, OperandKind.UseAny);
    }

    private void Effect(Op opcode, Value a, Value b)
    {
        var v = Use(a);
        var w = Use(b);
        Begin(opcode);
        Add(v, OperandKind.UseAny);
        Add(w, OperandKind.UseAny);
    }

    // An operation whose form with a constant has the next number.
    private void Arithmetic(Value i, ref IrInstruction instruction, Op opcode)
    {
        if (!_ir.IsConstant(instruction.ValueB, out var bits))
        {
            Binary(opcode, i, instruction.ValueA, instruction.ValueB);
            return;
        }

        Unary(opcode + 1, i, instruction.ValueA);
        SetImmediate((long)bits);
    }

    private void LowerConstant(Value i, ref IrInstruction instruction)
    {
        if (instruction.Type == IrType.V128)
        {
            Define(Op.LoadConstant128, i);
            var bits = _ir.Vectors[instruction.A];
            _machine.Instructions[_open].Aux = _machine.Constants.Add((ulong)bits);
            _machine.Constants.Add((ulong)(bits >> 64));
            return;
        }

        Define(Op.LoadConstant, i);
        SetImmediate((long)instruction.Bits);
    }

    // Whether the second operand of a comparison fits the immediate of a branch.
    private bool IsSmallConstant(Value value, int kind, out long constant)
    {
        var isConstant = _ir.IsConstant(Resolve(value), out var bits);
        constant = PortableConditions.Is32(kind) ? (int)bits : (long)bits;
        return isConstant && constant == (int)constant;
    }

    private void LowerCompare(Value i, ref IrInstruction instruction)
    {
        var kind = PortableConditions.KindOf(instruction.IntegerCondition, _ir.TypeOf(instruction.ValueA) is IrType.I32 or IrType.Managed);
        if (IsSmallConstant(instruction.ValueB, kind, out var constant))
        {
            Unary(PortableConditions.SetOf(kind, isConstant: true), i, instruction.ValueA);
            SetImmediate(constant);
            return;
        }

        Binary(PortableConditions.SetOf(kind, isConstant: false), i, instruction.ValueA, instruction.ValueB);
    }

    private void LowerBranch(Value value)
    {
        value = Resolve(value);
        ref var compare = ref _ir.Get(value);
        if (compare.Opcode != IrOpcode.CompareInteger || !IsMergeable(value))
        {
            var v = Use(value);
            Begin(Op.JumpIf, PortableConditions.NonZero);
            Add(v, OperandKind.UseAny);
            return;
        }

        _merged[value] = true;
        var kind = PortableConditions.KindOf(compare.IntegerCondition, _ir.TypeOf(compare.ValueA) is IrType.I32 or IrType.Managed);
        var a = Use(compare.ValueA);
        var isConstant = IsSmallConstant(compare.ValueB, kind, out var constant);
        var b = isConstant ? VReg.None : Use(compare.ValueB);
        Begin(Op.JumpIf, PortableConditions.Of(kind, isConstant));
        Add(a, OperandKind.UseAny);
        if (isConstant)
        {
            _machine.Instructions[_open].Immediate = (int)constant;
        }
        else
        {
            Add(b, OperandKind.UseAny);
        }
    }

    private void LowerSelect(Value i, ref IrInstruction instruction)
    {
        var condition = Use(instruction.ValueA);
        var b = Use(instruction.ValueB);
        var c = Use(instruction.ValueC);
        Define(instruction.Type == IrType.V128 ? Op.Select128 : Op.Select, i);
        Add(condition, OperandKind.UseAny);
        Add(b, OperandKind.UseAny);
        Add(c, OperandKind.UseAny);
    }

    private void LowerToInteger(Value i, ref IrInstruction instruction, int wide)
    {
        var saturates = instruction.Opcode is IrOpcode.SaturateToSigned or IrOpcode.SaturateToUnsigned;
        var isUnsigned = instruction.Opcode is IrOpcode.ConvertToUnsigned or IrOpcode.SaturateToUnsigned;
        var first = saturates ? Op.SaturateF32ToSigned32 : Op.TruncateF32ToSigned32;
        Unary(first + (ushort)((_ir.TypeOf(instruction.ValueA) == IrType.F64 ? 4 : 0) + (isUnsigned ? 2 : 0) + wide), i, instruction.ValueA);
    }

    // The whole of the IR's operation is in the immediate: opcode, aux, third operand (by the emitter), D.
    private void LowerVector(Value i, ref IrInstruction instruction)
    {
        var a = Use(instruction.ValueA);
        var mask = IrOpcodeInfo.ValueMask(instruction.Opcode);
        var b = (mask & 2) != 0 ? Use(instruction.ValueB) : VReg.None;
        var c = (mask & 4) != 0 ? Use(instruction.ValueC) : VReg.None;
        Define(Op.Vector, i);
        _machine.Instructions[_open].Condition = instruction.Aux;
        _machine.Instructions[_open].Width = (byte)instruction.Opcode;
        if (instruction.Opcode == IrOpcode.VectorShuffle)
        {
            var bytes = _ir.Vectors[instruction.D];
            _machine.Instructions[_open].Aux = _machine.Constants.Add((ulong)bytes);
            _machine.Constants.Add((ulong)(bytes >> 64));
        }
        else
        {
            _machine.Instructions[_open].Immediate = instruction.D;
        }

        Add(a, OperandKind.UseAny);
        if (b >= 0)
        {
            Add(b, OperandKind.UseAny);
        }

        if (c >= 0)
        {
            Add(c, OperandKind.UseAny);
        }
    }
}

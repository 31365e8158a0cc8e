// Integer instructions.
using System.Numerics;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Integers.</content>
internal sealed partial class X64Lowering
{
    private void LowerAdd(Value i, ref IrInstruction instruction)
    {
        var width = WidthOf(instruction.Type);
        var a = instruction.ValueA;
        var b = instruction.ValueB;
        if (_ir.Get(a).Opcode == IrOpcode.Constant)
        {
            (a, b) = (b, a);
        }

        if (IsImmediate(b, out var immediate))
        {
            ref var inner = ref _ir.Get(a);
            if (_ir.Get(Resolve(a)).Opcode == IrOpcode.VmContext)
            {
                Begin(X64Opcode.Lea, 8);
                Add(_virtual[i], OperandKind.Def);
                AddAddress(Address.Of(X64AddressKind.VmContext, immediate));
                return;
            }

            if (inner.Opcode == IrOpcode.Add && IsMergeable(a) && inner.Type == instruction.Type && _ir.Get(inner.ValueB).Opcode != IrOpcode.Constant)
            {
                _merged[a] = true;
                EmitLea(i, width, inner.ValueA, inner.ValueB, immediate);
                return;
            }

            if (IsSmallShift(a, out _))
            {
                EmitLea(i, width, Value.None, a, immediate);
                return;
            }

            var v = UseWidth(a, width);
            Begin(X64Opcode.Add3Immediate, width, immediate: immediate);
            Add(_virtual[i], OperandKind.Def);
            Add(v, OperandKind.Use);
            return;
        }

        if (TryLowerAddCarry(i, width, a, b) || TryLowerAddCarry(i, width, b, a))
        {
            return;
        }

        if (IsSmallShift(b, out _))
        {
            EmitLea(i, width, a, b, 0);
            return;
        }

        if (IsSmallShift(a, out _))
        {
            EmitLea(i, width, b, a, 0);
            return;
        }

        // A load that comes last is merged, unless its operand would have to be copied first.
        if (!CanMergeLoad(b, width) && CanMergeLoad(a, width))
        {
            (a, b) = (b, a);
        }

        if (TryMergeLoad(b, width, out var address))
        {
            EmitTied(X64Opcode.Alu, i, width, (int)AluOp.Add, UseWidth(a, width), new Source { IsMemory = true, Address = address });
            return;
        }

        var left = UseWidth(a, width);
        var right = UseWidth(b, width);
        Begin(X64Opcode.Add3, width);
        Add(_virtual[i], OperandKind.Def);
        Add(left, OperandKind.Use);
        Add(right, OperandKind.Use);
    }

    private bool IsSmallShift(Value value, out int count)
    {
        ref var instruction = ref _ir.Get(value);
        count = 0;
        if (instruction.Opcode != IrOpcode.ShiftLeft || !IsMergeable(value) || !_ir.IsConstant(instruction.ValueB, out var bits) || bits is 0 or > 3)
        {
            return false;
        }

        count = (int)bits;
        return true;
    }

    // a + (b, possibly shifted) + displacement; a may be absent.
    private void EmitLea(Value i, int width, Value a, Value b, int displacement)
    {
        if (a >= 0 && IsSmallShift(a, out _) && !IsSmallShift(b, out _))
        {
            (a, b) = (b, a);
        }

        var address = new Address { Kind = X64AddressKind.Registers, Base = VReg.None, Index = VReg.None, Displacement = displacement };
        if (IsSmallShift(b, out var scale))
        {
            _merged[b] = true;
            address.Scale = scale;
            b = _ir.Get(b).ValueA;
        }

        address.Index = UseWidth(b, width);
        address.Base = a >= 0 ? UseWidth(a, width) : VReg.None;
        Begin(X64Opcode.Lea, width);
        Add(_virtual[i], OperandKind.Def);
        AddAddress(address);
    }

    // tied ← in op source
    private void EmitTied(X64Opcode opcode, Value i, int width, int condition, VReg left, in Source right)
    {
        Begin(opcode, width, condition);
        Add(_virtual[i], OperandKind.DefTied);
        Add(left, OperandKind.UseTied);
        AddSource(right);
    }

    private void EmitTiedImmediate(X64Opcode opcode, Value i, int width, int condition, VReg left, int immediate)
    {
        Begin(opcode, width, condition, immediate);
        Add(_virtual[i], OperandKind.DefTied);
        Add(left, OperandKind.UseTied);
    }

    private void LowerSub(Value i, ref IrInstruction instruction)
    {
        var width = WidthOf(instruction.Type);
        if (_ir.IsConstant(instruction.ValueA, out var minuend) && minuend == 0)
        {
            EmitUnary(i, width, UnaryOp.Neg, instruction.ValueB);
            return;
        }

        if (IsImmediate(instruction.ValueB, out var immediate) && immediate != int.MinValue)
        {
            var v = UseWidth(instruction.ValueA, width);
            Begin(X64Opcode.Add3Immediate, width, immediate: -immediate);
            Add(_virtual[i], OperandKind.Def);
            Add(v, OperandKind.Use);
            return;
        }

        var source = SourceOf(instruction.ValueB, width);
        if (!source.IsMemory && source.Virtual == UseWidth(instruction.ValueA, width))
        {
            EmitConstant(_virtual[i], TypeOf(instruction.Type), 0);
            return;
        }

        EmitTied(X64Opcode.Alu, i, width, (int)AluOp.Sub, UseWidth(instruction.ValueA, width), source);
    }

    private void EmitUnary(Value i, int width, UnaryOp op, Value value)
    {
        var v = UseWidth(value, width);
        Begin(X64Opcode.Unary, width, (int)op);
        Add(_virtual[i], OperandKind.DefTied);
        Add(v, OperandKind.UseTied);
    }

    private void LowerLogic(Value i, ref IrInstruction instruction, AluOp op)
    {
        var width = WidthOf(instruction.Type);
        var a = instruction.ValueA;
        var b = instruction.ValueB;
        if (_ir.Get(a).Opcode == IrOpcode.Constant)
        {
            (a, b) = (b, a);
        }

        if (_ir.IsConstant(b, out var bits))
        {
            var ones = width == 4 ? uint.MaxValue : ulong.MaxValue;
            if (op == AluOp.And && bits is 0xFF or 0xFFFF or 0xFFFFFFFF && bits != ones)
            {
                EmitExtend(i, bits == 0xFF ? 1 : bits == 0xFFFF ? 2 : 4, LoadExtension.Zero, a);
                return;
            }

            if (op == AluOp.Xor && bits == ones)
            {
                EmitUnary(i, width, UnaryOp.Not, a);
                return;
            }

            if (IsImmediate(b, out var immediate))
            {
                EmitTiedImmediate(X64Opcode.AluImmediate, i, width, (int)op, UseWidth(a, width), immediate);
                return;
            }

            // A 64-bit mask whose upper half is all ones or zeros but which is no signed 32-bit number.
            if (op == AluOp.And && bits <= uint.MaxValue)
            {
                EmitTiedImmediate(X64Opcode.AluImmediate, i, 4, (int)op, Use(a), (int)bits);
                return;
            }
        }

        if ((_features & CpuFeatures.Bmi1) != 0 && op != AluOp.Or && (TryLowerBmi(i, width, op, a, b) || TryLowerBmi(i, width, op, b, a)))
        {
            return;
        }

        if (op == AluOp.Or && TryLowerByteSwap(i, width, a, b))
        {
            return;
        }

        EmitCommutative(X64Opcode.Alu, i, width, (int)op, a, b);
    }

    private void EmitCommutative(X64Opcode opcode, Value i, int width, int condition, Value a, Value b)
    {
        if (CanMergeLoad(b, width) || (!CanMergeLoad(a, width) && (!LivesOn(a) || LivesOn(b))))
        {
            // As it is: b is in memory, or a dies here.
        }
        else
        {
            (a, b) = (b, a);
        }

        var source = SourceOf(b, width);
        var left = UseWidth(a, width);
        if (!source.IsMemory && source.Virtual == left)
        {
            // Both are one value: the second operand is read from the tied one.
            Begin(opcode, width, condition);
            Add(_virtual[i], OperandKind.DefTied);
            Add(left, OperandKind.UseTied);
            return;
        }

        EmitTied(opcode, i, width, condition, left, source);
    }

    // x & ~y, x & (x − 1), x & −x, x ^ (x − 1)
    private bool TryLowerBmi(Value i, int width, AluOp op, Value x, Value other)
    {
        ref var inner = ref _ir.Get(other);
        if (!IsMergeable(other))
        {
            return false;
        }

        var ones = width == 4 ? uint.MaxValue : ulong.MaxValue;
        if (op == AluOp.And && inner.Opcode == IrOpcode.Xor && _ir.IsConstant(inner.ValueB, out var bits) && bits == ones)
        {
            _merged[other] = true;
            var negated = UseWidth(inner.ValueA, width);
            var source = SourceOf(x, width);
            Begin(X64Opcode.AndNot, width);
            Add(_virtual[i], OperandKind.Def);
            Add(negated, OperandKind.Use);
            AddSource(source);
            return true;
        }

        BlsOp bls;
        if (inner.Opcode == IrOpcode.Add && _ir.IsConstant(inner.ValueB, out var addend) && addend == ones && Resolve(inner.ValueA) == Resolve(x))
        {
            bls = op == AluOp.And ? BlsOp.Blsr : BlsOp.Blsmsk;
        }
        else if (op == AluOp.And && inner.Opcode == IrOpcode.Sub && _ir.IsConstant(inner.ValueA, out var zero) && zero == 0 && Resolve(inner.ValueB) == Resolve(x))
        {
            bls = BlsOp.Blsi;
        }
        else
        {
            return false;
        }

        _merged[other] = true;
        var v = UseWidth(x, width);
        Begin(X64Opcode.LowestBit, width, (int)bls);
        Add(_virtual[i], OperandKind.Def);
        Add(v, OperandKind.UseAny);
        return true;
    }

    private void EmitExtend(Value i, int from, LoadExtension extension, Value value)
    {
        if (TryMergeLoad(value, from, out var address))
        {
            Begin(X64Opcode.Load, from, (int)extension);
            Add(_virtual[i], OperandKind.Def);
            AddAddress(address);
            return;
        }

        var v = UseLowBits(value, 8 * from);
        Begin(X64Opcode.Extend, from, (int)extension);
        Add(_virtual[i], OperandKind.Def);
        Add(v, OperandKind.UseAny);
    }

    private void LowerMul(Value i, ref IrInstruction instruction)
    {
        var width = WidthOf(instruction.Type);
        var a = instruction.ValueA;
        var b = instruction.ValueB;
        if (_ir.Get(a).Opcode == IrOpcode.Constant)
        {
            (a, b) = (b, a);
        }

        if (IsImmediate(b, out var immediate))
        {
            if (immediate is 3 or 5 or 9)
            {
                var v = UseWidth(a, width);
                Begin(X64Opcode.Lea, width);
                Add(_virtual[i], OperandKind.Def);
                AddAddress(new Address { Kind = X64AddressKind.Registers, Base = v, Index = v, Scale = BitOperations.Log2((uint)immediate - 1) });
                return;
            }

            if (immediate > 9 && (BitOperations.IsPow2(immediate - 1) || BitOperations.IsPow2(immediate + 1)) && IsAccumulated(a, b))
            {
                EmitShiftedSum(i, width, UseWidth(a, width), immediate);
                return;
            }

            var source = SourceOf(a, width);
            Begin(X64Opcode.MultiplyImmediate, width, immediate: immediate);
            Add(_virtual[i], OperandKind.Def);
            AddSource(source);
            return;
        }

        EmitCommutative(X64Opcode.Multiply, i, width, 0, a, b);
    }

    // A hash: what a loop carries from round to round, or what the same multiplication has a part in. Its latency is what the loop takes.
    private bool IsAccumulated(Value value, Value factor)
    {
        ref var instruction = ref _ir.Get(value);
        return instruction.Opcode switch
        {
            IrOpcode.BlockParameter => _ir.Blocks[_ir.Links[value].Block].IsLoopHeader,
            IrOpcode.Add or IrOpcode.Sub or IrOpcode.Xor => IsMultipleBy(instruction.ValueA, factor) || IsMultipleBy(instruction.ValueB, factor),
            _ => false,
        };
    }

    private bool IsMultipleBy(Value value, Value factor) => _ir.Get(value).Opcode == IrOpcode.Mul && (_ir.Get(value).A == factor || _ir.Get(value).B == factor);

    // A multiple by one more or less than a power of two, in two cycles instead of the three of a multiplication.
    private void EmitShiftedSum(Value i, int width, VReg v, int multiple)
    {
        var isMore = BitOperations.IsPow2(multiple - 1);
        var shifted = _machine.NewVirtualRegister(width == 4 ? MachineType.I32 : MachineType.I64);
        Begin(X64Opcode.ShiftImmediate, width, (int)ShiftOp.Shl, immediate: BitOperations.Log2((uint)(isMore ? multiple - 1 : multiple + 1)));
        Add(shifted, OperandKind.DefTied);
        Add(v, OperandKind.UseTied);
        Begin(X64Opcode.Alu, width, (int)(isMore ? AluOp.Add : AluOp.Sub));
        Add(_virtual[i], OperandKind.DefTied);
        Add(shifted, OperandKind.UseTied);
        Add(v, OperandKind.Use);
    }

    private void LowerMulHigh(Value i, ref IrInstruction instruction, bool signed)
    {
        var width = WidthOf(instruction.Type);
        var left = UseWidth(instruction.ValueA, width);
        var right = UseWidth(instruction.ValueB, width);
        Begin(X64Opcode.MultiplyHigh, width, signed ? 1 : 0);
        _machine.Instructions[_open].Clobbers = X64Registers.ClobberRaxRdx;
        Add(_virtual[i], OperandKind.DefFixed, X64Registers.Rdx);
        Add(left, OperandKind.UseFixed, X64Registers.Rax);
        Add(right, OperandKind.UseAny);
    }

    private void LowerDivision(Value i, ref IrInstruction instruction, bool signed, bool remainder)
    {
        var width = WidthOf(instruction.Type);
        var facts = (DivisionFacts)instruction.Aux;
        var definition = Definition(i);
        var dividend = UseWidth(instruction.ValueA, width);
        var divisor = UseWidth(instruction.ValueB, width);
        if ((facts & DivisionFacts.DivisorNotZero) == 0)
        {
            Begin(X64Opcode.Test, width);
            Add(divisor, OperandKind.Use);
            Add(divisor, OperandKind.Use);
            Begin(X64Opcode.TrapIf, 0, (int)Condition.Equal, aux: (int)TrapCode.IntegerDivideByZero);
            _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
        }

        var kind = (signed ? X64Division.Signed : 0) | (remainder ? X64Division.Remainder : 0)
            | (signed && (facts & DivisionFacts.NoOverflow) == 0 ? X64Division.CheckOverflow : 0);
        Begin(X64Opcode.Divide, width, (int)kind, aux: (int)TrapCode.IntegerOverflow);
        _machine.Instructions[_open].Clobbers = X64Registers.ClobberRaxRdx;
        Add(definition, OperandKind.DefFixed, remainder ? X64Registers.Rdx : X64Registers.Rax);
        Add(dividend, OperandKind.UseFixed, X64Registers.Rax);
        Add(divisor, OperandKind.Use);
    }

    private void LowerShift(Value i, ref IrInstruction instruction, ShiftOp op)
    {
        var width = WidthOf(instruction.Type);
        var isRotate = op is ShiftOp.Rol or ShiftOp.Ror;
        var bmi2 = (_features & CpuFeatures.Bmi2) != 0;
        if (_ir.IsConstant(instruction.ValueB, out var bits))
        {
            var count = (int)bits & (8 * width - 1);
            var value = UseWidth(instruction.ValueA, width);
            if (isRotate && bmi2)
            {
                Begin(X64Opcode.RotateRightX, width, immediate: op == ShiftOp.Ror ? count : (8 * width - count) & (8 * width - 1));
                Add(_virtual[i], OperandKind.Def);
                Add(value, OperandKind.UseAny);
            }
            else if (op == ShiftOp.Shl && count == 1)
            {
                Begin(X64Opcode.Add3, width);
                Add(_virtual[i], OperandKind.Def);
                Add(value, OperandKind.Use);
                Add(value, OperandKind.Use);
            }
            else if (op == ShiftOp.Shl && count is 2 or 3 && LivesOn(instruction.ValueA))
            {
                Begin(X64Opcode.Lea, width);
                Add(_virtual[i], OperandKind.Def);
                AddAddress(new Address { Kind = X64AddressKind.Registers, Base = VReg.None, Index = value, Scale = count });
            }
            else
            {
                EmitTiedImmediate(X64Opcode.ShiftImmediate, i, width, (int)op, value, count);
            }

            return;
        }

        var amount = UseLowBits(instruction.ValueB, width == 4 ? 5 : 6);
        var source = UseWidth(instruction.ValueA, width);
        if (!isRotate && bmi2)
        {
            Begin(X64Opcode.ShiftX, width, (int)op);
            Add(_virtual[i], OperandKind.Def);
            Add(amount, OperandKind.Use);
            Add(source, OperandKind.UseAny);
        }
        else
        {
            Begin(X64Opcode.ShiftCl, width, (int)op);
            Add(_virtual[i], OperandKind.DefTied);
            Add(source, OperandKind.UseTied);
            Add(amount, OperandKind.UseFixed, X64Registers.Rcx);
        }
    }

    private void LowerBitCount(Value i, ref IrInstruction instruction, X64BitCount kind)
    {
        var width = WidthOf(instruction.Type);
        var feature = kind switch { X64BitCount.Leading => CpuFeatures.Lzcnt, X64BitCount.Trailing => CpuFeatures.Bmi1, _ => CpuFeatures.Popcnt };
        if ((_features & feature) != 0)
        {
            var source = SourceOf(instruction.ValueA, width);
            Begin(X64Opcode.BitCount, width, (int)kind);
            Add(_virtual[i], OperandKind.Def);
            AddSource(source);
            return;
        }

        var value = UseWidth(instruction.ValueA, width);
        Begin(X64Opcode.BitCountSlow, width, (int)kind);
        Add(_virtual[i], OperandKind.DefEarly);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(value, OperandKind.UseLate);
    }

    private void LowerWrap(Value i, ref IrInstruction instruction)
    {
        if (Resolve(i) != i)
        {
            return;
        }

        var v = Use(instruction.ValueA);
        Begin(X64Opcode.Copy, 4);
        Add(_virtual[i], OperandKind.Def);
        Add(v, OperandKind.UseAny);
    }

    private void LowerSelect(Value i, ref IrInstruction instruction)
    {
        var type = instruction.Type;
        var isVector = type is IrType.F32 or IrType.F64 or IrType.V128;
        if (isVector && TryLowerSelectOfCompared(i, ref instruction))
        {
            return;
        }

        var width = WidthOf(type);
        var ifSo = instruction.ValueB;
        var ifNot = instruction.ValueC;
        var left = isVector ? Use(ifSo) : UseWidth(ifSo, width);
        var right = isVector ? Use(ifNot) : UseWidth(ifNot, width);
        var condition = LowerCondition(instruction.ValueA);
        if (left == right)
        {
            // Cannot happen once the front end has folded; the compare is harmless.
            Begin(X64Opcode.Copy, width);
            Add(_virtual[i], OperandKind.Def);
            Add(left, OperandKind.UseAny);
            return;
        }

        if (isVector)
        {
            Begin(X64Opcode.SelectVector, width, condition);
            _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
            Add(_virtual[i], OperandKind.DefTied);
            Add(left, OperandKind.UseTied);
            Add(right, OperandKind.UseAny);
            return;
        }

        // cmov keeps its first operand if the condition does not hold.
        if (condition == (int)X64Condition.EqualOrdered)
        {
            condition = (int)X64Condition.NotEqualOrUnordered;
            (left, right) = (right, left);
        }

        Begin(X64Opcode.Cmov, width, condition);
        _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
        Add(_virtual[i], OperandKind.DefTied);
        Add(right, OperandKind.UseTied);
        Add(left, OperandKind.UseAny);
    }
}

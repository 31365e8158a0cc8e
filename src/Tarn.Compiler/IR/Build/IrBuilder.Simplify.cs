// Algebraic simplification of integer operations, comparisons and selects, done when an instruction is asked for. The rules look at the operands'
// instructions at most two deep and always make progress, so building stays linear.
using System.Numerics;

namespace Tarn.Compiler.IR.Build;

/// <content>Simplification.</content>
internal sealed partial class IrBuilder
{
    /// <summary>An operation of two integer operands of the result's type, other than division.</summary>
    public Value Binary(IrOpcode opcode, IrType type, Value a, Value b)
    {
        if (opcode is >= IrOpcode.DivSigned and <= IrOpcode.RemUnsigned)
        {
            return Divide(opcode, type, a, b);
        }

        if (IsConstant(a, out var x))
        {
            if (IsConstant(b, out var y))
            {
                if (ConstantFolder.TryInteger(opcode, type, x, y, out var folded))
                {
                    return Constant(type, folded);
                }
            }
            else if ((IrOpcodeInfo.EffectsOf(opcode) & IrEffects.Commutative) != 0)
            {
                return BinaryWithConstant(opcode, type, b, x);
            }
            else if (x == 0 && opcode is >= IrOpcode.ShiftLeft and <= IrOpcode.RotateRight)
            {
                return a;
            }
        }
        else if (IsConstant(b, out var y))
        {
            return BinaryWithConstant(opcode, type, a, y);
        }

        if (a == b)
        {
            switch (opcode)
            {
                case IrOpcode.Sub or IrOpcode.Xor:
                    return Constant(type, 0);
                case IrOpcode.And or IrOpcode.Or:
                    return a;
            }
        }

        switch (opcode)
        {
            case IrOpcode.Add:
                // Collect constants on the outside, where the next addition or an address can take them: (x + c) + y becomes (x + y) + c. Not if the sum comes from
                // another block: the producer will have taken it out of a loop, and this would put the addition back.
                if (IsAddOfConstantHere(a, out var inner, out var c) && !IsAddOfConstantHere(b, out _, out _))
                {
                    return Binary(IrOpcode.Add, type, Binary(IrOpcode.Add, type, inner, b), Constant(type, c));
                }

                if (IsAddOfConstantHere(b, out inner, out c) && !IsAddOfConstantHere(a, out _, out _))
                {
                    return Binary(IrOpcode.Add, type, Binary(IrOpcode.Add, type, a, inner), Constant(type, c));
                }

                // x + (0 - y) is x - y.
                if (IsNegation(b, out var negated))
                {
                    return Binary(IrOpcode.Sub, type, a, negated);
                }

                if (IsNegation(a, out negated))
                {
                    return Binary(IrOpcode.Sub, type, b, negated);
                }

                break;
            case IrOpcode.Sub when IsNegation(b, out var subtrahend):
                return Binary(IrOpcode.Add, type, a, subtrahend);
            case IrOpcode.ShiftLeft or IrOpcode.ShiftRightSigned or IrOpcode.ShiftRightUnsigned or IrOpcode.RotateLeft or IrOpcode.RotateRight:
                // The machine masks the count as WebAssembly does.
                ref var count = ref Function.Get(b);
                if (count.Opcode == IrOpcode.And && IsConstant(count.ValueB, out var mask) && (mask & WidthMask(type)) == WidthMask(type))
                {
                    return Binary(opcode, type, a, count.ValueA);
                }

                break;
            case IrOpcode.Or when RotationOf(type, a, b, out var value, out var amount):
                return Binary(IrOpcode.RotateLeft, type, value, amount);
        }

        // One order for the operands of commutative operations, so that value numbering sees through it.
        if (a > b && (IrOpcodeInfo.EffectsOf(opcode) & IrEffects.Commutative) != 0)
        {
            (a, b) = (b, a);
        }

        return Numbered(opcode, type, a, b);
    }

    /// <summary>An operation of one operand.</summary>
    public Value Unary(IrOpcode opcode, IrType type, Value a)
    {
        var operand = Function.Get(a);
        if (operand.Opcode == IrOpcode.Constant && operand.Type != IrType.V128
            && ConstantFolder.TryUnary(opcode, type, operand.Type, operand.Bits, out var folded))
        {
            return Constant(type, folded);
        }

        switch (opcode)
        {
            case IrOpcode.Wrap:
                switch (operand.Opcode)
                {
                    case IrOpcode.ExtendSigned or IrOpcode.ExtendUnsigned:
                        return operand.ValueA;
                    case IrOpcode.SignExtend32:
                        return Unary(IrOpcode.Wrap, type, operand.ValueA);
                    case IrOpcode.And when IsConstant(operand.ValueB, out var mask):
                        // Narrowed, the mask may vanish, and the constant is shorter.
                        return Binary(IrOpcode.And, type, Unary(IrOpcode.Wrap, type, operand.ValueA), Constant(type, (uint)mask));
                }

                break;
            case IrOpcode.ExtendUnsigned when operand.Opcode == IrOpcode.Wrap && MaximumOf(operand.ValueA) <= uint.MaxValue:
                return operand.ValueA;
            case IrOpcode.ExtendSigned when MaximumOf(a) <= int.MaxValue:
                return Unary(IrOpcode.ExtendUnsigned, type, a);
            case IrOpcode.SignExtend32 when operand.Opcode is IrOpcode.ExtendSigned or IrOpcode.ExtendUnsigned:
                return Unary(IrOpcode.ExtendSigned, type, operand.ValueA);
            case IrOpcode.SignExtend32 when operand.Opcode == IrOpcode.SignExtend32:
                return a;
            case IrOpcode.SignExtend8 when MaximumOf(a) <= 0x7F:
                return a;
            case IrOpcode.SignExtend16 when MaximumOf(a) <= 0x7FFF:
                return a;
            case IrOpcode.SignExtend8 or IrOpcode.SignExtend16:
                var bits = opcode == IrOpcode.SignExtend8 ? 8 : 16;
                if (operand.Opcode == IrOpcode.And && IsConstant(operand.ValueB, out var low) && (low & ((1UL << bits) - 1)) == (1UL << bits) - 1)
                {
                    return Unary(opcode, type, operand.ValueA);
                }

                break;
            case IrOpcode.Bitcast when operand.Opcode == IrOpcode.Bitcast && Function.TypeOf(operand.ValueA) == type:
                return operand.ValueA;
            case IrOpcode.FloatNeg when operand.Opcode == IrOpcode.FloatNeg:
                return operand.ValueA;
            case IrOpcode.FloatAbs when operand.Opcode is IrOpcode.FloatAbs:
                return a;
            case IrOpcode.FloatAbs when operand.Opcode is IrOpcode.FloatNeg:
                return Unary(IrOpcode.FloatAbs, type, operand.ValueA);
        }

        return Numbered(opcode, type, a);
    }

    /// <summary>A floating-point operation of two operands.</summary>
    public Value FloatBinary(IrOpcode opcode, IrType type, Value a, Value b)
    {
        if (IsConstant(a, out var x) && IsConstant(b, out var y) && ConstantFolder.TryFloat(opcode, type, x, y, out var folded))
        {
            return Constant(type, folded);
        }

        if (a > b && (IrOpcodeInfo.EffectsOf(opcode) & IrEffects.Commutative) != 0 && !IsConstant(b, out _))
        {
            (a, b) = (b, a);
        }

        return Numbered(opcode, type, a, b);
    }

    /// <summary>An integer comparison.</summary>
    public Value Compare(IntegerCondition condition, Value a, Value b)
    {
        var type = Function.TypeOf(a);
        if (IsConstant(a, out var x))
        {
            if (IsConstant(b, out var y))
            {
                return I32(ConstantFolder.Compare(condition, type, x, y) ? 1 : 0);
            }

            (a, b) = (b, a);
            condition = condition.Swap();
        }

        if (a == b)
        {
            return I32(condition is IntegerCondition.Equal or IntegerCondition.LessEqualSigned or IntegerCondition.GreaterEqualSigned
                or IntegerCondition.LessEqualUnsigned or IntegerCondition.GreaterEqualUnsigned ? 1 : 0);
        }

        if (IsConstant(b, out var constant))
        {
            if (CompareWithConstant(ref condition, ref a, ref b, type, constant, out var known))
            {
                return known;
            }
        }
        else if (a > b && condition <= IntegerCondition.NotEqual)
        {
            (a, b) = (b, a);
        }

        return Numbered(IrOpcode.CompareInteger, IrType.I32, a, b, aux: (byte)condition);
    }

    /// <summary>A floating-point comparison.</summary>
    public Value CompareFloat(FloatCondition condition, Value a, Value b)
    {
        if (IsConstant(a, out var x) && IsConstant(b, out var y))
        {
            return I32(ConstantFolder.CompareFloat(condition, Function.TypeOf(a), x, y) ? 1 : 0);
        }

        return Numbered(IrOpcode.CompareFloat, IrType.I32, a, b, aux: (byte)condition);
    }

    /// <summary>1 if a value is 0, else 0.</summary>
    public Value IsZero(Value a) => Compare(IntegerCondition.Equal, a, Constant(Function.TypeOf(a), 0));

    /// <summary>Strips what does not change whether a condition is zero; says whether the sense is inverted.</summary>
    public Value Condition(Value value, out bool inverted)
    {
        inverted = false;
        while (true)
        {
            ref var i = ref Function.Get(value);
            if (i.Opcode != IrOpcode.CompareInteger || i.Aux > (byte)IntegerCondition.NotEqual || Function.TypeOf(i.ValueA) != IrType.I32 || !IsConstant(i.ValueB, 0L))
            {
                return value;
            }

            inverted ^= i.Aux == (byte)IntegerCondition.Equal;
            value = i.ValueA;
        }
    }

    /// <summary>b if the condition is not zero, else c.</summary>
    public Value Select(IrType type, Value condition, Value b, Value c)
    {
        condition = Condition(condition, out var inverted);
        if (inverted)
        {
            (b, c) = (c, b);
        }

        if (b == c)
        {
            return b;
        }

        if (IsConstant(condition, out var bits))
        {
            return bits != 0 ? b : c;
        }

        if (type is IrType.I32 or IrType.I64 && MaximumOf(condition) <= 1)
        {
            if (IsConstant(b, 1L) && IsConstant(c, 0L))
            {
                return type == IrType.I32 ? condition : Unary(IrOpcode.ExtendUnsigned, type, condition);
            }

            if (IsConstant(b, 0L) && IsConstant(c, 1L))
            {
                var zero = IsZero(condition);
                return type == IrType.I32 ? zero : Unary(IrOpcode.ExtendUnsigned, type, zero);
            }
        }

        return Numbered(IrOpcode.Select, type, condition, b, c);
    }

    private Value BinaryWithConstant(IrOpcode opcode, IrType type, Value a, ulong constant)
    {
        var all = type == IrType.I32 ? uint.MaxValue : ulong.MaxValue;
        var widthMask = WidthMask(type);
        var operand = Function.Get(a);
        var hasInner = IsConstantOf(in operand, out var inner);
        switch (opcode)
        {
            case IrOpcode.Sub:
                return Binary(IrOpcode.Add, type, a, Constant(type, (0 - constant) & all));
            case IrOpcode.Add:
                if (constant == 0)
                {
                    return a;
                }

                if (operand.Opcode == IrOpcode.Add && hasInner)
                {
                    return Binary(opcode, type, operand.ValueA, Constant(type, (inner + constant) & all));
                }

                // (c - y) + d is (c + d) - y.
                if (operand.Opcode == IrOpcode.Sub && IsConstant(operand.ValueA, out var minuend))
                {
                    return Binary(IrOpcode.Sub, type, Constant(type, (minuend + constant) & all), operand.ValueB);
                }

                break;
            case IrOpcode.Mul:
                if (constant == 0)
                {
                    return Constant(type, 0);
                }

                if (BitOperations.IsPow2(constant))
                {
                    return Binary(IrOpcode.ShiftLeft, type, a, Constant(type, (ulong)BitOperations.Log2(constant)));
                }

                if (constant == all)
                {
                    return Binary(IrOpcode.Sub, type, Constant(type, 0), a);
                }

                if (operand.Opcode == IrOpcode.Mul && hasInner)
                {
                    return Binary(opcode, type, operand.ValueA, Constant(type, (inner * constant) & all));
                }

                break;
            case IrOpcode.And:
                if (constant == 0)
                {
                    return Constant(type, 0);
                }

                if (constant == all || IsLowMask(constant) && MaximumOf(a) <= constant)
                {
                    return a;
                }

                if (operand.Opcode == IrOpcode.And && hasInner)
                {
                    return Binary(opcode, type, operand.ValueA, Constant(type, inner & constant));
                }

                if (type == IrType.I64 && constant == uint.MaxValue)
                {
                    return Unary(IrOpcode.ExtendUnsigned, type, Unary(IrOpcode.Wrap, IrType.I32, a));
                }

                break;
            case IrOpcode.Or:
                if (constant == 0 || constant == all)
                {
                    return constant == 0 ? a : Constant(type, all);
                }

                if (operand.Opcode == IrOpcode.Or && hasInner)
                {
                    return Binary(opcode, type, operand.ValueA, Constant(type, inner | constant));
                }

                break;
            case IrOpcode.Xor:
                if (constant == 0)
                {
                    return a;
                }

                if (operand.Opcode == IrOpcode.Xor && hasInner)
                {
                    return Binary(opcode, type, operand.ValueA, Constant(type, inner ^ constant));
                }

                // A truth value inverted.
                if (constant == 1 && operand.Opcode == IrOpcode.CompareInteger)
                {
                    return Compare((IntegerCondition)(operand.Aux ^ 1), operand.ValueA, operand.ValueB);
                }

                break;
            case IrOpcode.ShiftLeft or IrOpcode.ShiftRightSigned or IrOpcode.ShiftRightUnsigned or IrOpcode.RotateLeft or IrOpcode.RotateRight:
                return ShiftByConstant(opcode, type, a, constant & widthMask, in operand, hasInner, inner & widthMask);
        }

        return Numbered(opcode, type, a, Constant(type, constant));
    }

    private Value ShiftByConstant(IrOpcode opcode, IrType type, Value a, ulong shift, in IrInstruction operand, bool hasInner, ulong inner)
    {
        if (shift == 0)
        {
            return a;
        }

        var width = WidthMask(type) + 1;
        if (opcode == IrOpcode.RotateRight)
        {
            opcode = IrOpcode.RotateLeft;
            shift = width - shift;
        }

        if (hasInner && operand.Opcode == opcode)
        {
            var sum = shift + inner;
            switch (opcode)
            {
                case IrOpcode.ShiftLeft or IrOpcode.ShiftRightUnsigned:
                    return sum >= width ? Constant(type, 0) : Binary(opcode, type, operand.ValueA, Constant(type, sum));
                case IrOpcode.ShiftRightSigned:
                    return Binary(opcode, type, operand.ValueA, Constant(type, Math.Min(sum, width - 1)));
                default:
                    return Binary(opcode, type, operand.ValueA, Constant(type, sum & (width - 1)));
            }
        }

        if (hasInner && operand.Opcode == IrOpcode.ShiftLeft && inner == shift)
        {
            // Up and down again: an extension of the low bits.
            var bits = width - shift;
            if (opcode == IrOpcode.ShiftRightUnsigned)
            {
                return Binary(IrOpcode.And, type, operand.ValueA, Constant(type, ulong.MaxValue >> (int)(64 - bits)));
            }

            if (opcode == IrOpcode.ShiftRightSigned && bits is 8 or 16 or 32 && opcode == IrOpcode.ShiftRightSigned)
            {
                var extension = bits == 8 ? IrOpcode.SignExtend8 : bits == 16 ? IrOpcode.SignExtend16 : IrOpcode.SignExtend32;
                return Unary(extension, type, operand.ValueA);
            }
        }

        if (opcode == IrOpcode.ShiftRightUnsigned && MaximumOf(a) >> (int)shift == 0)
        {
            return Constant(type, 0);
        }

        return Numbered(opcode, type, a, Constant(type, shift));
    }

    // Rewrites the comparison in place, or finds its value.
    private bool CompareWithConstant(
        ref IntegerCondition condition, ref Value a, ref Value b, IrType type, ulong constant, out Value known)
    {
        known = Value.None;
        var all = type == IrType.I32 ? uint.MaxValue : ulong.MaxValue;
        var operand = Function.Get(a);

        // Closed forms become half-open ones, and those with 0 and 1 become tests for zero.
        if (condition == IntegerCondition.LessUnsigned && constant == 1)
        {
            condition = IntegerCondition.Equal;
            constant = 0;
            b = Constant(type, 0);
        }
        else if (condition == IntegerCondition.GreaterEqualUnsigned && constant == 1)
        {
            condition = IntegerCondition.NotEqual;
            constant = 0;
            b = Constant(type, 0);
        }
        else if (constant == 0)
        {
            switch (condition)
            {
                case IntegerCondition.LessUnsigned:
                    known = I32(0);
                    return true;
                case IntegerCondition.GreaterEqualUnsigned:
                    known = I32(1);
                    return true;
                case IntegerCondition.LessEqualUnsigned:
                    condition = IntegerCondition.Equal;
                    break;
                case IntegerCondition.GreaterUnsigned:
                    condition = IntegerCondition.NotEqual;
                    break;
            }
        }

        if (condition <= IntegerCondition.NotEqual)
        {
            var equal = condition == IntegerCondition.Equal;
            if (constant == 0)
            {
                switch (operand.Opcode)
                {
                    case IrOpcode.CompareInteger:
                        known = equal ? Compare((IntegerCondition)(operand.Aux ^ 1), operand.ValueA, operand.ValueB) : a;
                        return true;
                    case IrOpcode.CompareFloat:
                        known = equal ? CompareFloat((FloatCondition)(operand.Aux ^ 1), operand.ValueA, operand.ValueB) : a;
                        return true;
                    case IrOpcode.ExtendUnsigned or IrOpcode.ExtendSigned:
                        known = Compare(condition, operand.ValueA, I32(0));
                        return true;
                    case IrOpcode.Sub or IrOpcode.Xor:
                        known = Compare(condition, operand.ValueA, operand.ValueB);
                        return true;
                    case IrOpcode.Bitcast when IsRecordAddress(operand.ValueA):
                        known = I32(equal ? 0 : 1);
                        return true;
                }
            }

            // x + c = d is x = d - c.
            if (operand.Opcode == IrOpcode.Add && IsConstant(operand.ValueB, out var addend))
            {
                known = Compare(condition, operand.ValueA, Constant(type, (constant - addend) & all));
                return true;
            }

            if (constant > MaximumOf(a))
            {
                known = I32(equal ? 0 : 1);
                return true;
            }
        }
        else if (operand.Opcode == IrOpcode.ExtendUnsigned && constant <= uint.MaxValue && condition >= IntegerCondition.LessUnsigned)
        {
            known = Compare(condition, operand.ValueA, Constant(IrType.I32, constant));
            return true;
        }

        return false;
    }

    // A function's reference record in the VM context: never null.
    private bool IsRecordAddress(Value value)
    {
        ref var i = ref Function.Get(value);
        return i.Opcode == IrOpcode.Add && Function.Get(i.ValueA).Opcode == IrOpcode.VmContext;
    }

    // (x << n) | (x >> (width - n)), where the shifts are constant, is a rotation.
    private bool RotationOf(IrType type, Value a, Value b, out Value value, out Value amount)
    {
        var left = Function.Get(a);
        var right = Function.Get(b);
        if (left.Opcode == IrOpcode.ShiftRightUnsigned)
        {
            (left, right) = (right, left);
        }

        value = left.ValueA;
        amount = left.ValueB;
        return left.Opcode == IrOpcode.ShiftLeft && right.Opcode == IrOpcode.ShiftRightUnsigned && left.A == right.A
            && IsConstant(left.ValueB, out var up) && IsConstant(right.ValueB, out var down) && up + down == WidthMask(type) + 1;
    }

    private bool IsAddOfConstantHere(Value value, out Value inner, out ulong constant)
    {
        ref var i = ref Function.Get(value);
        inner = i.ValueA;
        constant = 0;
        return i.Opcode == IrOpcode.Add && IsConstant(i.ValueB, out constant) && Function.Links[value].Block == Block;
    }

    private bool IsNegation(Value value, out Value negated)
    {
        ref var i = ref Function.Get(value);
        negated = i.ValueB;
        return i.Opcode == IrOpcode.Sub && IsConstant(i.ValueA, 0L);
    }

    private bool IsConstantOf(in IrInstruction operand, out ulong constant)
    {
        constant = 0;
        return operand.Opcode is >= IrOpcode.Add and <= IrOpcode.RotateRight && IsConstant(operand.ValueB, out constant);
    }

    private static bool IsLowMask(ulong mask) => (mask & (mask + 1)) == 0;

    private static ulong WidthMask(IrType type) => type == IrType.I32 ? 31UL : 63UL;
}

// Conditions: comparisons merged into the branch, trap, select or 0/1 that uses them. A condition is returned as the hardware's number, or one of
// X64Condition; whoever uses it must follow directly, since only moves (which keep the flags) may come between.
using System.Numerics;
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Comparisons.</content>
internal sealed partial class X64Lowering
{
    private static int Negate(int condition) => condition ^ 1;

    private static int ConditionOf(IntegerCondition condition) => (int)(condition switch
    {
        IntegerCondition.Equal => Condition.Equal,
        IntegerCondition.NotEqual => Condition.NotEqual,
        IntegerCondition.LessSigned => Condition.Less,
        IntegerCondition.GreaterEqualSigned => Condition.GreaterEqual,
        IntegerCondition.LessEqualSigned => Condition.LessEqual,
        IntegerCondition.GreaterSigned => Condition.Greater,
        IntegerCondition.LessUnsigned => Condition.Below,
        IntegerCondition.GreaterEqualUnsigned => Condition.AboveEqual,
        IntegerCondition.LessEqualUnsigned => Condition.BelowEqual,
        _ => Condition.Above,
    });

    // Emits what sets the flags for "value (I32) is not zero".
    private int LowerCondition(Value value)
    {
        var negate = false;
        while (true)
        {
            ref var instruction = ref _ir.Get(value);
            if (!IsMergeable(value))
            {
                // Of several uses that all want flags, each compares by itself: as many instructions as testing a 0 or 1 that was made first, and that is saved.
                // What is compared has one more use then. Not where the outcome is wanted as a number anyway.
                if (instruction.Opcode == IrOpcode.CompareInteger && _virtual[value] < 0 && !_merged[value] && IsImmediate(instruction.ValueB, out _))
                {
                    _colors.UsesOf(value)--;
                    _colors.UsesOf(instruction.ValueA)++;
                    var repeated = LowerCompareInteger(ref instruction);
                    return negate ? Negate(repeated) : repeated;
                }

                break;
            }

            if (instruction.Opcode == IrOpcode.CompareInteger)
            {
                // x = 0, where x is itself a condition.
                if (instruction.IntegerCondition is IntegerCondition.Equal or IntegerCondition.NotEqual && _ir.IsConstant(instruction.ValueB, out var zero)
                    && zero == 0 && IsMergeable(instruction.ValueA)
                    && (_ir.Get(instruction.ValueA).Opcode is IrOpcode.CompareInteger or IrOpcode.CompareFloat || IsVectorTest(_ir.Get(instruction.ValueA).Opcode)))
                {
                    _merged[value] = true;
                    negate ^= instruction.IntegerCondition == IntegerCondition.Equal;
                    value = instruction.ValueA;
                    continue;
                }

                _merged[value] = true;
                var condition = LowerCompareInteger(ref instruction);
                return negate ? Negate(condition) : condition;
            }

            if (instruction.Opcode == IrOpcode.CompareFloat)
            {
                _merged[value] = true;
                var condition = LowerCompareFloat(ref instruction);
                return negate ? Negate(condition) : condition;
            }

            if (IsVectorTest(instruction.Opcode))
            {
                _merged[value] = true;
                var condition = LowerVectorTest(ref instruction);
                return negate ? Negate(condition) : condition;
            }

            break;
        }

        var tested = LowerTest(value, 4);
        return negate ? Negate(tested) : tested;
    }

    private int LowerCompareInteger(ref IrInstruction instruction)
    {
        var width = WidthOf(_ir.TypeOf(instruction.ValueA));
        var condition = (Condition)ConditionOf(instruction.IntegerCondition);
        var a = instruction.ValueA;
        var b = instruction.ValueB;
        if (_ir.Get(a).Opcode == IrOpcode.Constant && _ir.Get(b).Opcode != IrOpcode.Constant)
        {
            (a, b) = (b, a);
            condition = condition.SwapOperands();
        }

        if (IsImmediate(b, out var immediate))
        {
            if (condition is Condition.Equal or Condition.NotEqual)
            {
                CompareAfterStep(ref a, ref immediate, width);
            }

            if (immediate == 0)
            {
                switch (condition)
                {
                    case Condition.Equal:
                    case Condition.BelowEqual:
                        return Negate(LowerTest(a, width));
                    case Condition.NotEqual:
                    case Condition.Above:
                        return LowerTest(a, width);
                    case Condition.Less when !CanMergeLoad(a, width):
                        EmitTest(a, width);
                        return (int)Condition.Sign;
                    case Condition.GreaterEqual when !CanMergeLoad(a, width):
                        EmitTest(a, width);
                        return (int)Condition.NoSign;
                    default:
                        break;
                }
            }

            // The low byte of a register.
            ref var masked = ref _ir.Get(a);
            if (masked.Opcode == IrOpcode.And && IsMergeable(a) && _ir.IsConstant(masked.ValueB, out var mask) && mask == 0xFF && (uint)immediate <= 0xFF
                && condition is Condition.Equal or Condition.NotEqual or Condition.Below or Condition.AboveEqual or Condition.BelowEqual or Condition.Above)
            {
                _merged[a] = true;
                var low = UseLowBits(masked.ValueA, 8);
                Begin(X64Opcode.CompareImmediate, 1, immediate: (sbyte)immediate);
                Add(low, OperandKind.UseAny);
                return (int)condition;
            }

            // A byte or word straight from memory.
            ref var load = ref _ir.Get(a);
            if (load.Opcode is IrOpcode.Load or IrOpcode.LoadVm && load.Access.Width < 4 && !load.Access.Signed && load.Access.Width < width
                && (uint)immediate <= (load.Access.Width == 1 ? 0xFFu : 0xFFFFu)
                && condition is Condition.Equal or Condition.NotEqual or Condition.Below or Condition.AboveEqual or Condition.BelowEqual or Condition.Above
                && TryMergeLoad(a, load.Access.Width, out var narrow))
            {
                var bytes = load.Access.Width;
                Begin(X64Opcode.CompareImmediate, bytes, immediate: bytes == 1 ? (sbyte)immediate : (short)immediate);
                AddAddress(narrow);
                return (int)condition;
            }

            var source = SourceOf(a, width);
            Begin(X64Opcode.CompareImmediate, width, immediate: immediate);
            AddSource(source);
            return (int)condition;
        }

        if (_ir.Get(a).Opcode == IrOpcode.TypeId)
        {
            (a, b) = (b, a);
            condition = condition.SwapOperands();
        }

        if (_ir.Get(b).Opcode == IrOpcode.TypeId)
        {
            var actual = SourceOf(a, 4);
            Begin(X64Opcode.CompareTypeId, 4, aux: _ir.Get(b).A);
            AddSource(actual);
            return (int)condition;
        }

        if (!CanMergeLoad(b, width) && TryMergeLoad(a, width, out var address))
        {
            var right = UseWidth(b, width);
            Begin(X64Opcode.CompareMemory, width);
            Add(right, OperandKind.Use);
            AddAddress(address);
            return (int)condition;
        }

        var second = SourceOf(b, width);
        var first = UseWidth(a, width);
        Begin(X64Opcode.Compare, width);
        Add(first, OperandKind.Use);
        AddSource(second);
        return (int)condition;
    }

    // Loops are often left when the counter, before its step, equals a constant. Comparing the counter after the step leaves nobody who asks for the old one,
    // so that it can be stepped in place: no move on the back edge, hence no block for that move and no jump out of it. Equality alone stands wrapping.
    private void CompareAfterStep(ref Value value, ref int immediate, int width)
    {
        ref var branch = ref _ir.Get(_root);
        if (branch.Opcode != IrOpcode.BranchIf || _ir.Get(value).Opcode != IrOpcode.BlockParameter || LivesOn(value))
        {
            return;
        }

        for (var k = 0; k < 2; k++)
        {
            var edge = new Edge(k == 0 ? branch.B : branch.C);
            var target = _ir.Edges[edge].To;
            if (_ir.Links[value].Block != target)
            {
                continue;
            }

            var parameter = _ir.Blocks[target].First;
            foreach (var argument in _ir.ArgumentsOf(edge))
            {
                ref var step = ref _ir.Get(argument);
                if (parameter == value && step.Opcode == IrOpcode.Add && step.A == value && IsImmediate(step.ValueB, out var amount))
                {
                    var sum = (long)immediate + amount;
                    if (width == 4 || Fits(sum))
                    {
                        value = argument;
                        immediate = (int)sum;
                    }

                    return;
                }

                parameter = _ir.Links[parameter].Next;
            }
        }
    }

    private void EmitTest(Value value, int width)
    {
        var v = UseWidth(value, width);
        Begin(X64Opcode.Test, width);
        Add(v, OperandKind.Use);
        Add(v, OperandKind.Use);
    }

    // Flags for "value is not zero".
    private int LowerTest(Value value, int width)
    {
        ref var instruction = ref _ir.Get(value);
        if (instruction.Opcode == IrOpcode.And && IsMergeable(value))
        {
            _merged[value] = true;
            if (_ir.IsConstant(instruction.ValueB, out var mask))
            {
                return LowerTestMask(instruction.ValueA, mask, width);
            }

            // x & (1 << n), x & (y >> n & 1) and so on.
            if (TryLowerBitTest(instruction.ValueA, instruction.ValueB, width, out var condition) || TryLowerBitTest(instruction.ValueB, instruction.ValueA, width, out condition))
            {
                return condition;
            }

            var left = UseWidth(instruction.ValueA, width);
            var right = UseWidth(instruction.ValueB, width);
            Begin(X64Opcode.Test, width);
            Add(left, OperandKind.Use);
            Add(right, OperandKind.Use);
            return (int)Condition.NotEqual;
        }

        ref var load = ref _ir.Get(value);
        if (load.Opcode is IrOpcode.Load or IrOpcode.LoadVm && TryMergeLoad(value, load.Access.Width, out var address))
        {
            Begin(X64Opcode.CompareImmediate, load.Access.Width);
            AddAddress(address);
            return (int)Condition.NotEqual;
        }

        EmitTest(value, width);
        return (int)Condition.NotEqual;
    }

    private int LowerTestMask(Value value, ulong mask, int width)
    {
        ref var inner = ref _ir.Get(value);
        var shift = inner.Opcode is IrOpcode.ShiftRightUnsigned or IrOpcode.ShiftRightSigned && mask == 1 && IsMergeable(value);
        if (shift && !_ir.IsConstant(inner.ValueB, out _))
        {
            // (x >> n) & 1
            _merged[value] = true;
            var bit = UseLowBits(inner.ValueB, width == 4 ? 5 : 6);
            var v = UseWidth(inner.ValueA, width);
            Begin(X64Opcode.BitTest, width);
            Add(v, OperandKind.Use);
            Add(bit, OperandKind.Use);
            return (int)Condition.Below;
        }

        if (shift && _ir.IsConstant(inner.ValueB, out var count) && (count &= (ulong)(8 * width - 1)) is var amount)
        {
            _merged[value] = true;
            value = inner.ValueA;
            mask = 1UL << (int)amount;
        }

        if (width == 8 && mask <= uint.MaxValue && mask > int.MaxValue)
        {
            width = 4;
        }

        if (width == 8 && (long)mask != (int)mask)
        {
            if (BitOperations.IsPow2(mask))
            {
                var v = Use(value);
                Begin(X64Opcode.BitTestImmediate, 8, immediate: BitOperations.Log2(mask));
                Add(v, OperandKind.Use);
                return (int)Condition.Below;
            }

            var constant = LoadConstant(MachineType.I64, mask);
            var other = Use(value);
            Begin(X64Opcode.Test, 8);
            Add(other, OperandKind.Use);
            Add(constant, OperandKind.Use);
            return (int)Condition.NotEqual;
        }

        // A narrower test is shorter; in memory it must have the load's width.
        ref var load = ref _ir.Get(value);
        if (load.Opcode is IrOpcode.Load or IrOpcode.LoadVm)
        {
            var bytes = load.Access.Width;
            if ((bytes >= 4 ? bytes == width : !load.Access.Signed && mask >> (8 * bytes) == 0) && TryMergeLoad(value, bytes, out var address))
            {
                Begin(X64Opcode.TestImmediate, bytes, immediate: (int)mask);
                AddAddress(address);
                return (int)Condition.NotEqual;
            }
        }

        var operand = UseWidth(value, width);
        Begin(X64Opcode.TestImmediate, width, immediate: (int)mask);
        Add(operand, OperandKind.UseAny);
        return (int)Condition.NotEqual;
    }

    private bool TryLowerBitTest(Value value, Value other, int width, out int condition)
    {
        ref var instruction = ref _ir.Get(other);
        condition = (int)Condition.Below;
        if (instruction.Opcode != IrOpcode.ShiftLeft || !IsMergeable(other) || !_ir.IsConstant(instruction.ValueA, out var one) || one != 1)
        {
            return false;
        }

        _merged[other] = true;
        var bit = UseLowBits(instruction.ValueB, width == 4 ? 5 : 6);
        var v = UseWidth(value, width);
        Begin(X64Opcode.BitTest, width);
        Add(v, OperandKind.Use);
        Add(bit, OperandKind.Use);
        return true;
    }

    // ucomis sets CF for less, ZF for equal, and ZF, PF and CF for unordered: only "above" and "above or equal" are false when unordered.
    private int LowerCompareFloat(ref IrInstruction instruction)
    {
        var width = WidthOf(_ir.TypeOf(instruction.ValueA));
        var a = instruction.ValueA;
        var b = instruction.ValueB;
        int condition;
        switch (instruction.FloatCondition)
        {
            case FloatCondition.Equal:
                condition = (int)X64Condition.EqualOrdered;
                break;
            case FloatCondition.NotEqual:
                condition = (int)X64Condition.NotEqualOrUnordered;
                break;
            case FloatCondition.Less:
                (a, b) = (b, a);
                condition = (int)Condition.Above;
                break;
            case FloatCondition.NotLess:
                (a, b) = (b, a);
                condition = (int)Condition.BelowEqual;
                break;
            case FloatCondition.LessEqual:
                (a, b) = (b, a);
                condition = (int)Condition.AboveEqual;
                break;
            case FloatCondition.NotLessEqual:
                (a, b) = (b, a);
                condition = (int)Condition.Below;
                break;
            case FloatCondition.Greater:
                condition = (int)Condition.Above;
                break;
            case FloatCondition.NotGreater:
                condition = (int)Condition.BelowEqual;
                break;
            case FloatCondition.GreaterEqual:
                condition = (int)Condition.AboveEqual;
                break;
            default:
                condition = (int)Condition.Below;
                break;
        }

        var source = SourceOf(b, width);
        var left = Use(a);
        Begin(X64Opcode.VectorCompare, width, immediate: (int)(width == 4 ? SseOp.Ucomiss : SseOp.Ucomisd));
        Add(left, OperandKind.Use);
        AddSource(source);
        return condition;
    }

    // The register is cleared before the comparison, which keeps it apart from what is compared: neither a dependency on what was in it nor a movzx.
    private void LowerSetInteger(Value i, ref IrInstruction instruction)
    {
        var zero = _machine.NewVirtualRegister(MachineType.I32);
        Begin(X64Opcode.LoadConstant, 4, immediate: _machine.Constants.Add(0));
        Add(zero, OperandKind.Def);
        var condition = LowerCompareInteger(ref instruction);
        Begin(X64Opcode.Set, 4, condition);
        _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
        Add(_virtual[i], OperandKind.DefTied);
        Add(zero, OperandKind.UseTied);
    }

    private void LowerSet(Value i, int condition)
    {
        Begin(X64Opcode.Set, 4, condition);
        _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
        Add(_virtual[i], OperandKind.Def);
    }

    // value + (x < y), value + (x = 0) and value + (x ≠ 0) by way of the carry flag.
    private bool TryLowerAddCarry(Value i, int width, Value value, Value bit)
    {
        bit = SkipExtension(bit, out var compare);
        if (bit < 0)
        {
            return false;
        }

        ref var comparison = ref _ir.Get(compare);
        var op = AluOp.Adc;
        var immediate = 0;
        Value left = comparison.ValueA, right = comparison.ValueB;
        var isZero = _ir.IsConstant(right, out var constant) && constant == 0;
        switch (comparison.IntegerCondition)
        {
            case IntegerCondition.LessUnsigned when !isZero:
                break;
            case IntegerCondition.GreaterUnsigned when !isZero && !_ir.IsConstant(right, out _):
                (left, right) = (right, left);
                break;
            case IntegerCondition.Equal when isZero:
                break;
            case IntegerCondition.NotEqual when isZero:
                op = AluOp.Sbb;
                immediate = -1;
                break;
            default:
                return false;
        }

        _merged[compare] = true;
        _merged[bit] = true;
        var sum = UseWidth(value, width);
        var size = WidthOf(_ir.TypeOf(left));
        if (isZero)
        {
            // 0 alone is below 1.
            LowerCompareBelow(left, size, 1);
        }
        else if (IsImmediate(right, out var limit))
        {
            LowerCompareBelow(left, size, limit);
        }
        else
        {
            var second = SourceOf(right, size);
            var first = UseWidth(left, size);
            Begin(X64Opcode.Compare, size);
            Add(first, OperandKind.Use);
            AddSource(second);
        }

        EmitTiedImmediate(X64Opcode.AluImmediate, i, width, (int)op, sum, immediate);
        _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
        return true;
    }

    // The comparison behind a 0 or 1 that may be extended; none unless all of it may be merged.
    private Value SkipExtension(Value bit, out Value compare)
    {
        compare = bit;
        if (!IsMergeable(bit))
        {
            return Value.None;
        }

        if (_ir.Get(bit).Opcode == IrOpcode.ExtendUnsigned)
        {
            compare = _ir.Get(bit).ValueA;
        }

        return IsMergeable(compare) && _ir.Get(compare).Opcode == IrOpcode.CompareInteger ? bit : Value.None;
    }

    private void LowerCompareBelow(Value left, int width, int limit)
    {
        ref var load = ref _ir.Get(left);
        if (load.Opcode is IrOpcode.Load or IrOpcode.LoadVm && load.Access.Width == 1 && !load.Access.Signed && (uint)limit <= 0xFF && TryMergeLoad(left, 1, out var narrow))
        {
            Begin(X64Opcode.CompareImmediate, 1, immediate: (sbyte)limit);
            AddAddress(narrow);
            return;
        }

        var source = SourceOf(left, width);
        Begin(X64Opcode.CompareImmediate, width, immediate: limit);
        AddSource(source);
    }

    private void EmitTrapIf(int condition, int code)
    {
        Begin(X64Opcode.TrapIf, 0, condition, aux: code);
        _machine.Instructions[_open].Flags = MachineFlags.ReadsFlags;
    }

    private void LowerBoundsCheck(Value i, ref IrInstruction instruction)
    {
        var code = instruction.Aux;
        var extent = (ulong)instruction.Offset;
        var isNarrow = _ir.TypeOf(instruction.ValueA) == IrType.I32;
        if (_ir.IsConstant(instruction.ValueA, out var bits) && extent + bits >= bits && extent + bits <= int.MaxValue)
        {
            var length = SourceOf(instruction.ValueB, 8);
            Begin(X64Opcode.CompareImmediate, 8, immediate: (int)(extent + bits));
            AddSource(length);
            EmitTrapIf((int)Condition.Below, code);
            return;
        }

        var limit = SourceOf(instruction.ValueB, 8);
        var value = Use(instruction.ValueA);
        if (extent <= 1)
        {
            Begin(X64Opcode.Compare, 8);
            Add(value, OperandKind.Use);
            AddSource(limit);
            EmitTrapIf((int)(extent == 1 ? Condition.AboveEqual : Condition.Above), code);
            return;
        }

        Begin(X64Opcode.BoundsCheck, isNarrow ? 4 : 8, immediate: (int)extent, aux: code);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(value, OperandKind.Use);
        AddSource(limit);
        _ = i;
    }
}

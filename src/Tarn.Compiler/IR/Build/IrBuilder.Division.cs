// Division and remainder: by constants without dividing (Granlund and Montgomery, "Division by Invariant Integers using Multiplication", 1994; Warren,
// Hacker's Delight, chapter 10), otherwise with what is known of the operands in the instruction, so that only the checks that can fail are emitted.
using System.Numerics;

namespace Tarn.Compiler.IR.Build;

/// <content>Division.</content>
internal sealed partial class IrBuilder
{
    private Value Divide(IrOpcode opcode, IrType type, Value a, Value b)
    {
        var signed = opcode is IrOpcode.DivSigned or IrOpcode.RemSigned;
        if (IsConstant(b, out var divisor))
        {
            if (IsConstant(a, out var dividend) && ConstantFolder.TryInteger(opcode, type, dividend, divisor, out var folded))
            {
                return Constant(type, folded);
            }

            if (divisor != 0)
            {
                return signed ? DivideSigned(opcode, type, a, divisor) : DivideUnsigned(opcode, type, a, divisor);
            }
        }

        var facts = DivisionFacts.None;
        if (signed)
        {
            var most = type == IrType.I32 ? int.MaxValue : (ulong)long.MaxValue;
            if (MaximumOf(a) <= most || MaximumOf(b) <= most)
            {
                facts |= DivisionFacts.NoOverflow;
                if (MaximumOf(a) <= most && MaximumOf(b) <= most)
                {
                    opcode = opcode == IrOpcode.DivSigned ? IrOpcode.DivUnsigned : IrOpcode.RemUnsigned;
                    facts = DivisionFacts.None;
                }
            }
        }

        return Numbered(opcode, type, a, b, aux: (byte)facts);
    }

    private Value DivideUnsigned(IrOpcode opcode, IrType type, Value a, ulong divisor)
    {
        var remainder = opcode == IrOpcode.RemUnsigned;
        if (BitOperations.IsPow2(divisor))
        {
            return remainder
                ? Binary(IrOpcode.And, type, a, Constant(type, divisor - 1))
                : Binary(IrOpcode.ShiftRightUnsigned, type, a, Constant(type, (ulong)BitOperations.Log2(divisor)));
        }

        var quotient = type == IrType.I32 ? QuotientU32(a, (uint)divisor) : QuotientU64(a, divisor);
        return remainder ? Binary(IrOpcode.Sub, type, a, Binary(IrOpcode.Mul, type, quotient, Constant(type, divisor))) : quotient;
    }

    // With m = ceil(2^(32+s) / d), floor(x · m / 2^(32+s)) is the quotient whenever m · d - 2^(32+s) <= 2^s.
    private Value QuotientU32(Value a, uint divisor)
    {
        var wide = Unary(IrOpcode.ExtendUnsigned, IrType.I64, a);
        for (var s = 0; s <= 31; s++)
        {
            var power = 1UL << (32 + s);
            var magic = (power / divisor) + 1;
            if (magic > uint.MaxValue)
            {
                break;
            }

            if ((magic * divisor) - power <= 1UL << s)
            {
                var product = Binary(IrOpcode.Mul, IrType.I64, wide, Constant(IrType.I64, magic));
                return Unary(IrOpcode.Wrap, IrType.I32, Binary(IrOpcode.ShiftRightUnsigned, IrType.I64, product, I64(32 + s)));
            }
        }

        // The multiplier does not fit 32 bits; at 64 bits it always does: m = ceil(2^64 / d) errs by less than d, and x · d < 2^64.
        var high = Numbered(IrOpcode.MulHighUnsigned, IrType.I64, wide, Constant(IrType.I64, (ulong.MaxValue / divisor) + 1));
        return Unary(IrOpcode.Wrap, IrType.I32, high);
    }

    private Value QuotientU64(Value a, ulong divisor)
    {
        if (divisor > 1UL << 63)
        {
            // It goes in once or not at all; and its multiplier would be computed from 2^128.
            return Unary(IrOpcode.ExtendUnsigned, IrType.I64, Compare(IntegerCondition.GreaterEqualUnsigned, a, Constant(IrType.I64, divisor)));
        }

        var trailing = BitOperations.TrailingZeroCount(divisor);
        if (TryMagicU64(divisor, 64, out var magic, out var shift))
        {
            return HighShifted(a, magic, shift);
        }

        if (trailing > 0 && TryMagicU64(divisor >> trailing, 64 - trailing, out magic, out shift))
        {
            // An even divisor: with the dividend halved first there is room for the multiplier.
            return HighShifted(Binary(IrOpcode.ShiftRightUnsigned, IrType.I64, a, I64(trailing)), magic, shift);
        }

        // m = 2^64 + magic: floor((((x - h) / 2) + h) / 2^(s-1)) with h = floor(x · magic / 2^64).
        var log = BitOperations.Log2(divisor);
        var bits = (UInt128.One << (64 + log + 1)) / divisor;
        var low = (ulong)(bits - (UInt128.One << 64)) + 1;
        var high = Numbered(IrOpcode.MulHighUnsigned, IrType.I64, a, Constant(IrType.I64, low));
        var half = Binary(IrOpcode.ShiftRightUnsigned, IrType.I64, Binary(IrOpcode.Sub, IrType.I64, a, high), I64(1));
        return Binary(IrOpcode.ShiftRightUnsigned, IrType.I64, Binary(IrOpcode.Add, IrType.I64, half, high), I64(log));
    }

    // A multiplier of 64 bits that is exact for dividends of the given number of bits.
    private static bool TryMagicU64(ulong divisor, int bits, out ulong magic, out int shift)
    {
        for (shift = 0; shift < 64; shift++)
        {
            var power = UInt128.One << (64 + shift);
            var candidate = (power / divisor) + 1;
            if (candidate > ulong.MaxValue)
            {
                break;
            }

            // x < 2^bits, so the error x · e stays below 2^(64+shift) if e <= 2^(64 + shift - bits).
            if ((candidate * divisor) - power <= UInt128.One << (64 + shift - bits))
            {
                magic = (ulong)candidate;
                return true;
            }
        }

        magic = 0;
        return false;
    }

    private Value HighShifted(Value a, ulong magic, int shift)
    {
        var high = Numbered(IrOpcode.MulHighUnsigned, IrType.I64, a, Constant(IrType.I64, magic));
        return Binary(IrOpcode.ShiftRightUnsigned, IrType.I64, high, I64(shift));
    }

    private Value DivideSigned(IrOpcode opcode, IrType type, Value a, ulong bits)
    {
        var width = type == IrType.I32 ? 32 : 64;
        var divisor = type == IrType.I32 ? (int)bits : (long)bits;
        var remainder = opcode == IrOpcode.RemSigned;
        var most = type == IrType.I32 ? int.MaxValue : (ulong)long.MaxValue;
        if (divisor > 0 && MaximumOf(a) <= most)
        {
            return DivideUnsigned(remainder ? IrOpcode.RemUnsigned : IrOpcode.DivUnsigned, type, a, bits);
        }

        if (divisor == 1 || (divisor == -1 && remainder))
        {
            return remainder ? Constant(type, 0) : a;
        }

        if (divisor == -1)
        {
            // Overflows for the smallest integer, and must trap then.
            return Numbered(opcode, type, a, Constant(type, bits), aux: (byte)DivisionFacts.DivisorNotZero);
        }

        var magnitude = divisor < 0 ? 0 - (ulong)divisor : (ulong)divisor;
        Value quotient;
        if (BitOperations.IsPow2(magnitude))
        {
            // Add 2^k - 1 to negative dividends, so that the shift rounds towards zero.
            var k = BitOperations.Log2(magnitude);
            var sign = k == 1 ? a : Binary(IrOpcode.ShiftRightSigned, type, a, Constant(type, (ulong)(width - 1)));
            var bias = Binary(IrOpcode.ShiftRightUnsigned, type, sign, Constant(type, (ulong)(width - k)));
            var biased = Binary(IrOpcode.Add, type, a, bias);
            if (remainder)
            {
                var mask = (0 - magnitude) & (type == IrType.I32 ? uint.MaxValue : ulong.MaxValue);
                return Binary(IrOpcode.Sub, type, a, Binary(IrOpcode.And, type, biased, Constant(type, mask)));
            }

            quotient = Binary(IrOpcode.ShiftRightSigned, type, biased, Constant(type, (ulong)k));
        }
        else
        {
            quotient = type == IrType.I32 ? QuotientS32(a, (uint)magnitude) : QuotientS64(a, magnitude);
            if (remainder)
            {
                // The sign of the divisor does not matter.
                return Binary(IrOpcode.Sub, type, a, Binary(IrOpcode.Mul, type, quotient, Constant(type, magnitude)));
            }
        }

        return divisor < 0 ? Binary(IrOpcode.Sub, type, Constant(type, 0), quotient) : quotient;
    }

    // With s = ceil(log2 d) - 1 and m = floor(2^(32+s) / d) + 1 the product fits 64 bits; negative dividends round down, so their sign is taken off.
    private Value QuotientS32(Value a, uint divisor)
    {
        var s = BitOperations.Log2(divisor);
        var magic = ((1UL << (32 + s)) / divisor) + 1;
        var product = Binary(IrOpcode.Mul, IrType.I64, Unary(IrOpcode.ExtendSigned, IrType.I64, a), Constant(IrType.I64, magic));
        var high = Unary(IrOpcode.Wrap, IrType.I32, Binary(IrOpcode.ShiftRightSigned, IrType.I64, product, I64(32 + s)));
        return Binary(IrOpcode.Sub, IrType.I32, high, Binary(IrOpcode.ShiftRightSigned, IrType.I32, a, I32(31)));
    }

    private Value QuotientS64(Value a, ulong divisor)
    {
        var s = BitOperations.Log2(divisor);
        var magic = (ulong)((UInt128.One << (64 + s)) / divisor) + 1;
        var high = Numbered(IrOpcode.MulHighSigned, IrType.I64, a, Constant(IrType.I64, magic));
        if (magic > long.MaxValue)
        {
            // Taken as signed, the multiplier is 2^64 too small.
            high = Binary(IrOpcode.Add, IrType.I64, high, a);
        }

        var shifted = Binary(IrOpcode.ShiftRightSigned, IrType.I64, high, I64(s));
        return Binary(IrOpcode.Sub, IrType.I64, shifted, Binary(IrOpcode.ShiftRightSigned, IrType.I64, a, I64(63)));
    }
}

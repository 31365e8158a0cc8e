// What can be told of a value from the few instructions that make it: an upper bound, low zero bits. Bounded in depth, so cheap enough to ask while building.
// Folding address arithmetic into offsets hangs on these facts: an addition that may wrap must not be folded, since the access would then touch
// other memory than the program asked for (see FoldAddress).
using System.Numerics;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Frontend;

/// <content>Facts about values.</content>
internal sealed partial class IrBuilder
{
    private const int FactDepth = 4;

    /// <summary>An upper bound of an integer value, taken as unsigned.</summary>
    public ulong MaximumOf(int value, int depth = FactDepth)
    {
        ref var i = ref Function.Get(value);
        var all = i.Type == IrType.I32 ? uint.MaxValue : ulong.MaxValue;
        if (i.Opcode == IrOpcode.Constant)
        {
            return i.Bits;
        }

        if (depth == 0)
        {
            return all;
        }

        depth--;
        var width = i.Type == IrType.I32 ? 32 : 64;
        switch (i.Opcode)
        {
            case IrOpcode.CompareInteger or IrOpcode.CompareFloat:
                return 1;
            case IrOpcode.CountLeadingZeros or IrOpcode.CountTrailingZeros or IrOpcode.PopulationCount:
                return (ulong)width;
            case IrOpcode.Load or IrOpcode.LoadVm or IrOpcode.AtomicLoad or IrOpcode.AtomicReadModifyWrite or IrOpcode.AtomicCompareExchange:
                return i.Access.Signed || i.Access.Width * 8 >= width ? all : (1UL << (i.Access.Width * 8)) - 1;
            case IrOpcode.ExtendUnsigned:
                return MaximumOf(i.A, depth);
            case IrOpcode.Wrap:
                return Math.Min(MaximumOf(i.A, depth), all);
            case IrOpcode.And:
                return Math.Min(MaximumOf(i.A, depth), MaximumOf(i.B, depth));
            case IrOpcode.Or or IrOpcode.Xor:
                return Smear(MaximumOf(i.A, depth) | MaximumOf(i.B, depth));
            case IrOpcode.Add:
                {
                    var a = MaximumOf(i.A, depth);
                    var b = MaximumOf(i.B, depth);
                    return b <= all - Math.Min(a, all) ? a + b : all;
                }

            case IrOpcode.Mul:
                {
                    var high = Math.BigMul(MaximumOf(i.A, depth), MaximumOf(i.B, depth), out ulong low);
                    return high == 0 && low <= all ? low : all;
                }

            case IrOpcode.ShiftLeft when IsConstant(i.B, out var left):
                {
                    var a = MaximumOf(i.A, depth);
                    var shift = (int)left & (width - 1);
                    return a <= all >> shift ? a << shift : all;
                }

            case IrOpcode.ShiftRightUnsigned when IsConstant(i.B, out var right):
                return MaximumOf(i.A, depth) >> ((int)right & (width - 1));
            case IrOpcode.ShiftRightSigned when IsConstant(i.B, out var arithmetic):
                {
                    var a = MaximumOf(i.A, depth);
                    return a <= all >> 1 ? a >> ((int)arithmetic & (width - 1)) : all;
                }

            case IrOpcode.RemUnsigned when IsConstant(i.B, out var modulus) && modulus != 0:
                return modulus - 1;
            case IrOpcode.DivUnsigned when IsConstant(i.B, out var divisor) && divisor != 0:
                return MaximumOf(i.A, depth) / divisor;
            case IrOpcode.Select:
                return Math.Max(MaximumOf(i.B, depth), MaximumOf(i.C, depth));
            default:
                return all;
        }
    }

    /// <summary>A number of low bits of an integer value that are zero.</summary>
    public int TrailingZerosOf(int value, int depth = FactDepth)
    {
        ref var i = ref Function.Get(value);
        var width = i.Type == IrType.I32 ? 32 : 64;
        if (i.Opcode == IrOpcode.Constant)
        {
            return Math.Min(width, BitOperations.TrailingZeroCount(i.Bits));
        }

        if (depth == 0)
        {
            return 0;
        }

        depth--;
        return i.Opcode switch
        {
            IrOpcode.And => Math.Max(TrailingZerosOf(i.A, depth), TrailingZerosOf(i.B, depth)),
            IrOpcode.Or or IrOpcode.Xor or IrOpcode.Add or IrOpcode.Sub => Math.Min(TrailingZerosOf(i.A, depth), TrailingZerosOf(i.B, depth)),
            IrOpcode.Mul => Math.Min(width, TrailingZerosOf(i.A, depth) + TrailingZerosOf(i.B, depth)),
            IrOpcode.ShiftLeft when IsConstant(i.B, out var shift) => Math.Min(width, TrailingZerosOf(i.A, depth) + ((int)shift & (width - 1))),
            IrOpcode.Select => Math.Min(TrailingZerosOf(i.B, depth), TrailingZerosOf(i.C, depth)),
            _ => 0,
        };
    }

    /// <summary>
    /// Moves constants that are added to an index into the offset, as long as index + offset as mathematical integers stays the same and the offset at or below
    /// <paramref name="limit"/>. An i32 addition is folded only if it provably does not wrap.
    /// </summary>
    public void FoldAddress(ref int index, ref ulong offset, ulong limit)
    {
        while (true)
        {
            ref var i = ref Function.Get(index);
            ulong constant;
            if (i.Opcode == IrOpcode.Add && IsConstant(i.B, out constant))
            {
                var all = i.Type == IrType.I32 ? uint.MaxValue : ulong.MaxValue;
                if (MaximumOf(i.A) > all - constant)
                {
                    return;
                }
            }
            else if (i.Opcode == IrOpcode.Or && IsConstant(i.B, out constant))
            {
                // No carry: the constant only sets bits that are zero.
                var zeros = TrailingZerosOf(i.A);
                if (zeros < 64 && constant >> zeros != 0)
                {
                    return;
                }
            }
            else
            {
                return;
            }

            if (constant > limit || offset > limit - constant)
            {
                return;
            }

            offset += constant;
            index = i.A;
        }
    }

    private static ulong Smear(ulong bits) => bits == 0 ? 0 : ulong.MaxValue >> BitOperations.LeadingZeroCount(bits);
}

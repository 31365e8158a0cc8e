// Address arithmetic folded into offsets. Isolation hangs on it: an addition that may wrap must not be folded, since the access would then touch other memory than the program asked for.
// What is known of values comes from ValueRanges.
using Tarn.Compiler.IR.Analysis;

namespace Tarn.Compiler.IR.Build;

/// <content>Addresses.</content>
internal sealed partial class IrBuilder
{
    private readonly ValueRanges _ranges = new();

    /// <summary>An upper bound of an integer value, taken as unsigned.</summary>
    public ulong MaximumOf(Value value) => _ranges.UpperBound(value, ValueRanges.BuildingDepth);

    /// <summary>A number of low bits of an integer value that are zero.</summary>
    public int TrailingZerosOf(Value value) => _ranges.TrailingZeros(value, ValueRanges.BuildingDepth);

    /// <summary>
    /// Moves constants that are added to an index into the offset, as long as index + offset as mathematical integers stays the same and the offset at or below
    /// <paramref name="limit"/>. An i32 addition is folded only if it provably does not wrap.
    /// </summary>
    public void FoldAddress(ref Value index, ref ulong offset, ulong limit)
    {
        while (true)
        {
            ref var i = ref Function.Get(index);
            ulong constant;
            if (i.Opcode == IrOpcode.Add && IsConstant(i.ValueB, out constant))
            {
                var all = i.Type == IrType.I32 ? uint.MaxValue : ulong.MaxValue;
                if (MaximumOf(i.ValueA) > all - constant)
                {
                    return;
                }
            }
            else if (i.Opcode == IrOpcode.Or && IsConstant(i.ValueB, out constant))
            {
                // No carry: the constant only sets bits that are zero.
                var zeros = TrailingZerosOf(i.ValueA);
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
            index = i.ValueA;
        }
    }
}

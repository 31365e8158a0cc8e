// Shuffles with constant lanes: one instruction where there is one, cheapest first; then a lookup of bytes by a constant, or two and their union. The order matters only for cost.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Shuffles.</content>
internal sealed partial class X64Lowering
{
    private void LowerShuffle(VReg to, Value a, Value b, UInt128 lanes)
    {
        var zeros = 0;
        if (a != b && _ir.Get(b).Opcode == IrOpcode.Constant)
        {
            var constant = _ir.Vectors[_ir.Get(b).A];
            for (var k = 0; k < 16; k++)
            {
                zeros |= VectorLanes.Byte(constant, k) == 0 ? 1 << k : 0;
            }
        }

        var shuffle = ShuffleLanes.Create(lanes, zeros);
        if (shuffle.IsUnary())
        {
            ShuffleOne(to, a, in shuffle);
        }
        else if (shuffle.IsUnaryOrZero())
        {
            ShuffleWithZeros(to, a, in shuffle);
        }
        else if (!TryShuffleTwo(to, a, b, in shuffle) && !TryShuffleTwo(to, b, a, shuffle.Swapped()))
        {
            ShuffleAny(to, a, b, lanes, in shuffle);
        }
    }

    private void ShuffleOne(VReg to, Value value, in ShuffleLanes lanes)
    {
        Span<int> units = stackalloc int[16];
        if (lanes.TryUnits(4, units))
        {
            EmitMap(to, SseOp.Pshufd, VectorSource(value), Select(units));
        }
        else if (lanes.TryUnits(2, units) && IsInPlace(units[4..8], 4) && AreWithin(units[..4], 0, 4))
        {
            EmitMap(to, SseOp.Pshuflw, VectorSource(value), Select(units));
        }
        else if (lanes.TryUnits(2, units) && IsInPlace(units[..4], 0) && AreWithin(units[4..8], 4, 8))
        {
            EmitMap(to, SseOp.Pshufhw, VectorSource(value), Select(units[4..8]));
        }
        else if (HasAvx2 && lanes.TryUnits(2, units) && !units[..8].ContainsAnyExcept(0))
        {
            EmitMap(to, SseOp.Vpbroadcastw, VectorSource(value));
        }
        else if (HasAvx2 && lanes.TryUnits(1, units) && !units.ContainsAnyExcept(0))
        {
            EmitMap(to, SseOp.Vpbroadcastb, VectorSource(value));
        }
        else if (FindUnpack(in lanes, isUnary: true) is var unpack && unpack != X64VectorTable.None)
        {
            var v = Use(value);
            EmitBinary(to, unpack, v, Of(v));
        }
        else if (lanes.IsRotation(isUnary: true, out var first))
        {
            var v = Use(value);
            EmitBinaryImmediate(to, SseOp.Palignr, v, Of(v), first);
        }
        else
        {
            EmitBinary(to, SseOp.Pshufb, Use(value), ConstantVector(lanes.ToMask(isSecond: false)));
        }
    }

    private void ShuffleWithZeros(VReg to, Value value, in ShuffleLanes lanes)
    {
        if (lanes.IsByteShift(out var distance))
        {
            EmitShift(to, distance > 0 ? SseOp.PslldqImm : SseOp.PsrldqImm, Use(value), Math.Abs(distance));
        }
        else if (lanes.IsZeroExtension(8, 16))
        {
            EmitMap(to, SseOp.MovqXmm, SourceOf(value, 8));
        }
        else if (FindZeroExtension(in lanes) is var extension && extension != X64VectorTable.None)
        {
            EmitMap(to, extension, Of(Use(value)));
        }
        else if (lanes.IsMask(out var kept))
        {
            EmitBinary(to, SseOp.Pand, Use(value), ConstantVector(kept));
        }
        else
        {
            EmitBinary(to, SseOp.Pshufb, Use(value), ConstantVector(lanes.ToMask(isSecond: false)));
        }
    }

    private static SseOp FindZeroExtension(in ShuffleLanes lanes)
        => lanes.IsZeroExtension(1, 2) ? SseOp.Pmovzxbw
            : lanes.IsZeroExtension(2, 4) ? SseOp.Pmovzxwd
            : lanes.IsZeroExtension(4, 8) ? SseOp.Pmovzxdq
            : lanes.IsZeroExtension(1, 4) ? SseOp.Pmovzxbd
            : lanes.IsZeroExtension(2, 8) ? SseOp.Pmovzxwq
            : lanes.IsZeroExtension(1, 8) ? SseOp.Pmovzxbq
            : X64VectorTable.None;

    private static SseOp FindUnpack(in ShuffleLanes lanes, bool isUnary)
        => lanes.IsUnpack(1, false, isUnary) ? SseOp.Punpcklbw
            : lanes.IsUnpack(2, false, isUnary) ? SseOp.Punpcklwd
            : lanes.IsUnpack(4, false, isUnary) ? SseOp.Punpckldq
            : lanes.IsUnpack(8, false, isUnary) ? SseOp.Punpcklqdq
            : lanes.IsUnpack(1, true, isUnary) ? SseOp.Punpckhbw
            : lanes.IsUnpack(2, true, isUnary) ? SseOp.Punpckhwd
            : lanes.IsUnpack(4, true, isUnary) ? SseOp.Punpckhdq
            : lanes.IsUnpack(8, true, isUnary) ? SseOp.Punpckhqdq
            : X64VectorTable.None;

    // One instruction on two sources in this order.
    private bool TryShuffleTwo(VReg to, Value a, Value b, in ShuffleLanes lanes)
    {
        var unpack = FindUnpack(in lanes, isUnary: false);
        if (unpack != X64VectorTable.None)
        {
            var second = VectorSource(b);
            EmitBinary(to, unpack, Use(a), second);
            return true;
        }

        Span<int> units = stackalloc int[16];
        if (lanes.IsBlend(out var fromSecond))
        {
            if (HasAvx2 && lanes.TryUnits(4, units))
            {
                var second = VectorSource(b);
                EmitBinaryImmediate(to, SseOp.Vpblendd, Use(a), second, Bits(units[..4], 4));
                return true;
            }

            if (lanes.TryUnits(2, units))
            {
                var second = VectorSource(b);
                EmitBinaryImmediate(to, SseOp.Pblendw, Use(a), second, Bits(units[..8], 8));
                return true;
            }

            if (HasAvx)
            {
                UInt128 mask = 0;
                for (var k = 0; k < 16; k++)
                {
                    mask |= VectorLanes.Place(((fromSecond >> k) & 1) != 0 ? 0xFFu : 0, 8, k);
                }

                var (x, y) = (Use(a), Use(b));
                EmitBlend(to, y, x, LoadVectorConstant(mask), VectorShape.I8x16);
                return true;
            }

            return false;
        }

        if (lanes.TryUnits(4, units))
        {
            // Two lanes of one, then two of the other.
            if (AreWithin(units[..2], 0, 4) && AreWithin(units[2..4], 4, 8))
            {
                var second = VectorSource(b);
                EmitBinaryImmediate(to, SseOp.Shufps, Use(a), second, Select(units));
                return true;
            }

            // All of one in their places but for a lane of the other.
            for (var k = 0; k < 4; k++)
            {
                if (units[k] >= 4 && CountInPlace(units[..4]) == 3)
                {
                    // In memory the source is a number and not a lane.
                    var (into, from) = (Use(a), Use(b));
                    Begin(X64Opcode.VectorBinaryImmediate, 16, ((units[k] & 3) << 6) | (k << 4), (int)SseOp.Insertps);
                    Add(to, DefinitionKind);
                    Add(into, FirstSourceKind);
                    Add(from, OperandKind.Use);
                    return true;
                }
            }
        }

        // From the first on into the second.
        if (lanes.IsRotation(isUnary: false, out var first) && first < 16)
        {
            var low = VectorSource(a);
            EmitBinaryImmediate(to, SseOp.Palignr, Use(b), low, first);
            return true;
        }

        return false;
    }

    private void ShuffleAny(VReg to, Value a, Value b, UInt128 bits, in ShuffleLanes lanes)
    {
        if ((_features & CpuFeatures.Avx512Vbmi) != 0)
        {
            var second = VectorSource(b);
            var first = Use(a);
            EmitTernary(to, SseOp.Vpermt2b, first, LoadVectorConstant(bits), second);
            return;
        }

        var left = Binary(SseOp.Pshufb, Use(a), ConstantVector(lanes.ToMask(isSecond: false)));
        EmitBinary(to, SseOp.Por, left, Of(Binary(SseOp.Pshufb, Use(b), ConstantVector(lanes.ToMask(isSecond: true)))));
    }

    // Four places of two bits.
    private static int Select(ReadOnlySpan<int> units) => (units[0] & 3) | ((units[1] & 3) << 2) | ((units[2] & 3) << 4) | ((units[3] & 3) << 6);

    // Which units are the second source's.
    private static int Bits(ReadOnlySpan<int> units, int count)
    {
        var bits = 0;
        for (var k = 0; k < units.Length; k++)
        {
            bits |= units[k] >= count ? 1 << k : 0;
        }

        return bits;
    }

    private static bool IsInPlace(ReadOnlySpan<int> units, int first)
    {
        for (var k = 0; k < units.Length; k++)
        {
            if (units[k] != first + k)
            {
                return false;
            }
        }

        return true;
    }

    private static int CountInPlace(ReadOnlySpan<int> units)
    {
        var count = 0;
        for (var k = 0; k < units.Length; k++)
        {
            count += units[k] == k ? 1 : 0;
        }

        return count;
    }

    private static bool AreWithin(ReadOnlySpan<int> units, int from, int to)
    {
        foreach (var unit in units)
        {
            if (unit < from || unit >= to)
            {
                return false;
            }
        }

        return true;
    }
}

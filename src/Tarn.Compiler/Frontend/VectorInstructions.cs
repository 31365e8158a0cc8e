// The vector instructions that become one operation of the IR, as a table by opcode: which operation, of which shape, with which condition; and, for relaxed
// ones, the operation that has one defined result. Loads, stores, constants and shuffles are translated by FunctionTranslator.Vectors.cs.
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Frontend;

/// <summary>A row: what an opcode becomes, and what it becomes where results have to be the same on every machine.</summary>
internal readonly record struct VectorInstruction(IrOpcode Operation, IrOpcode Deterministic, VectorShape Shape, byte Condition)
{
    private const int First = (int)Opcode.V128Load;
    private static readonly VectorInstruction[] s_table = Build();

    /// <summary>The row of an opcode; its operation is <see cref="IrOpcode.Nop"/> if there is none.</summary>
    public static ref readonly VectorInstruction Of(Opcode opcode) => ref s_table[(int)opcode - First];

    private static VectorInstruction[] Build()
    {
        var table = new VectorInstruction[0x200];
        AddLanes(table);
        AddComparisons(table);
        AddLogic(table);
        AddIntegers(table);
        AddWidths(table);
        AddFloats(table, VectorShape.F32x4, Opcode.F32x4Abs, Opcode.F32x4Ceil, Opcode.F32x4Floor, Opcode.F32x4Trunc, Opcode.F32x4Nearest);
        AddFloats(table, VectorShape.F64x2, Opcode.F64x2Abs, Opcode.F64x2Ceil, Opcode.F64x2Floor, Opcode.F64x2Trunc, Opcode.F64x2Nearest);
        AddConversions(table);
        AddRelaxed(table);
        return table;
    }

    private static void Add(VectorInstruction[] table, Opcode opcode, IrOpcode operation, VectorShape shape = default, int condition = 0, IrOpcode deterministic = IrOpcode.Nop)
        => table[(int)opcode - First] = new(operation, deterministic == IrOpcode.Nop ? operation : deterministic, shape, (byte)condition);

    private static Opcode At(Opcode first, int distance) => (Opcode)((int)first + distance);

    private static void AddLanes(VectorInstruction[] t)
    {
        for (var shape = VectorShape.I8x16; shape <= VectorShape.F64x2; shape++)
        {
            Add(t, At(Opcode.I8x16Splat, (int)shape), IrOpcode.VectorSplat, shape);
        }

        Add(t, Opcode.I8x16ExtractLaneS, IrOpcode.VectorExtractSigned, VectorShape.I8x16);
        Add(t, Opcode.I8x16ExtractLaneU, IrOpcode.VectorExtract, VectorShape.I8x16);
        Add(t, Opcode.I8x16ReplaceLane, IrOpcode.VectorReplace, VectorShape.I8x16);
        Add(t, Opcode.I16x8ExtractLaneS, IrOpcode.VectorExtractSigned, VectorShape.I16x8);
        Add(t, Opcode.I16x8ExtractLaneU, IrOpcode.VectorExtract, VectorShape.I16x8);
        Add(t, Opcode.I16x8ReplaceLane, IrOpcode.VectorReplace, VectorShape.I16x8);
        Add(t, Opcode.I32x4ExtractLane, IrOpcode.VectorExtract, VectorShape.I32x4);
        Add(t, Opcode.I32x4ReplaceLane, IrOpcode.VectorReplace, VectorShape.I32x4);
        Add(t, Opcode.I64x2ExtractLane, IrOpcode.VectorExtract, VectorShape.I64x2);
        Add(t, Opcode.I64x2ReplaceLane, IrOpcode.VectorReplace, VectorShape.I64x2);
        Add(t, Opcode.F32x4ExtractLane, IrOpcode.VectorExtract, VectorShape.F32x4);
        Add(t, Opcode.F32x4ReplaceLane, IrOpcode.VectorReplace, VectorShape.F32x4);
        Add(t, Opcode.F64x2ExtractLane, IrOpcode.VectorExtract, VectorShape.F64x2);
        Add(t, Opcode.F64x2ReplaceLane, IrOpcode.VectorReplace, VectorShape.F64x2);
        Add(t, Opcode.I8x16Swizzle, IrOpcode.VectorSwizzle);
    }

    private static void AddComparisons(VectorInstruction[] t)
    {
        ReadOnlySpan<IntegerCondition> integers =
        [
            IntegerCondition.Equal, IntegerCondition.NotEqual, IntegerCondition.LessSigned, IntegerCondition.LessUnsigned, IntegerCondition.GreaterSigned,
            IntegerCondition.GreaterUnsigned, IntegerCondition.LessEqualSigned, IntegerCondition.LessEqualUnsigned, IntegerCondition.GreaterEqualSigned,
            IntegerCondition.GreaterEqualUnsigned,
        ];
        for (var k = 0; k < integers.Length; k++)
        {
            Add(t, At(Opcode.I8x16Eq, k), IrOpcode.VectorCompare, VectorShape.I8x16, (int)integers[k]);
            Add(t, At(Opcode.I16x8Eq, k), IrOpcode.VectorCompare, VectorShape.I16x8, (int)integers[k]);
            Add(t, At(Opcode.I32x4Eq, k), IrOpcode.VectorCompare, VectorShape.I32x4, (int)integers[k]);
        }

        ReadOnlySpan<IntegerCondition> wide =
        [
            IntegerCondition.Equal, IntegerCondition.NotEqual, IntegerCondition.LessSigned, IntegerCondition.GreaterSigned, IntegerCondition.LessEqualSigned,
            IntegerCondition.GreaterEqualSigned,
        ];
        ReadOnlySpan<FloatCondition> floats =
            [FloatCondition.Equal, FloatCondition.NotEqual, FloatCondition.Less, FloatCondition.Greater, FloatCondition.LessEqual, FloatCondition.GreaterEqual];
        for (var k = 0; k < wide.Length; k++)
        {
            Add(t, At(Opcode.I64x2Eq, k), IrOpcode.VectorCompare, VectorShape.I64x2, (int)wide[k]);
            Add(t, At(Opcode.F32x4Eq, k), IrOpcode.VectorFloatCompare, VectorShape.F32x4, (int)floats[k]);
            Add(t, At(Opcode.F64x2Eq, k), IrOpcode.VectorFloatCompare, VectorShape.F64x2, (int)floats[k]);
        }
    }

    private static void AddLogic(VectorInstruction[] t)
    {
        Add(t, Opcode.V128Not, IrOpcode.VectorNot);
        Add(t, Opcode.V128And, IrOpcode.VectorAnd);
        Add(t, Opcode.V128Andnot, IrOpcode.VectorAndNot);
        Add(t, Opcode.V128Or, IrOpcode.VectorOr);
        Add(t, Opcode.V128Xor, IrOpcode.VectorXor);
        Add(t, Opcode.V128Bitselect, IrOpcode.VectorSelect);
        Add(t, Opcode.V128AnyTrue, IrOpcode.VectorAnyTrue);
    }

    // The pages of the integer shapes are laid out alike, with holes.
    private static void AddIntegers(VectorInstruction[] t)
    {
        for (var shape = VectorShape.I8x16; shape <= VectorShape.I64x2; shape++)
        {
            var page = (int)shape * (Opcode.I16x8Abs - Opcode.I8x16Abs);
            Add(t, At(Opcode.I8x16Abs, page), IrOpcode.VectorAbs, shape);
            Add(t, At(Opcode.I8x16Neg, page), IrOpcode.VectorNeg, shape);
            Add(t, At(Opcode.I8x16AllTrue, page), IrOpcode.VectorAllTrue, shape);
            Add(t, At(Opcode.I8x16Bitmask, page), IrOpcode.VectorBitMask, shape);
            Add(t, At(Opcode.I8x16Shl, page), IrOpcode.VectorShiftLeft, shape);
            Add(t, At(Opcode.I8x16ShrS, page), IrOpcode.VectorShiftRightSigned, shape);
            Add(t, At(Opcode.I8x16ShrU, page), IrOpcode.VectorShiftRightUnsigned, shape);
            Add(t, At(Opcode.I8x16Add, page), IrOpcode.VectorAdd, shape);
            Add(t, At(Opcode.I8x16Sub, page), IrOpcode.VectorSub, shape);
            if (shape != VectorShape.I8x16)
            {
                Add(t, At(Opcode.I8x16Add, page + (Opcode.I16x8Mul - Opcode.I16x8Add)), IrOpcode.VectorMul, shape);
            }

            if (shape <= VectorShape.I32x4)
            {
                Add(t, At(Opcode.I8x16MinS, page), IrOpcode.VectorMinSigned, shape);
                Add(t, At(Opcode.I8x16MinU, page), IrOpcode.VectorMinUnsigned, shape);
                Add(t, At(Opcode.I8x16MaxS, page), IrOpcode.VectorMaxSigned, shape);
                Add(t, At(Opcode.I8x16MaxU, page), IrOpcode.VectorMaxUnsigned, shape);
            }

            if (shape <= VectorShape.I16x8)
            {
                Add(t, At(Opcode.I8x16AddSatS, page), IrOpcode.VectorAddSaturateSigned, shape);
                Add(t, At(Opcode.I8x16AddSatU, page), IrOpcode.VectorAddSaturateUnsigned, shape);
                Add(t, At(Opcode.I8x16SubSatS, page), IrOpcode.VectorSubSaturateSigned, shape);
                Add(t, At(Opcode.I8x16SubSatU, page), IrOpcode.VectorSubSaturateUnsigned, shape);
                Add(t, At(Opcode.I8x16AvgrU, page), IrOpcode.VectorAverage, shape);
            }
        }

        Add(t, Opcode.I8x16Popcnt, IrOpcode.VectorPopulationCount, VectorShape.I8x16);
        Add(t, Opcode.I16x8Q15mulrSatS, IrOpcode.VectorMulRound, VectorShape.I16x8);
        Add(t, Opcode.I32x4DotI16x8S, IrOpcode.VectorDot, VectorShape.I32x4);
    }

    private static void AddWidths(VectorInstruction[] t)
    {
        Add(t, Opcode.I8x16NarrowI16x8S, IrOpcode.VectorNarrowSigned, VectorShape.I8x16);
        Add(t, Opcode.I8x16NarrowI16x8U, IrOpcode.VectorNarrowUnsigned, VectorShape.I8x16);
        Add(t, Opcode.I16x8NarrowI32x4S, IrOpcode.VectorNarrowSigned, VectorShape.I16x8);
        Add(t, Opcode.I16x8NarrowI32x4U, IrOpcode.VectorNarrowUnsigned, VectorShape.I16x8);
        Add(t, Opcode.I16x8ExtaddPairwiseI8x16S, IrOpcode.VectorAddPairsSigned, VectorShape.I16x8);
        Add(t, Opcode.I16x8ExtaddPairwiseI8x16U, IrOpcode.VectorAddPairsUnsigned, VectorShape.I16x8);
        Add(t, Opcode.I32x4ExtaddPairwiseI16x8S, IrOpcode.VectorAddPairsSigned, VectorShape.I32x4);
        Add(t, Opcode.I32x4ExtaddPairwiseI16x8U, IrOpcode.VectorAddPairsUnsigned, VectorShape.I32x4);
        for (var shape = VectorShape.I16x8; shape <= VectorShape.I64x2; shape++)
        {
            var page = ((int)shape - 1) * (Opcode.I32x4Abs - Opcode.I16x8Abs);
            Add(t, At(Opcode.I16x8ExtendLowI8x16S, page), IrOpcode.VectorExtendLowSigned, shape);
            Add(t, At(Opcode.I16x8ExtendHighI8x16S, page), IrOpcode.VectorExtendHighSigned, shape);
            Add(t, At(Opcode.I16x8ExtendLowI8x16U, page), IrOpcode.VectorExtendLowUnsigned, shape);
            Add(t, At(Opcode.I16x8ExtendHighI8x16U, page), IrOpcode.VectorExtendHighUnsigned, shape);
            Add(t, At(Opcode.I16x8ExtmulLowI8x16S, page), IrOpcode.VectorMulLowSigned, shape);
            Add(t, At(Opcode.I16x8ExtmulHighI8x16S, page), IrOpcode.VectorMulHighSigned, shape);
            Add(t, At(Opcode.I16x8ExtmulLowI8x16U, page), IrOpcode.VectorMulLowUnsigned, shape);
            Add(t, At(Opcode.I16x8ExtmulHighI8x16U, page), IrOpcode.VectorMulHighUnsigned, shape);
        }
    }

    private static void AddFloats(VectorInstruction[] t, VectorShape shape, Opcode abs, Opcode ceil, Opcode floor, Opcode trunc, Opcode nearest)
    {
        Add(t, abs, IrOpcode.VectorFloatAbs, shape);
        Add(t, At(abs, 1), IrOpcode.VectorFloatNeg, shape);
        Add(t, At(abs, 3), IrOpcode.VectorFloatSqrt, shape);
        Add(t, At(abs, 4), IrOpcode.VectorFloatAdd, shape);
        Add(t, At(abs, 5), IrOpcode.VectorFloatSub, shape);
        Add(t, At(abs, 6), IrOpcode.VectorFloatMul, shape);
        Add(t, At(abs, 7), IrOpcode.VectorFloatDiv, shape);
        Add(t, At(abs, 8), IrOpcode.VectorFloatMin, shape);
        Add(t, At(abs, 9), IrOpcode.VectorFloatMax, shape);
        Add(t, At(abs, 10), IrOpcode.VectorFloatPseudoMin, shape);
        Add(t, At(abs, 11), IrOpcode.VectorFloatPseudoMax, shape);
        Add(t, ceil, IrOpcode.VectorFloatCeil, shape);
        Add(t, floor, IrOpcode.VectorFloatFloor, shape);
        Add(t, trunc, IrOpcode.VectorFloatTrunc, shape);
        Add(t, nearest, IrOpcode.VectorFloatNearest, shape);
    }

    private static void AddConversions(VectorInstruction[] t)
    {
        Add(t, Opcode.I32x4TruncSatF32x4S, IrOpcode.VectorSaturateToSigned, VectorShape.F32x4);
        Add(t, Opcode.I32x4TruncSatF32x4U, IrOpcode.VectorSaturateToUnsigned, VectorShape.F32x4);
        Add(t, Opcode.I32x4TruncSatF64x2SZero, IrOpcode.VectorSaturateToSigned, VectorShape.F64x2);
        Add(t, Opcode.I32x4TruncSatF64x2UZero, IrOpcode.VectorSaturateToUnsigned, VectorShape.F64x2);
        Add(t, Opcode.F32x4ConvertI32x4S, IrOpcode.VectorFromSigned, VectorShape.F32x4);
        Add(t, Opcode.F32x4ConvertI32x4U, IrOpcode.VectorFromUnsigned, VectorShape.F32x4);
        Add(t, Opcode.F64x2ConvertLowI32x4S, IrOpcode.VectorFromSigned, VectorShape.F64x2);
        Add(t, Opcode.F64x2ConvertLowI32x4U, IrOpcode.VectorFromUnsigned, VectorShape.F64x2);
        Add(t, Opcode.F32x4DemoteF64x2Zero, IrOpcode.VectorDemote);
        Add(t, Opcode.F64x2PromoteLowF32x4, IrOpcode.VectorPromote);
    }

    private static void AddRelaxed(VectorInstruction[] t)
    {
        Add(t, Opcode.I8x16RelaxedSwizzle, IrOpcode.VectorSwizzleRelaxed, deterministic: IrOpcode.VectorSwizzle);
        Add(t, Opcode.I32x4RelaxedTruncF32x4S, IrOpcode.VectorToSignedRelaxed, VectorShape.F32x4, deterministic: IrOpcode.VectorSaturateToSigned);
        Add(t, Opcode.I32x4RelaxedTruncF32x4U, IrOpcode.VectorToUnsignedRelaxed, VectorShape.F32x4, deterministic: IrOpcode.VectorSaturateToUnsigned);
        Add(t, Opcode.I32x4RelaxedTruncF64x2SZero, IrOpcode.VectorToSignedRelaxed, VectorShape.F64x2, deterministic: IrOpcode.VectorSaturateToSigned);
        Add(t, Opcode.I32x4RelaxedTruncF64x2UZero, IrOpcode.VectorToUnsignedRelaxed, VectorShape.F64x2, deterministic: IrOpcode.VectorSaturateToUnsigned);
        for (var shape = VectorShape.I8x16; shape <= VectorShape.I64x2; shape++)
        {
            Add(t, At(Opcode.I8x16RelaxedLaneselect, (int)shape), IrOpcode.VectorSelectRelaxed, shape, deterministic: IrOpcode.VectorSelect);
        }

        Add(t, Opcode.F32x4RelaxedMadd, IrOpcode.VectorMultiplyAdd, VectorShape.F32x4);
        Add(t, Opcode.F32x4RelaxedNmadd, IrOpcode.VectorMultiplyAddNegated, VectorShape.F32x4);
        Add(t, Opcode.F64x2RelaxedMadd, IrOpcode.VectorMultiplyAdd, VectorShape.F64x2);
        Add(t, Opcode.F64x2RelaxedNmadd, IrOpcode.VectorMultiplyAddNegated, VectorShape.F64x2);
        Add(t, Opcode.F32x4RelaxedMin, IrOpcode.VectorFloatMinRelaxed, VectorShape.F32x4, deterministic: IrOpcode.VectorFloatMin);
        Add(t, Opcode.F32x4RelaxedMax, IrOpcode.VectorFloatMaxRelaxed, VectorShape.F32x4, deterministic: IrOpcode.VectorFloatMax);
        Add(t, Opcode.F64x2RelaxedMin, IrOpcode.VectorFloatMinRelaxed, VectorShape.F64x2, deterministic: IrOpcode.VectorFloatMin);
        Add(t, Opcode.F64x2RelaxedMax, IrOpcode.VectorFloatMaxRelaxed, VectorShape.F64x2, deterministic: IrOpcode.VectorFloatMax);
        Add(t, Opcode.I16x8RelaxedQ15mulrS, IrOpcode.VectorMulRoundRelaxed, VectorShape.I16x8, deterministic: IrOpcode.VectorMulRound);
        Add(t, Opcode.I16x8RelaxedDotI8x16I7x16S, IrOpcode.VectorDotRelaxed, VectorShape.I16x8);
        Add(t, Opcode.I32x4RelaxedDotI8x16I7x16AddS, IrOpcode.VectorDotAddRelaxed, VectorShape.I32x4);
    }
}

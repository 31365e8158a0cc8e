// One row for each opcode: text, operand rules, effects. Passes ask this table instead of listing opcodes, so that a new opcode is
// added here and nowhere forgotten. Invariant: the rows are in the order of IrOpcode (checked by the static constructor).
namespace Tarn.Compiler.IR;

/// <summary>The rule that a value operand obeys.</summary>
internal enum OperandRule : byte
{
    /// <summary>The field is not a value.</summary>
    None,

    /// <summary>Same type as the result.</summary>
    Result,

    /// <summary>I32.</summary>
    I32,

    /// <summary>I64.</summary>
    I64,

    /// <summary>F32.</summary>
    F32,

    /// <summary>F64.</summary>
    F64,

    /// <summary>I32 or I64.</summary>
    Integer,

    /// <summary>I32, I64, Ref or Managed.</summary>
    IntegerOrRef,

    /// <summary>F32 or F64.</summary>
    Float,

    /// <summary>Same type as operand A.</summary>
    SameAsA,

    /// <summary>I64 or Ref.</summary>
    Address,

    /// <summary>I32, I64, Managed, or absent (−1).</summary>
    Index,

    /// <summary>I64, or absent (−1).</summary>
    Size,

    /// <summary>Managed.</summary>
    Managed,

    /// <summary>Any type.</summary>
    Any,

    /// <summary>V128.</summary>
    Vector,

    /// <summary>The type of a lane of the instruction's shape.</summary>
    Lane,
}

/// <summary>What an opcode does besides computing its value.</summary>
[Flags]
internal enum IrEffects : ushort
{
    /// <summary>Pure: may be moved, merged and removed freely.</summary>
    None = 0,

    /// <summary>May trap, so may not be removed or moved over other effects unless facts in aux say that it cannot.</summary>
    CanTrap = 1,

    /// <summary>Reads its alias region.</summary>
    ReadsRegion = 2,

    /// <summary>Writes its alias region.</summary>
    WritesRegion = 4,

    /// <summary>May read and write anything but the read-only region.</summary>
    Call = 8,

    /// <summary>Has an effect of some other kind: stays where it is.</summary>
    Pinned = 16,

    /// <summary>Ends a block.</summary>
    Terminator = 32,

    /// <summary>a and b may be swapped.</summary>
    Commutative = 64,

    /// <summary>B and C are a range of values in the pool.</summary>
    PoolOperands = 128,

    /// <summary>May be value-numbered: same opcode, type, aux, region, operands and immediate give the same value where one dominates the other.</summary>
    Numbered = 256,
}

/// <summary>A row of the table.</summary>
internal readonly struct IrOpcodeInfo(
    IrOpcode opcode, string name, OperandRule a, OperandRule b, OperandRule c, IrEffects effects,
    VectorResult vectorResult = VectorResult.None, VectorShapes shapes = VectorShapes.None)
{
    private static readonly IrOpcodeInfo[] s_table = Build();
    private static readonly byte[] s_valueMasks = BuildMasks();
    private static readonly IrEffects[] s_effects = BuildEffects();

    /// <summary>The opcode.</summary>
    public IrOpcode Opcode { get; } = opcode;

    /// <summary>Its name in text.</summary>
    public string Name { get; } = name;

    /// <summary>Rule for A.</summary>
    public OperandRule A { get; } = a;

    /// <summary>Rule for B.</summary>
    public OperandRule B { get; } = b;

    /// <summary>Rule for C.</summary>
    public OperandRule C { get; } = c;

    /// <summary>Effects.</summary>
    public IrEffects Effects { get; } = effects;

    /// <summary>For vector operations, what they result in.</summary>
    public VectorResult VectorResult { get; } = vectorResult;

    /// <summary>The shapes that a vector operation exists for; none if the shape makes no difference.</summary>
    public VectorShapes Shapes { get; } = shapes;

    /// <summary>The row of an opcode.</summary>
    public static ref readonly IrOpcodeInfo Of(IrOpcode opcode) => ref s_table[(int)opcode];

    /// <summary>Which of A, B, C are value operands: bits 0, 1, 2; bit 3 says that B and C are a range of values in the pool. A present operand is ≥ 0.</summary>
    public static int ValueMask(IrOpcode opcode) => s_valueMasks[(int)opcode];

    /// <summary>The effects of an opcode.</summary>
    public static IrEffects EffectsOf(IrOpcode opcode) => s_effects[(int)opcode];

    /// <summary>Whether the opcode ends a block.</summary>
    public static bool IsTerminator(IrOpcode opcode) => opcode >= IrOpcode.FirstTerminator;

    /// <summary>Whether the opcode is a vector operation.</summary>
    public static bool IsVector(IrOpcode opcode) => opcode is >= IrOpcode.VectorShuffle and <= IrOpcode.VectorPromote;

    /// <summary>Whether a vector operation's D is a lane.</summary>
    public static bool HasLane(IrOpcode opcode) => opcode is IrOpcode.VectorExtract or IrOpcode.VectorExtractSigned or IrOpcode.VectorReplace;

    /// <summary>Whether the opcode is a call that returns here.</summary>
    public static bool IsCall(IrOpcode opcode) => opcode is IrOpcode.Call or IrOpcode.CallReference or IrOpcode.CallBuiltin;

    private static byte[] BuildMasks()
    {
        var masks = new byte[(int)IrOpcode.Count];
        foreach (ref readonly var row in s_table.AsSpan())
        {
            masks[(int)row.Opcode] = (byte)((row.A != OperandRule.None ? 1 : 0) | (row.B != OperandRule.None ? 2 : 0)
                | (row.C != OperandRule.None ? 4 : 0) | ((row.Effects & IrEffects.PoolOperands) != 0 ? 8 : 0));
        }

        return masks;
    }

    private static IrEffects[] BuildEffects()
    {
        var effects = new IrEffects[(int)IrOpcode.Count];
        foreach (ref readonly var row in s_table.AsSpan())
        {
            effects[(int)row.Opcode] = row.Effects;
        }

        return effects;
    }

    private static IrOpcodeInfo[] Build()
    {
        const OperandRule none = OperandRule.None, result = OperandRule.Result, i32 = OperandRule.I32, i64 = OperandRule.I64;
        const OperandRule integer = OperandRule.Integer, floating = OperandRule.Float, sameAsA = OperandRule.SameAsA;
        const OperandRule address = OperandRule.Address, index = OperandRule.Index, any = OperandRule.Any;
        const OperandRule vector = OperandRule.Vector, lane = OperandRule.Lane;
        const IrEffects pure = IrEffects.Numbered, commutative = IrEffects.Numbered | IrEffects.Commutative;
        const IrEffects traps = IrEffects.Numbered | IrEffects.CanTrap, pinned = IrEffects.Pinned;
        const IrEffects call = IrEffects.Call | IrEffects.CanTrap | IrEffects.PoolOperands, terminator = IrEffects.Terminator | IrEffects.Pinned;
        const IrEffects atomic = IrEffects.ReadsRegion | IrEffects.WritesRegion | IrEffects.Pinned;

        IrOpcodeInfo[] table =
        [
            new(IrOpcode.Nop, "nop", none, none, none, IrEffects.None),
            new(IrOpcode.Alias, "alias", result, none, none, IrEffects.None),
            new(IrOpcode.BlockParameter, "param", none, none, none, pinned),
            new(IrOpcode.Constant, "const", none, none, none, pure),
            new(IrOpcode.VmContext, "vmctx", none, none, none, pure),
            new(IrOpcode.TypeId, "typeid", none, none, none, pure),
            new(IrOpcode.Result, "result", any, none, none, pinned),
            new(IrOpcode.Add, "add", result, result, none, commutative),
            new(IrOpcode.Sub, "sub", result, result, none, pure),
            new(IrOpcode.Mul, "mul", result, result, none, commutative),
            new(IrOpcode.MulHighSigned, "mulhi.s", result, result, none, commutative),
            new(IrOpcode.MulHighUnsigned, "mulhi.u", result, result, none, commutative),
            new(IrOpcode.DivSigned, "div.s", result, result, none, traps),
            new(IrOpcode.DivUnsigned, "div.u", result, result, none, traps),
            new(IrOpcode.RemSigned, "rem.s", result, result, none, traps),
            new(IrOpcode.RemUnsigned, "rem.u", result, result, none, traps),
            new(IrOpcode.And, "and", result, result, none, commutative),
            new(IrOpcode.Or, "or", result, result, none, commutative),
            new(IrOpcode.Xor, "xor", result, result, none, commutative),
            new(IrOpcode.ShiftLeft, "shl", result, result, none, pure),
            new(IrOpcode.ShiftRightSigned, "shr.s", result, result, none, pure),
            new(IrOpcode.ShiftRightUnsigned, "shr.u", result, result, none, pure),
            new(IrOpcode.RotateLeft, "rotl", result, result, none, pure),
            new(IrOpcode.RotateRight, "rotr", result, result, none, pure),
            new(IrOpcode.CountLeadingZeros, "clz", result, none, none, pure),
            new(IrOpcode.CountTrailingZeros, "ctz", result, none, none, pure),
            new(IrOpcode.PopulationCount, "popcnt", result, none, none, pure),
            new(IrOpcode.SignExtend8, "sext8", result, none, none, pure),
            new(IrOpcode.SignExtend16, "sext16", result, none, none, pure),
            new(IrOpcode.SignExtend32, "sext32", result, none, none, pure),
            new(IrOpcode.ExtendSigned, "extend.s", i32, none, none, pure),
            new(IrOpcode.ExtendUnsigned, "extend.u", i32, none, none, pure),
            new(IrOpcode.Wrap, "wrap", i64, none, none, pure),
            new(IrOpcode.CompareInteger, "icmp", OperandRule.IntegerOrRef, sameAsA, none, pure),
            new(IrOpcode.CompareFloat, "fcmp", floating, sameAsA, none, pure),
            new(IrOpcode.Select, "select", i32, result, result, pure),
            new(IrOpcode.FloatAdd, "fadd", result, result, none, commutative),
            new(IrOpcode.FloatSub, "fsub", result, result, none, pure),
            new(IrOpcode.FloatMul, "fmul", result, result, none, commutative),
            new(IrOpcode.FloatDiv, "fdiv", result, result, none, pure),
            new(IrOpcode.FloatMin, "fmin", result, result, none, pure),
            new(IrOpcode.FloatMax, "fmax", result, result, none, pure),
            new(IrOpcode.FloatCopySign, "fcopysign", result, result, none, pure),
            new(IrOpcode.FloatAbs, "fabs", result, none, none, pure),
            new(IrOpcode.FloatNeg, "fneg", result, none, none, pure),
            new(IrOpcode.FloatSqrt, "fsqrt", result, none, none, pure),
            new(IrOpcode.FloatCeil, "fceil", result, none, none, pure),
            new(IrOpcode.FloatFloor, "ffloor", result, none, none, pure),
            new(IrOpcode.FloatTrunc, "ftrunc", result, none, none, pure),
            new(IrOpcode.FloatNearest, "fnearest", result, none, none, pure),
            new(IrOpcode.ConvertToSigned, "toint.s", floating, none, none, traps),
            new(IrOpcode.ConvertToUnsigned, "toint.u", floating, none, none, traps),
            new(IrOpcode.SaturateToSigned, "tointsat.s", floating, none, none, pure),
            new(IrOpcode.SaturateToUnsigned, "tointsat.u", floating, none, none, pure),
            new(IrOpcode.ConvertFromSigned, "fromint.s", integer, none, none, pure),
            new(IrOpcode.ConvertFromUnsigned, "fromint.u", integer, none, none, pure),
            new(IrOpcode.Demote, "demote", OperandRule.F64, none, none, pure),
            new(IrOpcode.Promote, "promote", OperandRule.F32, none, none, pure),
            new(IrOpcode.Bitcast, "bitcast", any, none, none, pure),
            new(IrOpcode.Load, "load", i64, index, none, IrEffects.ReadsRegion | IrEffects.CanTrap),
            new(IrOpcode.Store, "store", i64, index, any, IrEffects.WritesRegion | IrEffects.CanTrap),
            new(IrOpcode.LoadVm, "loadvm", address, index, none, IrEffects.ReadsRegion),
            new(IrOpcode.StoreVm, "storevm", address, index, any, IrEffects.WritesRegion),
            new(IrOpcode.BoundsCheck, "boundscheck", integer, i64, none, IrEffects.CanTrap),
            new(IrOpcode.AtomicLoad, "atomic.load", i64, none, none, atomic),
            new(IrOpcode.AtomicStore, "atomic.store", i64, any, none, atomic),
            new(IrOpcode.AtomicReadModifyWrite, "atomic.rmw", i64, result, none, atomic),
            new(IrOpcode.AtomicCompareExchange, "atomic.cmpxchg", i64, result, result, atomic),
            new(IrOpcode.AtomicFence, "atomic.fence", none, none, none, IrEffects.Call | pinned),
            new(IrOpcode.Allocate, "allocate", i64, OperandRule.Size, none, IrEffects.Pinned | IrEffects.CanTrap | IrEffects.WritesRegion),
            new(IrOpcode.ElementOffset, "element", OperandRule.Managed, i32, none, IrEffects.ReadsRegion),
            new(IrOpcode.WriteBarrier, "writebarrier", i64, index, none, pinned),
            new(IrOpcode.TrapIf, "trapif", i32, none, none, IrEffects.CanTrap),
            new(IrOpcode.TrapIfNot, "trapifnot", i32, none, none, IrEffects.CanTrap),
            new(IrOpcode.InterruptCheck, "interruptcheck", none, none, none, IrEffects.CanTrap | pinned),
            new(IrOpcode.FuelCheck, "fuelcheck", i64, none, none, IrEffects.CanTrap | pinned),
            new(IrOpcode.FuelCharge, "fuelcharge", i64, i64, none, IrEffects.CanTrap | pinned),
            new(IrOpcode.Call, "call", none, none, none, call),
            new(IrOpcode.CallReference, "call.ref", address, none, none, call),
            new(IrOpcode.CallBuiltin, "call.builtin", none, none, none, call),
            new(IrOpcode.VectorShuffle, "vshuffle", vector, vector, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorSwizzle, "vswizzle", vector, vector, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorSwizzleRelaxed, "vswizzle.relaxed", vector, vector, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorSplat, "vsplat", lane, none, none, pure, VectorResult.Vector, VectorShapes.All),
            new(IrOpcode.VectorExtract, "vextract", vector, none, none, pure, VectorResult.Lane, VectorShapes.All),
            new(IrOpcode.VectorExtractSigned, "vextractsigned", vector, none, none, pure, VectorResult.Lane, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorReplace, "vreplace", vector, lane, none, pure, VectorResult.Vector, VectorShapes.All),
            new(IrOpcode.VectorNot, "vnot", vector, none, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorAnd, "vand", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorAndNot, "vandnot", vector, vector, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorOr, "vor", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorXor, "vxor", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorSelect, "vselect", vector, vector, vector, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorSelectRelaxed, "vselect.relaxed", vector, vector, vector, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorAnyTrue, "vanytrue", vector, none, none, pure, VectorResult.I32, VectorShapes.None),
            new(IrOpcode.VectorAllTrue, "valltrue", vector, none, none, pure, VectorResult.I32, VectorShapes.Integers),
            new(IrOpcode.VectorBitMask, "vbitmask", vector, none, none, pure, VectorResult.I32, VectorShapes.Integers),
            new(IrOpcode.VectorCompare, "vicmp", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorFloatCompare, "vfcmp", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorNeg, "vneg", vector, none, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorAbs, "vabs", vector, none, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorPopulationCount, "vpopcnt", vector, none, none, pure, VectorResult.Vector, VectorShapes.I8x16),
            new(IrOpcode.VectorAdd, "vadd", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorSub, "vsub", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorMul, "vmul", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorAddSaturateSigned, "vaddsatsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorAddSaturateUnsigned, "vaddsatunsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorSubSaturateSigned, "vsubsatsigned", vector, vector, none, pure, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorSubSaturateUnsigned, "vsubsatunsigned", vector, vector, none, pure, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorMinSigned, "vminsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8 | VectorShapes.I32x4),
            new(IrOpcode.VectorMinUnsigned, "vminunsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8 | VectorShapes.I32x4),
            new(IrOpcode.VectorMaxSigned, "vmaxsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8 | VectorShapes.I32x4),
            new(IrOpcode.VectorMaxUnsigned, "vmaxunsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8 | VectorShapes.I32x4),
            new(IrOpcode.VectorAverage, "vaverage", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorShiftLeft, "vshl", vector, i32, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorShiftRightSigned, "vshrsigned", vector, i32, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorShiftRightUnsigned, "vshrunsigned", vector, i32, none, pure, VectorResult.Vector, VectorShapes.Integers),
            new(IrOpcode.VectorMulRound, "vmulround", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8),
            new(IrOpcode.VectorMulRoundRelaxed, "vmulround.relaxed", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8),
            new(IrOpcode.VectorDot, "vdot", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I32x4),
            new(IrOpcode.VectorDotRelaxed, "vdot.relaxed", vector, vector, none, pure, VectorResult.Vector, VectorShapes.I16x8),
            new(IrOpcode.VectorDotAddRelaxed, "vdotadd.relaxed", vector, vector, vector, pure, VectorResult.Vector, VectorShapes.I32x4),
            new(IrOpcode.VectorMulLowSigned, "vmullowsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorMulLowUnsigned, "vmullowunsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorMulHighSigned, "vmulhighsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorMulHighUnsigned, "vmulhighunsigned", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorAddPairsSigned, "vaddpairssigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4),
            new(IrOpcode.VectorAddPairsUnsigned, "vaddpairsunsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4),
            new(IrOpcode.VectorNarrowSigned, "vnarrowsigned", vector, vector, none, pure, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorNarrowUnsigned, "vnarrowunsigned", vector, vector, none, pure, VectorResult.Vector, VectorShapes.I8x16 | VectorShapes.I16x8),
            new(IrOpcode.VectorExtendLowSigned, "vextendlowsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorExtendLowUnsigned, "vextendlowunsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorExtendHighSigned, "vextendhighsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorExtendHighUnsigned, "vextendhighunsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.I16x8 | VectorShapes.I32x4 | VectorShapes.I64x2),
            new(IrOpcode.VectorFloatAdd, "vfadd", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatSub, "vfsub", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatMul, "vfmul", vector, vector, none, commutative, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatDiv, "vfdiv", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatMin, "vfmin", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatMax, "vfmax", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatMinRelaxed, "vfmin.relaxed", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatMaxRelaxed, "vfmax.relaxed", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatPseudoMin, "vfpmin", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatPseudoMax, "vfpmax", vector, vector, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatAbs, "vfabs", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatNeg, "vfneg", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatSqrt, "vfsqrt", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatCeil, "vfceil", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatFloor, "vffloor", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatTrunc, "vftrunc", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFloatNearest, "vfnearest", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorMultiplyAdd, "vmuladd.relaxed", vector, vector, vector, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorMultiplyAddNegated, "vmuladdneg.relaxed", vector, vector, vector, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorSaturateToSigned, "vtointsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorSaturateToUnsigned, "vtointunsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorToSignedRelaxed, "vtointsigned.relaxed", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorToUnsignedRelaxed, "vtointunsigned.relaxed", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFromSigned, "vfromintsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorFromUnsigned, "vfromintunsigned", vector, none, none, pure, VectorResult.Vector, VectorShapes.Floats),
            new(IrOpcode.VectorDemote, "vdemote", vector, none, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.VectorPromote, "vpromote", vector, none, none, pure, VectorResult.Vector, VectorShapes.None),
            new(IrOpcode.Jump, "jump", none, none, none, terminator),
            new(IrOpcode.BranchIf, "branchif", i32, none, none, terminator),
            new(IrOpcode.Switch, "switch", i32, none, none, terminator),
            new(IrOpcode.BranchOnThrow, "onthrow", none, none, none, terminator),
            new(IrOpcode.Return, "return", none, none, none, terminator | IrEffects.PoolOperands),
            new(IrOpcode.TailCall, "tailcall", none, none, none, terminator | IrEffects.PoolOperands),
            new(IrOpcode.TailCallReference, "tailcall.ref", address, none, none, terminator | IrEffects.PoolOperands),
            new(IrOpcode.Trap, "trap", none, none, none, terminator),
        ];

        for (var i = 0; i < (int)IrOpcode.Count; i++)
        {
            if (table[i].Opcode != (IrOpcode)i)
            {
                throw new InvalidOperationException($"IrOpcodeInfo: row {i} is {table[i].Opcode}, not {(IrOpcode)i}.");
            }
        }

        return table;
    }
}

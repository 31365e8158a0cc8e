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

    /// <summary>I32, I64 or Ref.</summary>
    IntegerOrRef,

    /// <summary>F32 or F64.</summary>
    Float,

    /// <summary>Same type as operand A.</summary>
    SameAsA,

    /// <summary>I64 or Ref.</summary>
    Address,

    /// <summary>I32, I64, or absent (−1).</summary>
    Index,

    /// <summary>Any type.</summary>
    Any,

    /// <summary>Any type, or absent.</summary>
    AnyOptional,
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
    IrOpcode opcode, string name, OperandRule a, OperandRule b, OperandRule c, IrEffects effects)
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

    /// <summary>The row of an opcode.</summary>
    public static ref readonly IrOpcodeInfo Of(IrOpcode opcode) => ref s_table[(int)opcode];

    /// <summary>Which of A, B, C are value operands: bits 0, 1, 2; bit 3 says that B and C are a range of values in the pool. A present operand is ≥ 0.</summary>
    public static int ValueMask(IrOpcode opcode) => s_valueMasks[(int)opcode];

    /// <summary>The effects of an opcode.</summary>
    public static IrEffects EffectsOf(IrOpcode opcode) => s_effects[(int)opcode];

    /// <summary>Whether the opcode ends a block.</summary>
    public static bool IsTerminator(IrOpcode opcode) => opcode >= IrOpcode.FirstTerminator;

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
        const OperandRule address = OperandRule.Address, index = OperandRule.Index, any = OperandRule.Any, optional = OperandRule.AnyOptional;
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
            new(IrOpcode.TrapIf, "trapif", i32, none, none, IrEffects.CanTrap),
            new(IrOpcode.TrapIfNot, "trapifnot", i32, none, none, IrEffects.CanTrap),
            new(IrOpcode.InterruptCheck, "interruptcheck", none, none, none, IrEffects.CanTrap | pinned),
            new(IrOpcode.FuelCheck, "fuelcheck", i64, none, none, IrEffects.CanTrap | pinned),
            new(IrOpcode.FuelCharge, "fuelcharge", i64, i64, none, IrEffects.CanTrap | pinned),
            new(IrOpcode.Call, "call", none, none, none, call),
            new(IrOpcode.CallReference, "call.ref", address, none, none, call),
            new(IrOpcode.CallBuiltin, "call.builtin", none, none, none, call),
            new(IrOpcode.Simd, "simd", optional, optional, optional, pure),
            new(IrOpcode.SimdShuffle, "simd.shuffle", result, result, none, pure),
            new(IrOpcode.Jump, "jump", none, none, none, terminator),
            new(IrOpcode.BranchIf, "branchif", i32, none, none, terminator),
            new(IrOpcode.Switch, "switch", i32, none, none, terminator),
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

// The opcodes and what their fields mean. `a`, `b`, `c` are value operands in A, B, C. Integer operations work at the width of the
// instruction's type. Every i32 value is zero-extended to 64 bits in registers, so ExtendUnsigned costs nothing and an i32 may
// index memory directly. IrOpcodeInfo.cs says the same as data; the verifier holds the two together.
namespace Tarn.Compiler.IR;

/// <summary>What an instruction does.</summary>
internal enum IrOpcode : byte
{
    /// <summary>Removed.</summary>
    Nop,

    /// <summary>Stands for value A until uses are rewritten. Never linked into a block and never seen after a pass has ended.</summary>
    Alias,

    /// <summary>Parameter B of block A. The first instructions of a block are its parameters in order; the entry block's are the function's.</summary>
    BlockParameter,

    /// <summary>A constant. I32, F32: bits in A (B = 0). I64, F64, Ref: low half in A, high half in B. V128: A indexes the pool of v128 constants.</summary>
    Constant,

    /// <summary>The address of the VM context, I64.</summary>
    VmContext,

    /// <summary>The engine-wide id of the module's type A, I32: a constant that is known when the code is loaded.</summary>
    TypeId,

    /// <summary>Result B of the call A. All results that are used follow the call directly, in order.</summary>
    Result,

    // Integers, I32 or I64.

    /// <summary>a + b.</summary>
    Add,

    /// <summary>a − b.</summary>
    Sub,

    /// <summary>a · b, low half.</summary>
    Mul,

    /// <summary>High half of the signed product.</summary>
    MulHighSigned,

    /// <summary>High half of the unsigned product.</summary>
    MulHighUnsigned,

    /// <summary>Quotient; traps on zero and on overflow. Aux: <see cref="DivisionFacts"/>.</summary>
    DivSigned,

    /// <summary>Quotient; traps on zero. Aux: <see cref="DivisionFacts"/>.</summary>
    DivUnsigned,

    /// <summary>Remainder; traps on zero; the smallest integer by −1 gives 0. Aux: <see cref="DivisionFacts"/>, where NoOverflow says that this case does not occur.</summary>
    RemSigned,

    /// <summary>Remainder; traps on zero. Aux: <see cref="DivisionFacts"/>.</summary>
    RemUnsigned,

    /// <summary>a and b.</summary>
    And,

    /// <summary>a or b.</summary>
    Or,

    /// <summary>a exclusive or b.</summary>
    Xor,

    /// <summary>a shifted left by b modulo the width. b has the type of a.</summary>
    ShiftLeft,

    /// <summary>Arithmetic shift to the right.</summary>
    ShiftRightSigned,

    /// <summary>Logical shift to the right.</summary>
    ShiftRightUnsigned,

    /// <summary>Rotation to the left.</summary>
    RotateLeft,

    /// <summary>Rotation to the right.</summary>
    RotateRight,

    /// <summary>Leading zero bits; the width for 0.</summary>
    CountLeadingZeros,

    /// <summary>Trailing zero bits; the width for 0.</summary>
    CountTrailingZeros,

    /// <summary>Number of one bits.</summary>
    PopulationCount,

    /// <summary>The low 8 bits, sign-extended to the type.</summary>
    SignExtend8,

    /// <summary>The low 16 bits, sign-extended to the type.</summary>
    SignExtend16,

    /// <summary>The low 32 bits of an I64, sign-extended.</summary>
    SignExtend32,

    /// <summary>I32 to I64, sign-extended.</summary>
    ExtendSigned,

    /// <summary>I32 to I64, zero-extended: free.</summary>
    ExtendUnsigned,

    /// <summary>The low half of an I64, as I32 (and so zero-extended).</summary>
    Wrap,

    /// <summary>1 if the condition (aux) holds between a and b, else 0: I32. Operands are I32, I64, Ref or Managed, both alike.</summary>
    CompareInteger,

    /// <summary>1 if the condition (aux) holds between a and b, else 0: I32. Operands are F32 or F64.</summary>
    CompareFloat,

    /// <summary>b if a (I32) is not zero, else c. Any type.</summary>
    Select,

    // Floating point, F32 or F64, with WebAssembly's NaN and rounding rules.

    /// <summary>a + b.</summary>
    FloatAdd,

    /// <summary>a − b.</summary>
    FloatSub,

    /// <summary>a · b.</summary>
    FloatMul,

    /// <summary>a / b.</summary>
    FloatDiv,

    /// <summary>Minimum: NaN if either is, −0 below +0.</summary>
    FloatMin,

    /// <summary>Maximum: NaN if either is, +0 above −0.</summary>
    FloatMax,

    /// <summary>a with the sign of b.</summary>
    FloatCopySign,

    /// <summary>Sign cleared.</summary>
    FloatAbs,

    /// <summary>Sign inverted.</summary>
    FloatNeg,

    /// <summary>Square root.</summary>
    FloatSqrt,

    /// <summary>Rounded up.</summary>
    FloatCeil,

    /// <summary>Rounded down.</summary>
    FloatFloor,

    /// <summary>Rounded towards zero.</summary>
    FloatTrunc,

    /// <summary>Rounded to nearest, ties to even.</summary>
    FloatNearest,

    /// <summary>Float to signed integer; traps on NaN (InvalidConversionToInteger) and out of range (IntegerOverflow).</summary>
    ConvertToSigned,

    /// <summary>Float to unsigned integer; traps likewise.</summary>
    ConvertToUnsigned,

    /// <summary>Float to signed integer, saturating; NaN gives 0.</summary>
    SaturateToSigned,

    /// <summary>Float to unsigned integer, saturating; NaN gives 0.</summary>
    SaturateToUnsigned,

    /// <summary>Signed integer (I32 or I64) to float.</summary>
    ConvertFromSigned,

    /// <summary>Unsigned integer to float.</summary>
    ConvertFromUnsigned,

    /// <summary>F64 to F32.</summary>
    Demote,

    /// <summary>F32 to F64.</summary>
    Promote,

    /// <summary>The same bits as another type of the same width (I32–F32, I64–F64, I64–Ref, I32–Managed).</summary>
    Bitcast,

    // Memory.

    /// <summary>
    /// Load from linear memory at a (base, I64) + b (index: I32, I64, or −1 for none) + D (unsigned offset). Aux: <see cref="MemoryAccess"/>.
    /// Either it may fault, or it has been checked; in the latter case it may still not be moved above its check.
    /// </summary>
    Load,

    /// <summary>Store c to linear memory at a + b + D. A store narrower than its value stores the low bits.</summary>
    Store,

    /// <summary>Load from the runtime's records at a (I64 or Ref) + b · scale (or −1 for none) + D. Never faults. Aux: <see cref="MemoryAccess"/>.</summary>
    LoadVm,

    /// <summary>Store c to the runtime's records at a + b · scale + D.</summary>
    StoreVm,

    /// <summary>
    /// Traps with code aux unless a + D ≤ b, without overflow: a is I32 or I64, unsigned; b is an I64 length; D is unsigned 32 bits. With D = 1
    /// this is a &lt; b.
    /// </summary>
    BoundsCheck,

    /// <summary>Sequentially consistent load of type and access at address a + D, which has been checked.</summary>
    AtomicLoad,

    /// <summary>Sequentially consistent store of b at a + D.</summary>
    AtomicStore,

    /// <summary>The old value at a + D, which is combined with b. C: <see cref="AtomicOperation"/> (not a value). Zero-extends.</summary>
    AtomicReadModifyWrite,

    /// <summary>The old value at a + D; if it equals b, c is stored. Zero-extends.</summary>
    AtomicCompareExchange,

    /// <summary>Sequentially consistent fence.</summary>
    AtomicFence,

    // Managed objects. Fields and elements are read and written by Load and Store, with the heap's base as base and the object, or what ElementOffset
    // gives, as index.

    /// <summary>
    /// Room for a managed object of D bytes, or of b bytes (I64) where b is not −1, from the heap of the execution record a. A safepoint: the collector may run, which moves
    /// objects. What is in the room is not defined.
    /// </summary>
    Allocate,

    /// <summary>
    /// Where element b (I32) of the array a starts, less the offset of the first, as an offset in the heap: a + b · scale, I32. Aux: <see cref="MemoryAccess"/>, of which only
    /// the scale counts. It reads where objects are, so it stays between safepoints.
    /// </summary>
    ElementOffset,

    /// <summary>Notes that a reference has been stored at b (an object or element offset) + D in the heap with base a (I64), where b is old.</summary>
    WriteBarrier,

    // Checks.

    /// <summary>Traps with code aux if a (I32) is not zero.</summary>
    TrapIf,

    /// <summary>Traps with code aux if a (I32) is zero.</summary>
    TrapIfNot,

    /// <summary>Calls the interrupt builtin if an interrupt is requested.</summary>
    InterruptCheck,

    /// <summary>Subtracts D from the fuel of the execution record a (I64); below zero calls the fuel builtin.</summary>
    FuelCheck,

    /// <summary>Subtracts b (I64, below 2^62) from the fuel of the execution record a (I64); below zero calls the fuel builtin.</summary>
    FuelCharge,

    // Calls. B, C: start and count of the arguments in the pool. D: type index of the callee. Results by Result.

    /// <summary>Calls the function with index A, which this module defines.</summary>
    Call,

    /// <summary>Calls through the function reference or record a, which is not null.</summary>
    CallReference,

    /// <summary>Calls the builtin with id A. D is −1: the builtin's id says the result, at most one.</summary>
    CallBuiltin,

    // Vectors of 128 bits, by shape (VectorShape, in the low bits of aux).

    /// <summary>The bytes of a (0 to 15) and b (16 to 31) that the bytes of v128 constant D name. Not a value: D.</summary>
    VectorShuffle,

    /// <summary>The bytes of a that the bytes of b name; 0 for 16 and above.</summary>
    VectorSwizzle,

    /// <summary>The bytes of a that the bytes of b name; for 16 and above whatever the machine's instruction does.</summary>
    VectorSwizzleRelaxed,

    /// <summary>a, or its low bits, in every lane.</summary>
    VectorSplat,

    /// <summary>Lane D of a, zero-extended.</summary>
    VectorExtract,

    /// <summary>Lane D of a, sign-extended.</summary>
    VectorExtractSigned,

    /// <summary>a with lane D replaced by b, or its low bits.</summary>
    VectorReplace,

    /// <summary>Each bit inverted.</summary>
    VectorNot,

    /// <summary>a and b.</summary>
    VectorAnd,

    /// <summary>a and not b.</summary>
    VectorAndNot,

    /// <summary>a or b.</summary>
    VectorOr,

    /// <summary>a exclusive or b.</summary>
    VectorXor,

    /// <summary>Bits of a where c has ones, of b where it has zeros.</summary>
    VectorSelect,

    /// <summary>Lanes of a where c has ones, of b where it has zeros; for other lanes of c a mixture or a choice by some of its bits.</summary>
    VectorSelectRelaxed,

    /// <summary>1 if any bit is set, else 0: I32.</summary>
    VectorAnyTrue,

    /// <summary>1 if no lane is zero, else 0: I32.</summary>
    VectorAllTrue,

    /// <summary>The highest bits of all lanes, that of lane 0 lowest: I32.</summary>
    VectorBitMask,

    /// <summary>All ones in each lane where the condition (aux, from bit 4) holds between the lanes of a and b, else zeros. Lanes of 64 bits are compared as signed only.</summary>
    VectorCompare,

    /// <summary>All ones in each lane where the floating-point condition (aux, from bit 4) holds, else zeros.</summary>
    VectorFloatCompare,

    /// <summary>Negated lanes.</summary>
    VectorNeg,

    /// <summary>Absolute values of signed lanes; the smallest stays.</summary>
    VectorAbs,

    /// <summary>Number of one bits in each lane.</summary>
    VectorPopulationCount,

    /// <summary>a + b.</summary>
    VectorAdd,

    /// <summary>a − b.</summary>
    VectorSub,

    /// <summary>a · b, low halves.</summary>
    VectorMul,

    /// <summary>a + b, saturating.</summary>
    VectorAddSaturateSigned,

    /// <summary>a + b of unsigned lanes, saturating.</summary>
    VectorAddSaturateUnsigned,

    /// <summary>a − b, saturating.</summary>
    VectorSubSaturateSigned,

    /// <summary>a − b of unsigned lanes, saturating.</summary>
    VectorSubSaturateUnsigned,

    /// <summary>The smaller lanes.</summary>
    VectorMinSigned,

    /// <summary>The smaller unsigned lanes.</summary>
    VectorMinUnsigned,

    /// <summary>The larger lanes.</summary>
    VectorMaxSigned,

    /// <summary>The larger unsigned lanes.</summary>
    VectorMaxUnsigned,

    /// <summary>(a + b + 1) / 2 of unsigned lanes.</summary>
    VectorAverage,

    /// <summary>Lanes shifted left by b (I32) modulo their width.</summary>
    VectorShiftLeft,

    /// <summary>Lanes shifted right arithmetically by b (I32) modulo their width.</summary>
    VectorShiftRightSigned,

    /// <summary>Lanes shifted right logically by b (I32) modulo their width.</summary>
    VectorShiftRightUnsigned,

    /// <summary>(a · b + 0x4000) / 0x8000, saturating: a product of 15-bit fractions.</summary>
    VectorMulRound,

    /// <summary>The same, but −1 · −1 may be −1.</summary>
    VectorMulRoundRelaxed,

    /// <summary>Sums of two neighbouring products of signed 16-bit lanes.</summary>
    VectorDot,

    /// <summary>Sums of two neighbouring products of signed 8-bit lanes of a and 7-bit lanes of b.</summary>
    VectorDotRelaxed,

    /// <summary>c plus sums of four neighbouring products of signed 8-bit lanes of a and 7-bit lanes of b.</summary>
    VectorDotAddRelaxed,

    /// <summary>Full products of the lower half's lanes of half the width. The shape is the result's.</summary>
    VectorMulLowSigned,

    /// <summary>The same for unsigned lanes.</summary>
    VectorMulLowUnsigned,

    /// <summary>Full products of the upper half's lanes of half the width. The shape is the result's.</summary>
    VectorMulHighSigned,

    /// <summary>The same for unsigned lanes.</summary>
    VectorMulHighUnsigned,

    /// <summary>Sums of two neighbouring lanes of half the width, sign-extended. The shape is the result's.</summary>
    VectorAddPairsSigned,

    /// <summary>The same for unsigned lanes.</summary>
    VectorAddPairsUnsigned,

    /// <summary>Signed lanes of twice the width of a, then of b, saturated to signed lanes. The shape is the result's.</summary>
    VectorNarrowSigned,

    /// <summary>Signed lanes of twice the width of a, then of b, saturated to unsigned lanes. The shape is the result's.</summary>
    VectorNarrowUnsigned,

    /// <summary>The lower half's lanes of half the width, sign-extended. The shape is the result's.</summary>
    VectorExtendLowSigned,

    /// <summary>The same, zero-extended.</summary>
    VectorExtendLowUnsigned,

    /// <summary>The upper half's lanes of half the width, sign-extended. The shape is the result's.</summary>
    VectorExtendHighSigned,

    /// <summary>The same, zero-extended.</summary>
    VectorExtendHighUnsigned,

    /// <summary>a + b.</summary>
    VectorFloatAdd,

    /// <summary>a − b.</summary>
    VectorFloatSub,

    /// <summary>a · b.</summary>
    VectorFloatMul,

    /// <summary>a / b.</summary>
    VectorFloatDiv,

    /// <summary>Minimum: NaN if either is, −0 below +0.</summary>
    VectorFloatMin,

    /// <summary>Maximum: NaN if either is, +0 above −0.</summary>
    VectorFloatMax,

    /// <summary>Minimum; for NaN and for zeros of both signs either operand.</summary>
    VectorFloatMinRelaxed,

    /// <summary>Maximum; for NaN and for zeros of both signs either operand.</summary>
    VectorFloatMaxRelaxed,

    /// <summary>b if b &lt; a, else a.</summary>
    VectorFloatPseudoMin,

    /// <summary>b if a &lt; b, else a.</summary>
    VectorFloatPseudoMax,

    /// <summary>Sign cleared.</summary>
    VectorFloatAbs,

    /// <summary>Sign inverted.</summary>
    VectorFloatNeg,

    /// <summary>Square root.</summary>
    VectorFloatSqrt,

    /// <summary>Rounded up.</summary>
    VectorFloatCeil,

    /// <summary>Rounded down.</summary>
    VectorFloatFloor,

    /// <summary>Rounded towards zero.</summary>
    VectorFloatTrunc,

    /// <summary>Rounded to nearest, ties to even.</summary>
    VectorFloatNearest,

    /// <summary>a · b + c, rounded once or twice.</summary>
    VectorMultiplyAdd,

    /// <summary>−(a · b) + c, rounded once or twice.</summary>
    VectorMultiplyAddNegated,

    /// <summary>Floats to signed 32-bit integers, saturating, NaN to 0. The shape is the source's; from F64x2 the upper lanes are 0.</summary>
    VectorSaturateToSigned,

    /// <summary>Floats to unsigned 32-bit integers, likewise.</summary>
    VectorSaturateToUnsigned,

    /// <summary>The same as saturating to signed where it is in range; the machine's answer elsewhere.</summary>
    VectorToSignedRelaxed,

    /// <summary>The same as saturating to unsigned where it is in range; the machine's answer elsewhere.</summary>
    VectorToUnsignedRelaxed,

    /// <summary>Signed 32-bit integers to floats; to F64x2 the lower two. The shape is the result's.</summary>
    VectorFromSigned,

    /// <summary>Unsigned 32-bit integers to floats, likewise.</summary>
    VectorFromUnsigned,

    /// <summary>F64x2 to the lower lanes of F32x4; the upper ones are 0.</summary>
    VectorDemote,

    /// <summary>The lower lanes of F32x4 to F64x2.</summary>
    VectorPromote,

    /// <summary>Terminators from here on.</summary>
    FirstTerminator,

    /// <summary>Goes to edge A.</summary>
    Jump = FirstTerminator,

    /// <summary>Goes to edge B if a (I32) is not zero, else to edge C.</summary>
    BranchIf,

    /// <summary>Goes to the edge numbered a (I32) in the pool at B, of C edges; the last edge is for any a ≥ C − 1.</summary>
    Switch,

    /// <summary>
    /// Goes to edge B if the call before it returns, to edge C if a handler of scope D (<see cref="IrFunction.HandlerScopes"/>) catches what the call throws. Between the call and
    /// this there is nothing but the call's results, which exist on edge B only.
    /// </summary>
    BranchOnThrow,

    /// <summary>Returns the C values in the pool at B.</summary>
    Return,

    /// <summary>Tail call of the function with index A; B, C, D as for Call.</summary>
    TailCall,

    /// <summary>Tail call through the function reference or record a.</summary>
    TailCallReference,

    /// <summary>Traps with code aux.</summary>
    Trap,

    /// <summary>Number of opcodes.</summary>
    Count,
}

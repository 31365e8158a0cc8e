// The opcodes of register code, which are those of its machine instructions too: what is emitted is what is selected, but for branches. Groups whose numbers are computed (width,
// constant operand, condition) are in the order that PortableLowering counts on. `a` and `b` are operands of 8 bytes, or 16 for vectors; constants are immediates.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>What a word of register code does.</summary>
internal enum PortableOpcode : ushort
{
    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Label = MachineOpcode.Label,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Jump = MachineOpcode.Jump,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    JumpIf = MachineOpcode.JumpIf,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Switch = MachineOpcode.Switch,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Return = MachineOpcode.Return,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Trap = MachineOpcode.Trap,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    TailCall = MachineOpcode.TailCall,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    TailCallReference = MachineOpcode.TailCallReference,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Call = MachineOpcode.Call,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    CallReference = MachineOpcode.CallReference,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    CallBuiltin = MachineOpcode.CallBuiltin,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    BranchOnThrow = MachineOpcode.BranchOnThrow,

    /// <summary>See <see cref="MachineOpcode"/>.</summary>
    Allocate = MachineOpcode.Allocate,

    /// <summary>a + b (32 bits).</summary>
    Add32 = MachineOpcode.FirstOfTarget,

    /// <summary>a + b with a constant (32 bits).</summary>
    Add32K,

    /// <summary>a + b (64 bits).</summary>
    Add64,

    /// <summary>a + b with a constant (64 bits).</summary>
    Add64K,

    /// <summary>a − b (32 bits).</summary>
    Sub32,

    /// <summary>a − b with a constant (32 bits).</summary>
    Sub32K,

    /// <summary>a − b (64 bits).</summary>
    Sub64,

    /// <summary>a − b with a constant (64 bits).</summary>
    Sub64K,

    /// <summary>a · b, low half (32 bits).</summary>
    Mul32,

    /// <summary>a · b, low half with a constant (32 bits).</summary>
    Mul32K,

    /// <summary>a · b, low half (64 bits).</summary>
    Mul64,

    /// <summary>a · b, low half with a constant (64 bits).</summary>
    Mul64K,

    /// <summary>a and b; both widths.</summary>
    And,

    /// <summary>a and b with a constant; both widths.</summary>
    AndK,

    /// <summary>a or b; both widths.</summary>
    Or,

    /// <summary>a or b with a constant; both widths.</summary>
    OrK,

    /// <summary>a exclusive or b; both widths.</summary>
    Xor,

    /// <summary>a exclusive or b with a constant; both widths.</summary>
    XorK,

    /// <summary>a shifted left (32 bits).</summary>
    ShiftLeft32,

    /// <summary>a shifted left with a constant (32 bits).</summary>
    ShiftLeft32K,

    /// <summary>a shifted left (64 bits).</summary>
    ShiftLeft64,

    /// <summary>a shifted left with a constant (64 bits).</summary>
    ShiftLeft64K,

    /// <summary>a shifted right, sign-extending (32 bits).</summary>
    ShiftRightSigned32,

    /// <summary>a shifted right, sign-extending with a constant (32 bits).</summary>
    ShiftRightSigned32K,

    /// <summary>a shifted right, sign-extending (64 bits).</summary>
    ShiftRightSigned64,

    /// <summary>a shifted right, sign-extending with a constant (64 bits).</summary>
    ShiftRightSigned64K,

    /// <summary>a shifted right, zero-extending (32 bits).</summary>
    ShiftRightUnsigned32,

    /// <summary>a shifted right, zero-extending with a constant (32 bits).</summary>
    ShiftRightUnsigned32K,

    /// <summary>a shifted right, zero-extending (64 bits).</summary>
    ShiftRightUnsigned64,

    /// <summary>a shifted right, zero-extending with a constant (64 bits).</summary>
    ShiftRightUnsigned64K,

    /// <summary>a rotated left (32 bits).</summary>
    RotateLeft32,

    /// <summary>a rotated left with a constant (32 bits).</summary>
    RotateLeft32K,

    /// <summary>a rotated left (64 bits).</summary>
    RotateLeft64,

    /// <summary>a rotated left with a constant (64 bits).</summary>
    RotateLeft64K,

    /// <summary>a rotated right (32 bits).</summary>
    RotateRight32,

    /// <summary>a rotated right with a constant (32 bits).</summary>
    RotateRight32K,

    /// <summary>a rotated right (64 bits).</summary>
    RotateRight64,

    /// <summary>a rotated right with a constant (64 bits).</summary>
    RotateRight64K,

    /// <summary>Quotient; traps (32 bits).</summary>
    DivSigned32,

    /// <summary>Unsigned quotient; traps (32 bits).</summary>
    DivUnsigned32,

    /// <summary>Remainder; traps (32 bits).</summary>
    RemSigned32,

    /// <summary>Unsigned remainder; traps (32 bits).</summary>
    RemUnsigned32,

    /// <summary>Quotient; traps (64 bits).</summary>
    DivSigned64,

    /// <summary>Unsigned quotient; traps (64 bits).</summary>
    DivUnsigned64,

    /// <summary>Remainder; traps (64 bits).</summary>
    RemSigned64,

    /// <summary>Unsigned remainder; traps (64 bits).</summary>
    RemUnsigned64,

    /// <summary>High half of the signed product (32 bits).</summary>
    MulHighSigned32,

    /// <summary>High half of the unsigned product (32 bits).</summary>
    MulHighUnsigned32,

    /// <summary>High half of the signed product (64 bits).</summary>
    MulHighSigned64,

    /// <summary>High half of the unsigned product (64 bits).</summary>
    MulHighUnsigned64,

    /// <summary>Leading zero bits.</summary>
    CountLeadingZeros32,

    /// <summary>Trailing zero bits.</summary>
    CountTrailingZeros32,

    /// <summary>One bits.</summary>
    PopulationCount32,

    /// <summary>Leading zero bits.</summary>
    CountLeadingZeros64,

    /// <summary>Trailing zero bits.</summary>
    CountTrailingZeros64,

    /// <summary>One bits.</summary>
    PopulationCount64,

    /// <summary>The low 8 bits, sign-extended to 32.</summary>
    SignExtend8To32,

    /// <summary>The low 16 bits, sign-extended to 32.</summary>
    SignExtend16To32,

    /// <summary>The low 8 bits, sign-extended.</summary>
    SignExtend8To64,

    /// <summary>The low 16 bits, sign-extended.</summary>
    SignExtend16To64,

    /// <summary>The low 32 bits, sign-extended.</summary>
    SignExtend32To64,

    /// <summary>The low 32 bits.</summary>
    Wrap,

    /// <summary>8 bytes.</summary>
    Move,

    /// <summary>16 bytes.</summary>
    Move128,

    /// <summary>Exchanges two places of 8 bytes.</summary>
    Swap,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetEqual,

    /// <summary>The same with a constant.</summary>
    SetEqualK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotEqual,

    /// <summary>The same with a constant.</summary>
    SetNotEqualK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessSigned,

    /// <summary>The same with a constant.</summary>
    SetLessSignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterEqualSigned,

    /// <summary>The same with a constant.</summary>
    SetGreaterEqualSignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessEqualSigned,

    /// <summary>The same with a constant.</summary>
    SetLessEqualSignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterSigned,

    /// <summary>The same with a constant.</summary>
    SetGreaterSignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessUnsigned,

    /// <summary>The same with a constant.</summary>
    SetLessUnsignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterEqualUnsigned,

    /// <summary>The same with a constant.</summary>
    SetGreaterEqualUnsignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessEqualUnsigned,

    /// <summary>The same with a constant.</summary>
    SetLessEqualUnsignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterUnsigned,

    /// <summary>The same with a constant.</summary>
    SetGreaterUnsignedK,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessSigned32,

    /// <summary>The same with a constant.</summary>
    SetLessSigned32K,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterEqualSigned32,

    /// <summary>The same with a constant.</summary>
    SetGreaterEqualSigned32K,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessEqualSigned32,

    /// <summary>The same with a constant.</summary>
    SetLessEqualSigned32K,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterSigned32,

    /// <summary>The same with a constant.</summary>
    SetGreaterSigned32K,

    /// <summary>Goes to Low if a is not zero.</summary>
    BranchNonZero,

    /// <summary>Goes to Low if a is zero.</summary>
    BranchZero,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchEqual,

    /// <summary>The same with the constant High.</summary>
    BranchEqualK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchNotEqual,

    /// <summary>The same with the constant High.</summary>
    BranchNotEqualK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchLessSigned,

    /// <summary>The same with the constant High.</summary>
    BranchLessSignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchGreaterEqualSigned,

    /// <summary>The same with the constant High.</summary>
    BranchGreaterEqualSignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchLessEqualSigned,

    /// <summary>The same with the constant High.</summary>
    BranchLessEqualSignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchGreaterSigned,

    /// <summary>The same with the constant High.</summary>
    BranchGreaterSignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchLessUnsigned,

    /// <summary>The same with the constant High.</summary>
    BranchLessUnsignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchGreaterEqualUnsigned,

    /// <summary>The same with the constant High.</summary>
    BranchGreaterEqualUnsignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchLessEqualUnsigned,

    /// <summary>The same with the constant High.</summary>
    BranchLessEqualUnsignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchGreaterUnsigned,

    /// <summary>The same with the constant High.</summary>
    BranchGreaterUnsignedK,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchLessSigned32,

    /// <summary>The same with the constant High.</summary>
    BranchLessSigned32K,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchGreaterEqualSigned32,

    /// <summary>The same with the constant High.</summary>
    BranchGreaterEqualSigned32K,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchLessEqualSigned32,

    /// <summary>The same with the constant High.</summary>
    BranchLessEqualSigned32K,

    /// <summary>Goes to Low if the comparison holds.</summary>
    BranchGreaterSigned32,

    /// <summary>The same with the constant High.</summary>
    BranchGreaterSigned32K,

    /// <summary>a + b.</summary>
    AddF32,

    /// <summary>a - b.</summary>
    SubF32,

    /// <summary>a * b.</summary>
    MulF32,

    /// <summary>a / b.</summary>
    DivF32,

    /// <summary>The smaller one; NaN if either is.</summary>
    MinF32,

    /// <summary>The larger one; NaN if either is.</summary>
    MaxF32,

    /// <summary>a with the sign of b.</summary>
    CopySignF32,

    /// <summary>Sign cleared.</summary>
    AbsF32,

    /// <summary>Sign inverted.</summary>
    NegF32,

    /// <summary>Square root.</summary>
    SqrtF32,

    /// <summary>Rounded.</summary>
    CeilF32,

    /// <summary>Rounded.</summary>
    FloorF32,

    /// <summary>Rounded.</summary>
    TruncF32,

    /// <summary>Rounded.</summary>
    NearestF32,

    /// <summary>a + b.</summary>
    AddF64,

    /// <summary>a - b.</summary>
    SubF64,

    /// <summary>a * b.</summary>
    MulF64,

    /// <summary>a / b.</summary>
    DivF64,

    /// <summary>The smaller one; NaN if either is.</summary>
    MinF64,

    /// <summary>The larger one; NaN if either is.</summary>
    MaxF64,

    /// <summary>a with the sign of b.</summary>
    CopySignF64,

    /// <summary>Sign cleared.</summary>
    AbsF64,

    /// <summary>Sign inverted.</summary>
    NegF64,

    /// <summary>Square root.</summary>
    SqrtF64,

    /// <summary>Rounded.</summary>
    CeilF64,

    /// <summary>Rounded.</summary>
    FloorF64,

    /// <summary>Rounded.</summary>
    TruncF64,

    /// <summary>Rounded.</summary>
    NearestF64,

    /// <summary>F64 to F32.</summary>
    Demote,

    /// <summary>F32 to F64.</summary>
    Promote,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetEqualF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotEqualF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotLessF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessEqualF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotLessEqualF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotGreaterF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterEqualF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotGreaterEqualF32,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetEqualF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotEqualF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotLessF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetLessEqualF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotLessEqualF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotGreaterF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetGreaterEqualF64,

    /// <summary>1 if the comparison holds, else 0.</summary>
    SetNotGreaterEqualF64,

    /// <summary>Float to integer; traps.</summary>
    TruncateF32ToSigned32,

    /// <summary>Float to integer; traps.</summary>
    TruncateF32ToSigned64,

    /// <summary>Float to integer; traps.</summary>
    TruncateF32ToUnsigned32,

    /// <summary>Float to integer; traps.</summary>
    TruncateF32ToUnsigned64,

    /// <summary>Float to integer; traps.</summary>
    TruncateF64ToSigned32,

    /// <summary>Float to integer; traps.</summary>
    TruncateF64ToSigned64,

    /// <summary>Float to integer; traps.</summary>
    TruncateF64ToUnsigned32,

    /// <summary>Float to integer; traps.</summary>
    TruncateF64ToUnsigned64,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF32ToSigned32,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF32ToSigned64,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF32ToUnsigned32,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF32ToUnsigned64,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF64ToSigned32,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF64ToSigned64,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF64ToUnsigned32,

    /// <summary>Float to integer, saturating.</summary>
    SaturateF64ToUnsigned64,

    /// <summary>Integer to float.</summary>
    ConvertSigned32ToF32,

    /// <summary>Integer to float.</summary>
    ConvertSigned64ToF32,

    /// <summary>Integer to float.</summary>
    ConvertUnsigned32ToF32,

    /// <summary>Integer to float.</summary>
    ConvertUnsigned64ToF32,

    /// <summary>Integer to float.</summary>
    ConvertSigned32ToF64,

    /// <summary>Integer to float.</summary>
    ConvertSigned64ToF64,

    /// <summary>Integer to float.</summary>
    ConvertUnsigned32ToF64,

    /// <summary>Integer to float.</summary>
    ConvertUnsigned64ToF64,

    /// <summary>b if a is not zero, else the fourth operand.</summary>
    Select,

    /// <summary>The same of 16 bytes.</summary>
    Select128,

    /// <summary>Load at a + immediate.</summary>
    LoadU8,

    /// <summary>Load at a + b + immediate.</summary>
    LoadU8X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadU8C,

    /// <summary>Load at a + immediate.</summary>
    LoadS8To32,

    /// <summary>Load at a + b + immediate.</summary>
    LoadS8To32X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadS8To32C,

    /// <summary>Load at a + immediate.</summary>
    LoadS8To64,

    /// <summary>Load at a + b + immediate.</summary>
    LoadS8To64X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadS8To64C,

    /// <summary>Load at a + immediate.</summary>
    LoadU16,

    /// <summary>Load at a + b + immediate.</summary>
    LoadU16X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadU16C,

    /// <summary>Load at a + immediate.</summary>
    LoadS16To32,

    /// <summary>Load at a + b + immediate.</summary>
    LoadS16To32X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadS16To32C,

    /// <summary>Load at a + immediate.</summary>
    LoadS16To64,

    /// <summary>Load at a + b + immediate.</summary>
    LoadS16To64X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadS16To64C,

    /// <summary>Load at a + immediate.</summary>
    LoadU32,

    /// <summary>Load at a + b + immediate.</summary>
    LoadU32X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadU32C,

    /// <summary>Load at a + immediate.</summary>
    LoadS32To64,

    /// <summary>Load at a + b + immediate.</summary>
    LoadS32To64X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadS32To64C,

    /// <summary>Load at a + immediate.</summary>
    LoadU64,

    /// <summary>Load at a + b + immediate.</summary>
    LoadU64X,

    /// <summary>Load at VM context + immediate.</summary>
    LoadU64C,

    /// <summary>Load of 16 bytes at a + immediate.</summary>
    LoadV128,

    /// <summary>Load of 16 bytes at a + b + immediate.</summary>
    LoadV128X,

    /// <summary>Load of 16 bytes at VM context + immediate.</summary>
    LoadV128C,

    /// <summary>Load at a + immediate to a vector, whose other bytes are zero.</summary>
    LoadV32,

    /// <summary>Load at a + b + immediate to a vector, whose other bytes are zero.</summary>
    LoadV32X,

    /// <summary>Load at VM context + immediate to a vector, whose other bytes are zero.</summary>
    LoadV32C,

    /// <summary>Load at a + immediate to a vector, whose other bytes are zero.</summary>
    LoadV64,

    /// <summary>Load at a + b + immediate to a vector, whose other bytes are zero.</summary>
    LoadV64X,

    /// <summary>Load at VM context + immediate to a vector, whose other bytes are zero.</summary>
    LoadV64C,

    /// <summary>Store of the first operand at a + immediate.</summary>
    Store8,

    /// <summary>Store of the first operand at a + b + immediate.</summary>
    Store8X,

    /// <summary>Store of the first operand at VM context + immediate.</summary>
    Store8C,

    /// <summary>Store of the first operand at a + immediate.</summary>
    Store16,

    /// <summary>Store of the first operand at a + b + immediate.</summary>
    Store16X,

    /// <summary>Store of the first operand at VM context + immediate.</summary>
    Store16C,

    /// <summary>Store of the first operand at a + immediate.</summary>
    Store32,

    /// <summary>Store of the first operand at a + b + immediate.</summary>
    Store32X,

    /// <summary>Store of the first operand at VM context + immediate.</summary>
    Store32C,

    /// <summary>Store of the first operand at a + immediate.</summary>
    Store64,

    /// <summary>Store of the first operand at a + b + immediate.</summary>
    Store64X,

    /// <summary>Store of the first operand at VM context + immediate.</summary>
    Store64C,

    /// <summary>Store of the first operand at a + immediate.</summary>
    Store128,

    /// <summary>Store of the first operand at a + b + immediate.</summary>
    Store128X,

    /// <summary>Store of the first operand at VM context + immediate.</summary>
    Store128C,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadU8Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadS8To32Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadS8To64Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadU16Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadS16To32Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadS16To64Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadU32Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadS32To64Checked,

    /// <summary>Load at a + b + Low; traps unless b + the lower half of High ≤ the fourth operand.</summary>
    LoadU64Checked,

    /// <summary>Store of the first operand at a + b + Low; traps likewise.</summary>
    Store8Checked,

    /// <summary>Store of the first operand at a + b + Low; traps likewise.</summary>
    Store16Checked,

    /// <summary>Store of the first operand at a + b + Low; traps likewise.</summary>
    Store32Checked,

    /// <summary>Store of the first operand at a + b + Low; traps likewise.</summary>
    Store64Checked,

    /// <summary>8 bytes, then as many from the fourth operand to the third.</summary>
    Move2,

    /// <summary>8 bytes, then goes to Low.</summary>
    MoveJump,

    /// <summary>Two moves, then goes to Low.</summary>
    Move2Jump,

    /// <summary>The immediate.</summary>
    LoadConstant,

    /// <summary>The immediate, and above it that of the next word.</summary>
    LoadConstant128,

    /// <summary>The address of the VM context.</summary>
    LoadContext,

    /// <summary>The engine-wide number of a type.</summary>
    LoadTypeId,

    /// <summary>Traps unless a + immediate ≤ b without overflow.</summary>
    BoundsCheck,

    /// <summary>Traps if a is not zero.</summary>
    TrapIf,

    /// <summary>Traps if a is zero.</summary>
    TrapIfNot,

    /// <summary>Traps where an access at offset a + immediate of the heap would be one of null.</summary>
    NullCheck,

    /// <summary>Sequentially consistent load at a + Low of High bytes.</summary>
    AtomicLoad,

    /// <summary>Sequentially consistent store of the first operand at a + Low.</summary>
    AtomicStore,

    /// <summary>The old value at a + Low, which is combined with b.</summary>
    AtomicReadModifyWrite,

    /// <summary>The old value at a + Low; if it is b, the fourth operand is stored.</summary>
    AtomicCompareExchange,

    /// <summary>Fence.</summary>
    AtomicFence,

    /// <summary>a + b · 2^immediate in 32 bits.</summary>
    ElementOffset,

    /// <summary>Marks the card of what is stored at b + immediate in the heap a, where b is old.</summary>
    WriteBarrier,

    /// <summary>A vector operation of the IR; see VectorInterpreter.</summary>
    Vector,

    /// <summary>An argument that the caller left above the frame; emitted as a move.</summary>
    LoadIncoming,

    /// <summary>A result of a call that has many; emitted as a move.</summary>
    LoadResult,

    /// <summary>Leaves for the runtime if the guest has been asked to stop.</summary>
    InterruptCheck,

    /// <summary>Subtracts from the fuel of the execution record a; below zero leaves for the runtime.</summary>
    FuelCheck,

    /// <summary>The same for an amount b.</summary>
    FuelCharge,

    /// <summary>Start of a function. A: words of its frame, B: words of arguments above it.</summary>
    Enter,

    /// <summary>Start of a function that is reached through a slot.</summary>
    LazyJump,

    /// <summary>Start of a function that has to be compiled first.</summary>
    CompileExit,

    /// <summary>Start of a host function.</summary>
    HostCall,

    /// <summary>Start of a builtin that the runtime does.</summary>
    BuiltinExit,

    /// <summary>Start of the builtin that copies memory.</summary>
    CopyBytes,

    /// <summary>Start of the builtin that fills memory.</summary>
    FillBytes,

    /// <summary>Continues behind a call that left.</summary>
    ResumeCall,

    /// <summary>Makes the call again, whose function has been compiled.</summary>
    ResumeCompile,

    /// <summary>Continues to copy.</summary>
    ResumeCopy,

    /// <summary>Continues to fill.</summary>
    ResumeFill,

    /// <summary>Continues at a handler.</summary>
    Landing,

    /// <summary>The end of an activation.</summary>
    EntryReturn,

    /// <summary>How many numbers there are.</summary>
    Count,
}

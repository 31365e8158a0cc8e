// Opcodes of machine-level x86-64. What is written after each is its operand list: definitions and temporaries, register uses, and then, as the
// last source, either an operand that may be in memory (`any`) or an explicit address (`mem`: see X64AddressKind), which the
// emitter treats alike. Width is the operation's size in bytes, Condition the field named in brackets.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <summary>Machine opcodes.</summary>
internal enum X64Opcode : ushort
{
    // Shared with every target.

    /// <summary>Start of a block; defines its parameters.</summary>
    Label = MachineOpcode.Label,

    // Calls. Operands: def@… , use@….

    /// <summary>Aux: function index. Condition, here and below: 1 if the VM context has to be reloaded after. Immediate: bytes pushed.</summary>
    Call = MachineOpcode.Call,

    /// <summary>Aux: builtin.</summary>
    CallBuiltin = MachineOpcode.CallBuiltin,

    /// <summary>Through the record in rax.</summary>
    CallReference = MachineOpcode.CallReference,

    /// <summary>use@…. Aux: function index. Immediate: bytes pushed.</summary>
    TailCall = MachineOpcode.TailCall,

    /// <summary>use@…. Through the record in rax. Immediate: bytes pushed.</summary>
    TailCallReference = MachineOpcode.TailCallReference,

    // Terminators. Edges are the block's, in order.

    /// <summary>To the only edge.</summary>
    Jump = MachineOpcode.Jump,

    /// <summary>To the first edge if the condition holds, else to the second. [X64Condition]</summary>
    JumpIf = MachineOpcode.JumpIf,

    /// <summary>temp, temp, use. Aux: start in SwitchTargets; immediate: how many, of which the last is the default.</summary>
    Switch = MachineOpcode.Switch,

    /// <summary>use@….</summary>
    Return = MachineOpcode.Return,

    /// <summary>Aux: trap code.</summary>
    Trap = MachineOpcode.Trap,

    // Moves.

    /// <summary>def, any. A copy of the definition's type; of 32 bits it clears the upper half.</summary>
    Copy = MachineOpcode.FirstOfTarget,

    /// <summary>def. Immediate: index into the constants. Rematerialisable.</summary>
    LoadConstant,

    /// <summary>def. Immediate: index into the constants (two for 16 bytes). Rematerialisable, in memory.</summary>
    LoadFloatConstant,

    /// <summary>def. Aux: type index. The type's canonical id, by relocation.</summary>
    LoadTypeId,

    /// <summary>def, mem. Width: bytes in memory. [LoadExtension]</summary>
    Load,

    /// <summary>def, mem. A vector register of 4, 8 or 16 bytes.</summary>
    LoadVector,

    /// <summary>use, mem.</summary>
    Store,

    /// <summary>mem. Immediate: the value, sign-extended.</summary>
    StoreImmediate,

    /// <summary>use, mem.</summary>
    StoreVector,

    /// <summary>def, mem.</summary>
    Lea,

    // Integers.

    /// <summary>tied, in, any or mem. [AluOp]</summary>
    Alu,

    /// <summary>tied, in. Immediate. [AluOp]</summary>
    AluImmediate,

    /// <summary>def, use, use. lea where the definition has a register of its own.</summary>
    Add3,

    /// <summary>def, use. Immediate.</summary>
    Add3Immediate,

    /// <summary>use, mem. The memory operand is changed. [AluOp]</summary>
    AluMemory,

    /// <summary>mem. Immediate. [AluOp]</summary>
    AluMemoryImmediate,

    /// <summary>use, any or mem. Sets flags.</summary>
    Compare,

    /// <summary>any or mem. Immediate.</summary>
    CompareImmediate,

    /// <summary>use, mem: memory is the left operand.</summary>
    CompareMemory,

    /// <summary>any or mem, with the canonical id of type [Aux], which is filled in when the code is loaded.</summary>
    CompareTypeId,

    /// <summary>use, use.</summary>
    Test,

    /// <summary>any or mem. Immediate.</summary>
    TestImmediate,

    /// <summary>use, use: bit number second.</summary>
    BitTest,

    /// <summary>use. Immediate: bit number.</summary>
    BitTestImmediate,

    /// <summary>tied, in. [UnaryOp]</summary>
    Unary,

    /// <summary>tied, in. The bytes from back to front.</summary>
    ByteSwap,

    /// <summary>tied, in, any or mem.</summary>
    Multiply,

    /// <summary>def, any or mem. Immediate.</summary>
    MultiplyImmediate,

    /// <summary>def@rdx, use@rax, any or mem; clobbers rax. [1: signed]</summary>
    MultiplyHigh,

    /// <summary>def@rax or rdx, use@rax, use; clobbers both. [X64Division] Aux: trap code of an overflow.</summary>
    Divide,

    /// <summary>tied, in. Immediate. [ShiftOp]</summary>
    ShiftImmediate,

    /// <summary>tied, in, use@rcx. [ShiftOp]</summary>
    ShiftCl,

    /// <summary>def, any or mem, use (before the address). BMI2. [ShiftOp]</summary>
    ShiftX,

    /// <summary>def, any or mem. Immediate. BMI2.</summary>
    RotateRightX,

    /// <summary>def, any or mem. Width: of the source. [LoadExtension]</summary>
    Extend,

    /// <summary>def, any or mem. [X64BitCount]</summary>
    BitCount,

    /// <summary>early, temp, use: without the instruction for it. [X64BitCount]</summary>
    BitCountSlow,

    /// <summary>def, use, any or mem. def ← ~use &amp; any. BMI1.</summary>
    AndNot,

    /// <summary>def, any or mem. BMI1. [BlsOp]</summary>
    LowestBit,

    /// <summary>def. 0 or 1. [X64Condition]</summary>
    Set,

    /// <summary>tied, in (if not), any or mem (if so). [X64Condition]</summary>
    Cmov,

    /// <summary>tied, in (if so), any (if not): a vector register. [X64Condition]</summary>
    SelectVector,

    // Floating point. Immediate: the SseOp.

    /// <summary>def, use (tied without AVX), any or mem.</summary>
    VectorBinary,

    /// <summary>def, any or mem. One source; does not depend on the destination's old value.</summary>
    VectorUnary,

    /// <summary>def, any or mem. Condition: the immediate byte.</summary>
    VectorUnaryImmediate,

    /// <summary>use, any or mem. Sets flags.</summary>
    VectorCompare,

    /// <summary>def, use (tied without AVX), use. WebAssembly's min (condition 0) and max (1).</summary>
    MinMax,

    /// <summary>def (vector), any or mem (integer). Width: of the integer. Aux: width of the float.</summary>
    IntegerToFloat,

    /// <summary>early (vector), temp (integer), use (integer): unsigned 64 bits. Aux: width of the float.</summary>
    Unsigned64ToFloat,

    /// <summary>early (integer), temp (integer), temp (vector), use (vector). [X64Truncation] Width: of the float. Aux: of the integer.</summary>
    Truncate,

    /// <summary>def, any. Between integer and vector registers.</summary>
    MoveBits,

    // Arguments on the stack.

    /// <summary>any. Pushes 8 or 16 bytes.</summary>
    Push,

    /// <summary>Immediate.</summary>
    PushImmediate,

    // Checks. Aux: trap code.

    /// <summary>[X64Condition]</summary>
    TrapIf,

    /// <summary>temp, use, any or mem: traps if use + immediate, unsigned, is above. Width: of the first operand.</summary>
    BoundsCheck,

    /// <summary>Calls the interrupt builtin if it is wanted.</summary>
    InterruptCheck,

    /// <summary>use: execution record. Immediate: fuel.</summary>
    FuelCheck,

    /// <summary>use: execution record; use: fuel.</summary>
    FuelCharge,

    // Atomics.

    /// <summary>tied, in, mem. lock xadd.</summary>
    AtomicAdd,

    /// <summary>tied, in, mem. xchg.</summary>
    AtomicExchange,

    /// <summary>def@rax, use@rax (expected), use (new), mem.</summary>
    AtomicCompareExchange,

    /// <summary>def@rax, temp, use, mem; clobbers rax. A loop of compare and exchange. [AluOp]</summary>
    AtomicLoop,

    /// <summary>mfence.</summary>
    Fence,

    /// <summary>Number of opcodes.</summary>
    Count,
}

/// <summary>What follows from the flags: the hardware's conditions, and two that need two of them.</summary>
internal enum X64Condition : byte
{
    /// <summary>Zero and not parity: equal and ordered.</summary>
    EqualOrdered = 16,

    /// <summary>Not zero or parity: different or unordered.</summary>
    NotEqualOrUnordered = 17,
}

/// <summary>How a load narrower than a register fills the rest.</summary>
internal enum LoadExtension : byte
{
    /// <summary>With zeros.</summary>
    Zero,

    /// <summary>With the sign, to 32 bits.</summary>
    Sign32,

    /// <summary>With the sign, to 64 bits.</summary>
    Sign64,
}

/// <summary>Forms of division: bits.</summary>
[Flags]
internal enum X64Division : byte
{
    /// <summary>Unsigned quotient.</summary>
    None = 0,

    /// <summary>Signed.</summary>
    Signed = 1,

    /// <summary>The remainder is wanted.</summary>
    Remainder = 2,

    /// <summary>The smallest integer by −1 must be looked for.</summary>
    CheckOverflow = 4,
}

/// <summary>Bit counts.</summary>
internal enum X64BitCount : byte
{
    /// <summary>Leading zeros.</summary>
    Leading,

    /// <summary>Trailing zeros.</summary>
    Trailing,

    /// <summary>Ones.</summary>
    Population,
}

/// <summary>Forms of float to integer: bits.</summary>
[Flags]
internal enum X64Truncation : byte
{
    /// <summary>Unsigned, traps.</summary>
    None = 0,

    /// <summary>Signed.</summary>
    Signed = 1,

    /// <summary>Saturates instead of trapping.</summary>
    Saturate = 2,
}

/// <summary>Kinds of address, in bits 4 to 6 of <see cref="MachineInstruction.Address"/>; bit 0: base, bit 1: index, bits 2 and 3: scale.</summary>
internal enum X64AddressKind : byte
{
    /// <summary>None: the last source is a plain operand.</summary>
    None = 0,

    /// <summary>Base and index are operands.</summary>
    Registers = 1,

    /// <summary>The VM context is the base; there may be an index.</summary>
    VmContext = 2,

    /// <summary>The buffer for results of calls in this frame.</summary>
    ResultBuffer = 3,

    /// <summary>The incoming stack arguments.</summary>
    Incoming = 4,

    /// <summary>A constant of 4, 8 or 16 bytes; displacement: index into the constants, scale: log2 of the size, less 2.</summary>
    Constant = 5,
}

// Why: the reasons guest code can stop for, as the compiler writes them into trap sites and the runtime reports them. The
// numbers go into serialised code: append, never renumber.
namespace Tarn.Compiler.Abi;

internal enum TrapCode : byte
{
    None = 0,
    Unreachable = 1,
    MemoryOutOfBounds = 2,
    TableOutOfBounds = 3,
    IndirectCallToNull = 4,
    BadSignature = 5,
    UndefinedElement = 6,
    IntegerDivideByZero = 7,
    IntegerOverflow = 8,
    InvalidConversionToInteger = 9,
    StackOverflow = 10,
    NullReference = 11,
    CastFailure = 12,
    ArrayOutOfBounds = 13,
    UnalignedAtomic = 14,
    Interrupted = 15,
    OutOfFuel = 16,
    OutOfMemory = 17,
    UncaughtException = 18,
    AtomicWaitOnUnsharedMemory = 19,
    AllocationTooLarge = 20,
}

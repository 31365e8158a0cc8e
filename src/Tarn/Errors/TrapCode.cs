// The reasons for which a guest can be stopped. The order is not significant; the numbers are public and stay.
namespace Tarn;

/// <summary>Why a guest was stopped.</summary>
public enum TrapCode
{
    /// <summary>An <c>unreachable</c> instruction was executed.</summary>
    Unreachable = 1,

    /// <summary>An access beyond the end of a linear memory.</summary>
    MemoryOutOfBounds = 2,

    /// <summary>An access beyond the end of a table.</summary>
    TableOutOfBounds = 3,

    /// <summary>An indirect call with an index beyond the end of its table.</summary>
    UndefinedElement = 4,

    /// <summary>An indirect call of a null element.</summary>
    UninitializedElement = 5,

    /// <summary>An indirect call of a function of another type.</summary>
    IndirectCallTypeMismatch = 6,

    /// <summary>An integer division by zero.</summary>
    IntegerDivideByZero = 7,

    /// <summary>An integer result that does not fit its type.</summary>
    IntegerOverflow = 8,

    /// <summary>A conversion of a NaN to an integer.</summary>
    InvalidConversionToInteger = 9,

    /// <summary>Calls nested too deeply for the guest stack.</summary>
    StackExhausted = 10,

    /// <summary>A null reference where a value was needed.</summary>
    NullReference = 11,

    /// <summary>A call of a null function reference.</summary>
    NullFunctionReference = 12,

    /// <summary>A reference cast that does not hold.</summary>
    CastFailure = 13,

    /// <summary>An access beyond the end of an array.</summary>
    ArrayOutOfBounds = 14,

    /// <summary>An access through a null array reference.</summary>
    NullArrayReference = 15,

    /// <summary>An access through a null structure reference.</summary>
    NullStructureReference = 16,

    /// <summary>A read of a null i31 reference.</summary>
    NullI31Reference = 17,

    /// <summary>The host asked the guest to stop: a cancelled token or a passed deadline.</summary>
    Interrupted = 18,

    /// <summary>The guest used up its fuel.</summary>
    OutOfFuel = 19,

    /// <summary>An exception that no handler of the guest caught.</summary>
    UncaughtException = 20,

    /// <summary>An atomic access at an address that is not a multiple of its size.</summary>
    UnalignedAtomic = 21,

    /// <summary>An atomic wait on a memory that is not shared.</summary>
    ExpectedSharedMemory = 22,

    /// <summary>A resource of the engine ran out while the guest ran, such as its heap of references.</summary>
    AllocationTooLarge = 23,
}

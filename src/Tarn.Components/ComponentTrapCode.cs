// Reasons of traps that the canonical ABI raises; those of core WebAssembly are Tarn.TrapCode.
namespace Tarn.Components;

/// <summary>Specifies why a component was stopped at one of its borders.</summary>
public enum ComponentTrapCode
{
    /// <summary>An instance was entered that cannot be: it is in the middle of a call, or it trapped before.</summary>
    CannotEnter = 1,

    /// <summary>An instance called out while it was not allowed to: during memory allocation for its arguments, or after it had returned.</summary>
    CannotLeave = 2,

    /// <summary>A pointer is not aligned for what it points to.</summary>
    UnalignedPointer = 3,

    /// <summary>A pointer or length reaches beyond the memory.</summary>
    OutOfBounds = 4,

    /// <summary>A string is not valid in its encoding.</summary>
    InvalidString = 5,

    /// <summary>A discriminant names no case.</summary>
    InvalidDiscriminant = 6,

    /// <summary>A character is not a Unicode scalar value.</summary>
    InvalidCharacter = 7,

    /// <summary>A handle is unknown, of another type, or cannot be used in this way.</summary>
    InvalidHandle = 8,

    /// <summary>Handles that were borrowed for a call are still held when it returns.</summary>
    BorrowsRemain = 9,

    /// <summary>An implementation limit was reached: handles of an instance, bytes of a value.</summary>
    LimitReached = 10,

    /// <summary>The component uses what is not supported.</summary>
    NotSupported = 11,

    /// <summary>A host function returned a value that does not fit its type.</summary>
    InvalidHostValue = 12,

    /// <summary>A core function threw an exception that nothing in its component caught.</summary>
    UncaughtException = 13,
}

// The wording of traps: that of the specification's test scripts, so that scripts and people meet the same words.
namespace Tarn;

internal static class TrapMessages
{
    public static string Of(TrapCode code) => code switch
    {
        TrapCode.Unreachable => "unreachable",
        TrapCode.MemoryOutOfBounds => "out of bounds memory access",
        TrapCode.TableOutOfBounds => "out of bounds table access",
        TrapCode.UndefinedElement => "undefined element",
        TrapCode.UninitializedElement => "uninitialized element",
        TrapCode.IndirectCallTypeMismatch => "indirect call type mismatch",
        TrapCode.IntegerDivideByZero => "integer divide by zero",
        TrapCode.IntegerOverflow => "integer overflow",
        TrapCode.InvalidConversionToInteger => "invalid conversion to integer",
        TrapCode.StackExhausted => "call stack exhausted",
        TrapCode.NullReference => "null reference",
        TrapCode.NullFunctionReference => "null function reference",
        TrapCode.CastFailure => "cast failure",
        TrapCode.ArrayOutOfBounds => "out of bounds array access",
        TrapCode.NullArrayReference => "null array reference",
        TrapCode.NullStructureReference => "null structure reference",
        TrapCode.NullI31Reference => "null i31 reference",
        TrapCode.Interrupted => "interrupted",
        TrapCode.OutOfFuel => "out of fuel",
        TrapCode.UncaughtException => "uncaught exception",
        TrapCode.UnalignedAtomic => "unaligned atomic",
        TrapCode.ExpectedSharedMemory => "expected shared memory",
        TrapCode.AllocationTooLarge => "allocation size too large",
        _ => "unknown trap " + (int)code,
    };
}

// What the user of `tarn run` sees when the guest traps: why, where, and what that usually means.
namespace Tarn.Cli.Running;

internal static class TrapReport
{
    /// <summary>The report, several lines.</summary>
    public static string Describe(Trap trap)
    {
        string text = $"tarn: the guest trapped: {trap}";
        if (Hint(trap.Code) is string hint)
            text += $"\nhint: {hint}";
        if (trap.Backtrace.Count > 0 && trap.Backtrace.All(frame => frame.FunctionName is null))
            text += "\nhint: the module has no name section; build it without stripping (for example without -Wl,--strip-all) to see names instead of numbers";
        return text;
    }

    private static string? Hint(TrapCode code) => code switch
    {
        TrapCode.Unreachable => "compilers emit unreachable for abort(), failed assertions, panics and code that cannot be reached; what the guest printed last often says which",
        TrapCode.MemoryOutOfBounds => "a wild or null pointer, an index past the end, or the guest's own stack running over; an address just below 4 GiB is a small negative one",
        TrapCode.StackExhausted => "most often a recursion without end",
        TrapCode.IndirectCallTypeMismatch => "a function was called through a pointer of another type: in C, a cast or a missing prototype",
        TrapCode.UndefinedElement or TrapCode.UninitializedElement or TrapCode.TableOutOfBounds => "a call through a function pointer that points at nothing",
        TrapCode.IntegerDivideByZero => "an integer was divided by zero",
        TrapCode.InvalidConversionToInteger => "a floating-point number that is not an integer, or too large for one, was converted",
        TrapCode.OutOfFuel => "--fuel gave it so many instructions and no more",
        _ => null,
    };
}

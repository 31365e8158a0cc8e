// Whether a result is what a script expects. Expectations may leave things open: NaNs of a class, references of a kind, one of several values.
// An engine describes a reference by the most precise kind it knows; a vague description matches no precise expectation.
namespace Tarn.Wast;

/// <summary>Compares results with expectations.</summary>
internal static class ScriptMatcher
{
    /// <summary>What differs, or null.</summary>
    public static string? Compare(ScriptValue[] actual, ScriptResult[] expected)
    {
        if (actual.Length != expected.Length)
            return $"{actual.Length} results instead of {expected.Length}";
        for (int i = 0; i < actual.Length; i++)
        {
            if (!Matches(actual[i], expected[i]))
                return $"result {i} is {Describe(actual[i])}, expected {Describe(expected[i])}";
        }

        return null;
    }

    private static bool Matches(in ScriptValue actual, in ScriptResult expected)
    {
        if (expected.Alternatives is not { } alternatives)
            return Matches(actual, expected.Value);
        foreach (ref readonly ScriptValue alternative in alternatives.AsSpan())
        {
            if (Matches(actual, alternative))
                return true;
        }

        return false;
    }

    private static bool Matches(in ScriptValue actual, in ScriptValue expected) => expected.Kind switch
    {
        ScriptValueKind.I32 => actual.Kind == ScriptValueKind.I32 && (uint)actual.Low == (uint)expected.Low,
        ScriptValueKind.I64 => actual.Kind == ScriptValueKind.I64 && actual.Low == expected.Low,
        ScriptValueKind.F32 => actual.Kind == ScriptValueKind.F32 && MatchesSingle((uint)actual.Low, (uint)expected.Low, expected.Nan(0)),
        ScriptValueKind.F64 => actual.Kind == ScriptValueKind.F64 && MatchesDouble(actual.Low, expected.Low, expected.Nan(0)),
        ScriptValueKind.V128 => actual.Kind == ScriptValueKind.V128 && MatchesVector(actual, expected),
        ScriptValueKind.RefNull => actual.Kind == ScriptValueKind.RefNull,
        _ => IsOf(actual.Kind, expected.Kind) && (!expected.HasPayload || (actual.HasPayload && actual.Low == expected.Low)),
    };

    // The hierarchy below any; the other reference kinds stand alone.
    private static bool IsOf(ScriptValueKind actual, ScriptValueKind expected) => expected switch
    {
        ScriptValueKind.RefAny => actual is ScriptValueKind.RefAny or ScriptValueKind.RefHost or ScriptValueKind.RefEq or ScriptValueKind.RefI31 or ScriptValueKind.RefStruct
            or ScriptValueKind.RefArray,
        ScriptValueKind.RefEq => actual is ScriptValueKind.RefEq or ScriptValueKind.RefI31 or ScriptValueKind.RefStruct or ScriptValueKind.RefArray,
        _ => actual == expected,
    };

    private static bool MatchesSingle(uint actual, uint expected, NanClass nan) => nan switch
    {
        NanClass.Canonical => (actual & 0x7FFF_FFFF) == 0x7FC0_0000,
        NanClass.Arithmetic => (actual & 0x7FC0_0000) == 0x7FC0_0000,
        _ => actual == expected,
    };

    private static bool MatchesDouble(ulong actual, ulong expected, NanClass nan) => nan switch
    {
        NanClass.Canonical => (actual & 0x7FFF_FFFF_FFFF_FFFF) == 0x7FF8_0000_0000_0000,
        NanClass.Arithmetic => (actual & 0x7FF8_0000_0000_0000) == 0x7FF8_0000_0000_0000,
        _ => actual == expected,
    };

    private static bool MatchesVector(in ScriptValue actual, in ScriptValue expected) => expected.Shape switch
    {
        LaneShape.F64X2 => MatchesDouble(actual.Low, expected.Low, expected.Nan(0)) && MatchesDouble(actual.High, expected.High, expected.Nan(1)),
        LaneShape.F32X4 => MatchesSingle((uint)actual.Low, (uint)expected.Low, expected.Nan(0))
            && MatchesSingle((uint)(actual.Low >> 32), (uint)(expected.Low >> 32), expected.Nan(1))
            && MatchesSingle((uint)actual.High, (uint)expected.High, expected.Nan(2))
            && MatchesSingle((uint)(actual.High >> 32), (uint)(expected.High >> 32), expected.Nan(3)),
        _ => actual.Low == expected.Low && actual.High == expected.High,
    };

    private static string Describe(in ScriptResult expected) =>
        expected.Alternatives is { } alternatives ? "one of " + string.Join(", ", alternatives.Select(a => Describe(a))) : Describe(expected.Value);

    private static string Describe(in ScriptValue value) => value.Kind switch
    {
        ScriptValueKind.I32 => $"i32 {(int)value.Low}",
        ScriptValueKind.I64 => $"i64 {(long)value.Low}",
        ScriptValueKind.F32 when value.Nan(0) != NanClass.Exact => $"f32 nan:{Lower(value.Nan(0))}",
        ScriptValueKind.F32 => $"f32 {BitConverter.UInt32BitsToSingle((uint)value.Low):R} (0x{(uint)value.Low:x8})",
        ScriptValueKind.F64 when value.Nan(0) != NanClass.Exact => $"f64 nan:{Lower(value.Nan(0))}",
        ScriptValueKind.F64 => $"f64 {BitConverter.UInt64BitsToDouble(value.Low):R} (0x{value.Low:x16})",
        ScriptValueKind.V128 => $"v128 0x{value.High:x16}_{value.Low:x16}{(value.NanLanes != 0 ? " with NaN lanes" : "")}",
        ScriptValueKind.RefNull => "a null reference",
        _ => $"{value.Kind}{(value.HasPayload ? " " + value.Low : "")}",
    };

    private static string Lower(NanClass nan) => nan == NanClass.Canonical ? "canonical" : "arithmetic";
}

// The keywords that are no instructions, known only to tell a keyword in the wrong place ("unexpected token") from a word that is none
// ("unknown operator"). Nothing is accepted or refused by this list.
namespace Tarn.Wasm.Text;

/// <summary>Words of the text format.</summary>
internal static class Keywords
{
    private static readonly HashSet<string> s_words = new(StringComparer.Ordinal)
    {
        "i8", "i16", "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2",
        "any", "eq", "i31", "struct", "array", "func", "extern", "exn", "none", "nofunc", "noextern", "noexn", "null",
        "anyref", "eqref", "i31ref", "structref", "arrayref", "funcref", "externref", "exnref", "nullref", "nullfuncref", "nullexternref", "nullexnref",
        "ref", "mut", "field", "sub", "final", "rec", "type", "param", "result", "local", "module", "import", "export", "table", "memory", "global", "tag",
        "elem", "data", "declare", "start", "offset", "item", "shared", "pagesize", "then", "else", "end", "do", "catch", "catch_ref", "catch_all", "catch_all_ref",
        "binary", "quote", "definition", "instance", "register", "invoke", "get", "script", "input", "output", "thread", "wait", "either",
        "assert_return", "assert_trap", "assert_exhaustion", "assert_exception", "assert_malformed", "assert_invalid", "assert_unlinkable",
        "assert_malformed_custom", "assert_invalid_custom", "nan:canonical", "nan:arithmetic", "before", "after",
    };

    public static bool IsKnown(ReadOnlySpan<byte> word) =>
        word.StartsWith("offset="u8) || word.StartsWith("align="u8) || Opcodes.TryFind(word, out _)
        || s_words.Contains(System.Text.Encoding.UTF8.GetString(word));
}

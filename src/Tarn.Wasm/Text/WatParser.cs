// Entry to the text format: text in, binary module out. The parser (ModuleParser) checks what can be said about the text alone (syntax, identifiers,
// ranges of literals); whether the module is valid is the validator's business, so that its rules exist once.
namespace Tarn.Wasm.Text;

/// <summary>Translates modules from text to binary.</summary>
internal static class WatParser
{
    /// <summary>The binary form of a module: <c>(module …)</c> in any of its forms, or its fields alone.</summary>
    public static byte[] Parse(ReadOnlySpan<byte> utf8, string? fileName = null, WatOptions? options = null) =>
        Parse(utf8, 0, utf8.Length, fileName, options);

    /// <summary>As above, for a module that stands within a larger source; positions in errors are those of the source.</summary>
    public static byte[] Parse(ReadOnlySpan<byte> source, int start, int end, string? fileName, WatOptions? options)
    {
        TokenList tokens = Lexer.Run(source, start, end, fileName);
        ModuleParser parser = new(source, tokens, fileName, options ?? WatOptions.Default);
        return parser.ParseModule();
    }

    /// <summary>The binary form of a module of which only the fields are given: that of a component's text.</summary>
    public static byte[] ParseFields(ReadOnlySpan<byte> source, int start, int end, string? fileName, WatOptions options)
    {
        TokenList tokens = Lexer.Run(source, start, end, fileName);
        ModuleParser parser = new(source, tokens, fileName, options);
        return parser.ParseFields();
    }
}

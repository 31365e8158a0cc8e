// Says what the decoder and the validator find wrong with a module that was text in terms of the text: file, line, column, and the line itself.
namespace Tarn.Wasm.Text;

internal static class TextLocation
{
    /// <summary>The error with the place in the text that it is about, or the error itself where no place is known.</summary>
    /// <param name="error">What was thrown for the binary module.</param>
    /// <param name="source">The text that the module was made from.</param>
    /// <param name="fileName">Its file, for messages.</param>
    /// <param name="options">What it was parsed with.</param>
    public static WasmException Locate(WasmException error, ReadOnlySpan<byte> source, string? fileName, WatOptions? options = null)
    {
        long offset = error switch
        {
            InvalidModuleException invalid => invalid.Offset,
            MalformedModuleException malformed => malformed.Offset,
            UnsupportedModuleException unsupported => unsupported.Offset,
            _ => -1,
        };
        if (offset < 0)
            return error;
        var positions = new TextPositions();
        WatParser.Parse(source, fileName, (options ?? WatOptions.Default) with { Positions = positions });
        if (!positions.TryFind(offset, out int start, out int end))
            return error;
        string place = TextFormatException.Describe(source, start, end, fileName, out int line, out int column, out string excerpt);
        return error switch
        {
            InvalidModuleException invalid => new InvalidModuleException(invalid, place, excerpt, line, column),
            MalformedModuleException malformed => new MalformedModuleException(malformed, place, excerpt, line, column),
            UnsupportedModuleException unsupported => new UnsupportedModuleException(unsupported, place, excerpt, line, column),
            _ => error,
        };
    }
}

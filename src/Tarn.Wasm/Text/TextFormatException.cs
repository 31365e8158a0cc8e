// The one error of the text format. Its message is meant for the person who wrote the text: the reason (which contains the specification's own
// wording, on which the specification's scripts rely), where it is, and the line itself with carets under the offending token.
using System.Text;

namespace Tarn;

/// <summary>Thrown where a module or script in the text format is not well formed.</summary>
public sealed class TextFormatException : WasmException
{
    private const int ExcerptWidth = 100;

    private TextFormatException(string message, string reason, string? fileName, int line, int column)
        : base(message)
    {
        Reason = reason;
        FileName = fileName;
        Line = line;
        Column = column;
    }

    /// <summary>What is wrong, without the place.</summary>
    public string Reason { get; }

    /// <summary>The file that the text came from, where that was known.</summary>
    public string? FileName { get; }

    /// <summary>Line of the offending token, counted from 1; 0 where the error is about the whole.</summary>
    public int Line { get; }

    /// <summary>Column of the offending token in characters, counted from 1; 0 where the error is about the whole.</summary>
    public int Column { get; }

    /// <summary>Makes the error for the bytes from <paramref name="start"/> to <paramref name="end"/> of a source.</summary>
    internal static TextFormatException At(ReadOnlySpan<byte> source, int start, int end, string reason, string? fileName)
    {
        string place = Describe(source, start, end, fileName, out int line, out int column, out string excerpt);
        return new TextFormatException($"{reason} ({place})\n{excerpt}", reason, fileName, line, column);
    }

    /// <summary>Makes the error for a source, or for several, as a whole: line and column are 0.</summary>
    internal static TextFormatException WithoutPlace(string reason, string? fileName) => new(fileName is null ? reason : $"{reason} ({fileName})", reason, fileName, 0, 0);

    /// <summary>The place of some bytes of a source: <c>file:line:column</c> or <c>line 1, column 2</c>, and the line with carets under them.</summary>
    internal static string Describe(ReadOnlySpan<byte> source, int start, int end, string? fileName, out int line, out int column, out string excerpt)
    {
        start = Math.Clamp(start, 0, source.Length);
        (line, int lineStart) = LineOf(source, start);
        int lineEnd = lineStart;
        while (lineEnd < source.Length && source[lineEnd] is not ((byte)'\n' or (byte)'\r'))
            lineEnd++;
        column = CountRunes(source[lineStart..start]) + 1;
        int width = CountRunes(source[start..Math.Clamp(end, start, Math.Max(start, lineEnd))]);

        StringBuilder text = new();
        Excerpt(text, source[lineStart..lineEnd], line, column, Math.Max(1, width));
        excerpt = text.ToString();
        return fileName is null ? $"line {line}, column {column}" : $"{fileName}:{line}:{column}";
    }

    /// <summary>The line number of an offset, from 1, and the offset where that line starts.</summary>
    internal static (int Line, int Start) LineOf(ReadOnlySpan<byte> source, int offset)
    {
        int line = 1, start = 0;
        for (int i = 0; i < offset; i++)
        {
            if (source[i] == '\n' || (source[i] == '\r' && !(i + 1 < source.Length && source[i + 1] == '\n')))
            {
                line++;
                start = i + 1;
            }
        }

        return (line, Math.Min(start, offset));
    }

    private static void Excerpt(StringBuilder text, ReadOnlySpan<byte> lineBytes, int line, int column, int width)
    {
        // Decode only a window of a long line: there are modules on a single line of megabytes.
        string number = line.ToString();
        int skipped = column > ExcerptWidth - 20 ? column - 41 : 0;
        StringBuilder shown = new(), carets = new();
        if (skipped > 0)
        {
            shown.Append('…');
            carets.Append(' ');
        }

        int index = 0, taken = 0;
        while (!lineBytes.IsEmpty && taken < ExcerptWidth)
        {
            Rune.DecodeFromUtf8(lineBytes, out Rune rune, out int consumed);
            lineBytes = lineBytes[consumed..];
            if (index++ < skipped)
                continue;
            taken++;
            bool marked = index >= column && index < column + width;
            bool control = Rune.IsControl(rune) && rune.Value != '\t';
            shown.Append(control ? "\uFFFD" : rune.ToString());
            carets.Append(marked ? '^' : rune.Value == '\t' ? '\t' : ' ');
        }

        if (!lineBytes.IsEmpty)
            shown.Append('…');
        if (index < column)
            carets.Append('^');
        text.Append("  ").Append(number).Append(" | ").Append(shown).Append('\n');
        text.Append(' ', number.Length + 2).Append(" | ").Append(carets.ToString().TrimEnd());
    }

    private static int CountRunes(ReadOnlySpan<byte> utf8)
    {
        int count = 0;
        foreach (byte b in utf8)
            count += (b & 0xC0) != 0x80 ? 1 : 0;
        return count;
    }
}

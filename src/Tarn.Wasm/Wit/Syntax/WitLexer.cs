// Turns WIT into tokens. Every lexical error ends here: the text is valid UTF-8 without control characters and without characters that make text look like other text than it is,
// comments and identifiers are well formed. Versions are no tokens, since what ends them depends on where they are: the parser asks for one where it expects one.
using System.Buffers;
using System.Text;
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Wit;

/// <summary>Reads tokens one by one.</summary>
internal sealed class WitLexer(WitSource source)
{
    private static readonly HashSet<string> s_keywords = new(StringComparer.Ordinal)
    {
        "use", "type", "func", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "resource", "own", "borrow", "record", "flags", "variant", "enum", "bool",
        "string", "option", "result", "future", "stream", "error-context", "list", "map", "as", "from", "static", "interface", "tuple", "import", "export", "world", "package",
        "constructor", "include", "with", "async",
    };

    private readonly byte[] _bytes = source.Bytes;
    private int _position;

    /// <summary>Checks the characters of the whole text.</summary>
    public void CheckCharacters()
    {
        int at = 0;
        while (at < _bytes.Length)
        {
            OperationStatus status = Rune.DecodeFromUtf8(_bytes.AsSpan(at), out Rune rune, out int length);
            if (status != OperationStatus.Done)
                throw Error(at, at + 1, "The text is not valid UTF-8.");
            if (rune.Value is < 0x20 and not ('\n' or '\r' or '\t') or 0x7F or (>= 0x80 and < 0xA0))
                throw Error(at, at + length, $"The text contains the control character U+{rune.Value:X4}.");
            if (rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) or 0x149 or 0x673 or 0xF77 or 0xF79 or 0x17A3 or 0x17A4 or 0x17B4 or 0x17B5)
                throw Error(at, at + length, $"The text contains U+{rune.Value:X4}, which is deprecated or changes the direction of text.");
            at += length;
        }
    }

    /// <summary>The next token.</summary>
    public WitToken Next()
    {
        StringBuilder? docs = null;
        int docsStart = 0, docsEnd = 0;
        while (SkipTrivia(out int start, out int end))
        {
            if (Documentation(start, end) is not string text)
                continue;
            if (docs is null)
                (docs, docsStart, docsEnd) = (new StringBuilder(), start, end);
            else
                docs.Append('\n');
            docs.Append(text);
        }

        return Token(docs?.ToString(), docsStart, docsEnd);
    }

    /// <summary>Reads a version from here on.</summary>
    /// <param name="span">Where it is.</param>
    public string Version(out WitSpan span)
    {
        while (SkipTrivia(out _, out _))
        {
        }

        int start = _position;
        for (int part = 0; part < 3; part++)
        {
            if (part > 0)
            {
                if (Peek(0) != '.' || !char.IsAsciiDigit((char)Peek(1)))
                    break;
                _position++;
            }

            while (char.IsAsciiDigit((char)Peek(0)))
                _position++;
        }

        if (Peek(0) == '-')
            Segments();
        if (Peek(0) == '+')
            Segments();
        span = new WitSpan(source, start, Math.Max(_position, Math.Min(start + 1, _bytes.Length)));
        string text = source.Text(start, _position);
        if (SemanticVersion.Parse(text, out _) is string problem)
            throw span.Error($"Expected a semantic version such as 1.2.3: {problem}.");
        return text;
    }

    private void Segments()
    {
        _position++;
        while (IsSegment(Peek(0)) || (Peek(0) == '.' && IsSegment(Peek(1))))
            _position++;

        static bool IsSegment(int c) => c == '-' || (c >= 0 && char.IsAsciiLetterOrDigit((char)c));
    }

    private int Peek(int ahead) => _position + ahead < _bytes.Length ? _bytes[_position + ahead] : 0;

    private TextFormatException Error(int start, int end, string reason) => new WitSpan(source, start, end).Error(reason);

    // Skips white space up to a comment and the comment; false where neither is left.
    private bool SkipTrivia(out int start, out int end)
    {
        while (Peek(0) is ' ' or '\t' or '\n' or '\r')
            _position++;
        start = _position;
        end = start;
        if (Peek(0) != '/' || Peek(1) is not ('/' or '*'))
            return false;
        if (Peek(1) == '/')
        {
            int length = _bytes.AsSpan(_position).IndexOf((byte)'\n');
            _position = length < 0 ? _bytes.Length : _position + length;
            end = _position > start && _bytes[_position - 1] == '\r' ? _position - 1 : _position;
            return true;
        }

        _position += 2;
        for (int depth = 1; depth > 0;)
        {
            if (_position >= _bytes.Length)
                throw Error(start, start + 2, "This comment is not closed.");
            if (Peek(0) == '/' && Peek(1) == '*')
            {
                depth++;
                _position += 2;
            }
            else if (Peek(0) == '*' && Peek(1) == '/')
            {
                depth--;
                _position += 2;
            }
            else
            {
                _position++;
            }
        }

        end = _position;
        return true;
    }

    // The text of a documentation comment, or null for another comment.
    private string? Documentation(int start, int end)
    {
        string text = source.Text(start, end);
        if (text.StartsWith("///", StringComparison.Ordinal))
        {
            string line = text[3..];
            return (line.StartsWith(' ') ? line[1..] : line).TrimEnd();
        }

        if (!text.StartsWith("/**", StringComparison.Ordinal) || text.Length < 5)
            return null;
        string[] lines = text[3..^2].Split('\n');
        StringBuilder docs = new();
        foreach (string line in lines)
        {
            if (docs.Length > 0)
                docs.Append('\n');
            docs.Append(line.Trim());
        }

        return docs.ToString().Trim('\n');
    }

    private WitToken Token(string? docs, int docsStart, int docsEnd)
    {
        int start = _position;
        WitToken Make(WitTokenKind kind, string text) => new(kind, start, _position, text, docs, docsStart, docsEnd);
        if (start >= _bytes.Length)
            return Make(WitTokenKind.End, "");
        byte c = _bytes[_position++];
        switch (c)
        {
            case (byte)'-' when Peek(0) == '>':
                _position++;
                return Make(WitTokenKind.Arrow, "->");
            case (byte)'=' or (byte)',' or (byte)':' or (byte)'.' or (byte)';' or (byte)'(' or (byte)')' or (byte)'{' or (byte)'}' or (byte)'<' or (byte)'>' or (byte)'*' or (byte)'@'
                or (byte)'/' or (byte)'+' or (byte)'-' or (byte)'_':
                return Make(WitTokenKind.Symbol, ((char)c).ToString());
            case >= (byte)'0' and <= (byte)'9':
                while (char.IsAsciiDigit((char)Peek(0)))
                    _position++;
                return Make(WitTokenKind.Integer, source.Text(start, _position));
            case (byte)'%' or (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z'):
                while (Peek(0) == '-' || char.IsAsciiLetterOrDigit((char)Peek(0)))
                    _position++;
                string word = source.Text(c == '%' ? start + 1 : start, _position);
                if (c != '%' && s_keywords.Contains(word))
                    return Make(WitTokenKind.Keyword, word);
                if (!ComponentName.IsKebab(word))
                    throw Error(start, _position, $"`{word}` is not an identifier in kebab case: words of letters of one case and digits, joined by hyphens.");
                return Make(WitTokenKind.Identifier, word);
            case (byte)'"':
                throw Error(start, start + 1, "WIT has no string literals.");
            default:
                Rune.DecodeFromUtf8(_bytes.AsSpan(start), out Rune rune, out int length);
                throw Error(start, start + length, $"Unexpected character `{rune}`.");
        }
    }

    /// <summary>Whether a name has to be written with a percent sign.</summary>
    public static bool IsKeyword(string word) => s_keywords.Contains(word);
}

// Turns UTF-8 source into an array of tokens (specification 6.3, "Lexical Format"). All lexical errors end here: the source is valid UTF-8,
// strings and numbers are well formed, and every parenthesis has its partner's index, so that parsers skip whatever they do not look into at
// once and never recurse. Annotations are balanced and skipped; the few that are known are noted in a list of their own.
//
// The rule on adjacency: characters of identifiers and strings that touch make one token. If that token is none of the defined ones, it is
// reserved, which outside of annotations is an error ("unknown operator").
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;

namespace Tarn.Wasm.Text;

/// <summary>The tokens of a source.</summary>
internal sealed class TokenList
{
    private Token[] _tokens = new Token[256];

    public int Count { get; private set; }

    /// <summary>Known annotations in the order of the source.</summary>
    public List<Annotation> Annotations { get; } = [];

    public ReadOnlySpan<Token> Tokens => _tokens.AsSpan(0, Count);

    public ref Token this[int index] => ref _tokens[index];

    public void Add(TokenKind kind, int start, int end, int match, bool annotated, bool escaped)
    {
        if (Count == _tokens.Length)
            Array.Resize(ref _tokens, Count * 2);
        ref Token token = ref _tokens[Count++];
        token.Start = start;
        token.End = end;
        token.Match = match;
        token.Kind = kind;
        token.Annotated = annotated;
        token.Escaped = escaped;
    }
}

/// <summary>Makes tokens.</summary>
internal ref struct Lexer
{
    private static readonly SearchValues<byte> s_identifierBytes = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&'*+-./:<=>?@\\^_`|~"u8);

    private readonly ReadOnlySpan<byte> _source;
    private readonly string? _fileName;
    private readonly TokenList _list;
    private readonly int _end;
    private int _position;
    private int _open;
    private int _noted;

    private Lexer(ReadOnlySpan<byte> source, int start, int end, string? fileName)
    {
        _source = source;
        _fileName = fileName;
        _position = start;
        _end = end;
        _open = -1;
        _list = new TokenList();
    }

    /// <summary>The tokens of the bytes from <paramref name="start"/> to <paramref name="end"/>.</summary>
    public static TokenList Run(ReadOnlySpan<byte> source, int start, int end, string? fileName)
    {
        if (!Utf8.IsValid(source[start..end]))
            FailUtf8(source, start, end, fileName);
        Lexer lexer = new(source, start, end, fileName);
        lexer.Run();
        return lexer._list;
    }

    /// <summary>Whether the byte may stand in an identifier or keyword.</summary>
    public static bool IsIdentifierByte(byte value) => s_identifierBytes.Contains(value);

    [DoesNotReturn]
    private static void FailUtf8(ReadOnlySpan<byte> source, int start, int end, string? fileName)
    {
        int at = start;
        while (at < end && System.Text.Rune.DecodeFromUtf8(source[at..end], out _, out int consumed) == OperationStatus.Done)
            at += consumed;
        throw TextFormatException.At(source, at, at + 1, "malformed UTF-8 encoding", fileName);
    }

    private void Run()
    {
        while (_position < _end)
        {
            byte c = _source[_position];
            switch (c)
            {
                case (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r':
                    _position++;
                    break;
                case (byte)';' when Peek(1) == ';':
                    SkipLineComment();
                    break;
                case (byte)'(' when Peek(1) == ';':
                    SkipBlockComment();
                    break;
                case (byte)'(' when Peek(1) == '@':
                    SkipAnnotation();
                    break;
                case (byte)'(':
                    // While a parenthesis is open its Match links to the one around it.
                    Add(TokenKind.Open, 1, _open);
                    _open = _list.Count - 1;
                    break;
                case (byte)')':
                    if (_open < 0)
                        Fail(_position, _position + 1, "unexpected token ')': nothing is open here");
                    int partner = _open;
                    _open = _list[partner].Match;
                    _list[partner].Match = _list.Count;
                    Add(TokenKind.Close, 1, partner);
                    break;
                default:
                    Word(c);
                    break;
            }
        }

        if (_open >= 0)
            Fail(_list[_open].Start, _list[_open].End, "unexpected token: this parenthesis is never closed");
        Add(TokenKind.End, 0, -1);
    }

    private readonly int Peek(int ahead) => _position + ahead < _end ? _source[_position + ahead] : -1;

    private void Add(TokenKind kind, int length, int match, bool escaped = false)
    {
        bool annotated = _list.Annotations.Count > _noted;
        _noted = _list.Annotations.Count;
        _list.Add(kind, _position, _position + length, match, annotated, escaped);
        _position += length;
    }

    /// <summary>A run of identifier characters and strings that touch each other.</summary>
    private void Word(byte first)
    {
        int start = _position;
        int at = start;
        int strings = 0;
        bool escaped = false;
        while (at < _end)
        {
            byte c = _source[at];
            if (c == '"')
            {
                // A dollar sign before what is no string is an identifier without characters, whatever ails the string.
                bool isName = at == start + 1 && first == '$';
                int stop = ScanString(at, isName, out bool hasEscape);
                if (stop < 0)
                    break;
                at = stop;
                escaped |= hasEscape;
                strings++;
                continue;
            }

            int run = _source[at.._end].IndexOfAnyExcept(s_identifierBytes);
            if (run == 0)
                break;
            at = run < 0 ? _end : at + run;
        }

        if (at == start)
            FailCharacter(start);
        Add(Classify(start, at, strings), at - start, -1, escaped);
    }

    private readonly TokenKind Classify(int start, int end, int strings)
    {
        ReadOnlySpan<byte> word = _source[start..end];
        byte first = word[0];
        if (first == '$')
        {
            if (strings == 0 && word.Length > 1)
                return TokenKind.Identifier;
            if (strings == 0 || (strings == 1 && word.Length == 3 && word[1] == '"'))
                Fail(start, end, "empty identifier");
            if (strings == 1 && word[1] == '"' && word[^1] == '"')
            {
                if (!StringLiteral.IsUtf8(word[1..]))
                    Fail(start, end, "malformed UTF-8 encoding");
                return TokenKind.Identifier;
            }
        }
        else if (strings == 1 && first == '"' && word[^1] == '"')
        {
            return TokenKind.String;
        }
        else if (strings == 0)
        {
            if (first is >= (byte)'a' and <= (byte)'z')
                return first is (byte)'i' or (byte)'n' && NumberSyntax.Classify(word) == TokenKind.Float ? TokenKind.Float : TokenKind.Keyword;
            if (first is (byte)'+' or (byte)'-' or >= (byte)'0' and <= (byte)'9')
            {
                TokenKind kind = NumberSyntax.Classify(word);
                if (kind != TokenKind.End)
                    return kind;
            }
        }

        FailWord(start, end);
        return default;
    }

    /// <summary>Offset past the string that starts here. Where it is not a string: an error, or -1 if the caller says so.</summary>
    private readonly int ScanString(int start, bool orNone, out bool escaped)
    {
        escaped = false;
        int at = start + 1;
        while (at < _end)
        {
            byte c = _source[at];
            switch (c)
            {
                case (byte)'"':
                    return at + 1;
                case (byte)'\\':
                    escaped = true;
                    int length = StringLiteral.EscapeLength(_source[at.._end]);
                    if (length == 0)
                    {
                        if (orNone)
                            return -1;
                        Fail(at, Math.Min(at + 2, _end), "illegal escape in string");
                    }

                    at += length;
                    break;
                case (byte)'\n' or (byte)'\r':
                    if (!orNone)
                        Fail(start, at, "unclosed string");
                    return -1;
                case < 0x20 or 0x7F:
                    if (!orNone)
                        Fail(at, at + 1, $"illegal character 0x{c:x2} in string");
                    return -1;
                default:
                    at++;
                    break;
            }
        }

        if (!orNone)
            Fail(start, _end, "unclosed string");
        return -1;
    }

    private void SkipLineComment()
    {
        int length = _source[_position.._end].IndexOfAny((byte)'\n', (byte)'\r');
        _position = length < 0 ? _end : _position + length;
    }

    private void SkipBlockComment()
    {
        int start = _position;
        int depth = 1;
        _position += 2;
        while (true)
        {
            int ahead = _source[_position.._end].IndexOfAny((byte)'(', (byte)';');
            if (ahead < 0 || _position + ahead + 1 >= _end)
                Fail(start, start + 2, "unclosed comment");
            _position += ahead;
            byte c = _source[_position], next = _source[_position + 1];
            if (c == '(' && next == ';')
            {
                depth++;
                _position += 2;
            }
            else if (c == ';' && next == ')')
            {
                _position += 2;
                if (--depth == 0)
                    return;
            }
            else
            {
                _position++;
            }
        }
    }

    private void SkipAnnotation()
    {
        int start = _position;
        _position += 2;
        int idStart = _position;
        ReadOnlySpan<byte> id;
        if (Peek(0) == '"')
        {
            int stop = ScanString(_position, orNone: true, out _);
            if (stop < 0 || stop == _position + 2)
                Fail(start, _position, "empty annotation id");
            if (!StringLiteral.IsUtf8(_source[_position..stop]))
                Fail(_position, stop, "malformed UTF-8 encoding");
            id = StringLiteral.ToBytes(_source[_position..stop]);
            _position = stop;
        }
        else
        {
            int run = _source[_position.._end].IndexOfAnyExcept(s_identifierBytes);
            _position = run < 0 ? _end : _position + run;
            if (_position == idStart)
                Fail(start, _position, "empty annotation id");
            id = _source[idStart.._position];
        }

        int content = _position;
        int depth = 1;
        while (depth > 0)
        {
            if (_position >= _end)
                Fail(start, content, "unclosed annotation");
            byte c = _source[_position];
            switch (c)
            {
                case (byte)'(' when Peek(1) == ';':
                    SkipBlockComment();
                    break;
                case (byte)';' when Peek(1) == ';':
                    SkipLineComment();
                    break;
                case (byte)'(':
                    depth++;
                    _position++;
                    break;
                case (byte)')':
                    depth--;
                    _position++;
                    break;
                case (byte)'"':
                    _position = ScanString(_position, orNone: false, out _);
                    break;
                case (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)',' or (byte)';' or (byte)'[' or (byte)']' or (byte)'{' or (byte)'}':
                    _position++;
                    break;
                default:
                    if (!s_identifierBytes.Contains(c))
                        FailCharacter(_position);
                    _position++;
                    break;
            }
        }

        AnnotationKind kind;
        if (id.SequenceEqual("custom"u8))
            kind = AnnotationKind.Custom;
        else if (id.SequenceEqual("name"u8))
            kind = AnnotationKind.Name;
        else if (id.SequenceEqual("metadata.code.branch_hint"u8))
            kind = AnnotationKind.BranchHint;
        else
            return;
        _list.Annotations.Add(new Annotation(_list.Count, kind, start, content, _position));
    }

    [DoesNotReturn]
    private readonly void FailWord(int start, int end)
    {
        string word = System.Text.Encoding.UTF8.GetString(_source[start..Math.Min(end, start + 60)]);
        Fail(start, end, $"unknown operator {word}");
    }

    [DoesNotReturn]
    private readonly void FailCharacter(int at)
    {
        byte c = _source[at];
        if (c is (byte)',' or (byte)';' or (byte)'[' or (byte)']' or (byte)'{' or (byte)'}')
            FailWord(at, at + 1);
        System.Text.Rune.DecodeFromUtf8(_source[at.._end], out System.Text.Rune rune, out int length);
        string shown = System.Text.Rune.IsControl(rune) || rune.Value < 0x20 ? "" : $" '{rune}'";
        Fail(at, at + length, $"illegal character U+{rune.Value:X4}{shown}");
    }

    [DoesNotReturn]
    private readonly void Fail(int start, int end, string reason) => throw TextFormatException.At(_source, start, end, reason, _fileName);
}

// The walk over the tokens of a component's text: keywords, identifiers, strings, numbers, errors. What the parsers of components and of their core types have in common.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>A position in a list of tokens.</summary>
internal sealed class ComponentTokens
{
    private readonly ReadOnlyMemory<byte> _source;
    private readonly TokenList _tokens;

    public ComponentTokens(ReadOnlyMemory<byte> source, int start, int end, string? fileName)
    {
        _source = source;
        FileName = fileName;
        _tokens = Lexer.Run(source.Span, start, end, fileName);
    }

    public string? FileName { get; }

    public ReadOnlySpan<byte> Source => _source.Span;

    /// <summary>Index of the current token.</summary>
    public int At { get; set; }

    public TokenKind Kind => _tokens[At].Kind;

    public ReadOnlySpan<byte> Text => TextOf(At);

    public Token this[int index] => _tokens[index];

    public ReadOnlySpan<byte> TextOf(int token) => _source.Span[_tokens[token].Start.._tokens[token].End];

    public bool Is(int token, ReadOnlySpan<byte> keyword) => _tokens[token].Kind == TokenKind.Keyword && TextOf(token).SequenceEqual(keyword);

    /// <summary>Whether this is an opening parenthesis and a keyword.</summary>
    public bool AtForm(ReadOnlySpan<byte> keyword) => Kind == TokenKind.Open && Is(At + 1, keyword);

    /// <summary>Whether this is an opening parenthesis and two keywords.</summary>
    public bool AtForm(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => AtForm(first) && Is(At + 2, second);

    public bool TryKeyword(ReadOnlySpan<byte> keyword)
    {
        if (!Is(At, keyword))
            return false;
        At++;
        return true;
    }

    public bool TryForm(ReadOnlySpan<byte> keyword)
    {
        if (!AtForm(keyword))
            return false;
        At += 2;
        return true;
    }

    public void Open()
    {
        if (Kind != TokenKind.Open)
            Unexpected("'('");
        At++;
    }

    public void Close()
    {
        if (Kind != TokenKind.Close)
            Unexpected("')'");
        At++;
    }

    public void Keyword(ReadOnlySpan<byte> keyword)
    {
        if (!TryKeyword(keyword))
            Unexpected($"'{Encoding.UTF8.GetString(keyword)}'");
    }

    /// <summary>An identifier without its dollar sign, or null.</summary>
    public string? OptionalIdentifier() => Kind == TokenKind.Identifier ? Identifier() : null;

    public string Identifier()
    {
        if (Kind != TokenKind.Identifier)
            Unexpected("an identifier");
        ReadOnlySpan<byte> text = Text[1..];
        string name = Encoding.UTF8.GetString(text[0] == '"' ? StringLiteral.ToBytes(text) : text);
        At++;
        return name;
    }

    /// <summary>A string that must be UTF-8.</summary>
    public string Name()
    {
        if (Kind != TokenKind.String)
            Unexpected("a name in quotes");
        if (!StringLiteral.IsUtf8(Text))
            Fail(At, "malformed UTF-8 encoding");
        string value = Encoding.UTF8.GetString(StringLiteral.ToBytes(Text));
        At++;
        return value;
    }

    /// <summary>Strings that follow each other, as bytes.</summary>
    public byte[] Strings()
    {
        ByteBuffer buffer = new();
        while (Kind == TokenKind.String)
        {
            StringLiteral.AppendTo(buffer, Text);
            At++;
        }

        return buffer.ToArray();
    }

    public uint U32(string what)
    {
        if (Kind != TokenKind.Natural)
            Unexpected(what);
        if (!NumberSyntax.TryMagnitude(Text, out ulong value) || value > uint.MaxValue)
            Fail(At, "i32 constant out of range");
        At++;
        return (uint)value;
    }

    public ulong U64(string what)
    {
        if (Kind != TokenKind.Natural)
            Unexpected(what);
        if (!NumberSyntax.TryMagnitude(Text, out ulong value))
            Fail(At, "i64 constant out of range");
        At++;
        return value;
    }

    /// <summary>Adds the custom sections of annotations before the current token.</summary>
    public void CustomSections(ComponentWriter writer)
    {
        foreach (Annotation annotation in _tokens.Annotations)
        {
            if (annotation.Token != At || annotation.Kind != AnnotationKind.Custom)
                continue;
            ComponentTokens inner = new(_source, annotation.Content, annotation.End - 1, FileName);
            if (inner.Kind != TokenKind.String)
                Fail(At, "@custom annotation: missing section name");
            ByteBuffer content = new();
            content.Counted(Encoding.UTF8.GetBytes(inner.Name()));
            content.Bytes(inner.Strings());
            if (inner.Kind != TokenKind.End)
                Fail(At, "@custom annotation: unexpected token");
            writer.AddWhole(0, content.Span);
        }
    }

    public bool AtIndex => Kind is TokenKind.Natural or TokenKind.Identifier;

    [DoesNotReturn]
    public void Unexpected(string expected)
    {
        Token token = _tokens[At];
        string found = token.Kind == TokenKind.End ? "at the end" : $"'{Encoding.UTF8.GetString(_source.Span[token.Start..Math.Min(token.End, token.Start + 60)])}'";
        Fail(At, $"unexpected token {found}, expected {expected}");
    }

    [DoesNotReturn]
    public void Fail(int token, string reason) => throw TextFormatException.At(_source.Span, _tokens[token].Start, _tokens[token].End, reason, FileName);
}

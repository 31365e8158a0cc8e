// The module parser's base: its state, the walk over tokens, indices and identifiers, errors. The grammar is in the other parts of this type:
//
//   Fields        module fields, imports, exports, abbreviations            Types        value and defined types, type uses
//   Segments      element and data segments                                 Instructions bodies and constant expressions
//   Immediates    what follows an instruction's name                        Names        name section        Annotations  custom sections, hints
//
// Two walks: the first gives every identifier its index (definitions may follow their uses) and touches only the head of each field, since
// a parenthesis knows its partner; the second emits bytes, each section into a buffer of its own. There is no tree, and no recursion: folded
// instructions and blocks are frames on an explicit stack, so that no text overflows the real one.
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tarn.Wasm.Text;

/// <summary>Translates one module.</summary>
internal ref partial struct ModuleParser
{
    private readonly ReadOnlySpan<byte> _source;
    private readonly TokenList _tokens;
    private readonly string? _fileName;
    private readonly WatOptions _options;
    private readonly SymbolTable _symbols = new();
    private int _at;

    public ModuleParser(ReadOnlySpan<byte> source, TokenList tokens, string? fileName, WatOptions options)
    {
        _source = source;
        _tokens = tokens;
        _fileName = fileName;
        _options = options;
    }

    private readonly ref Token Current => ref _tokens[_at];

    private readonly TokenKind Kind => _tokens[_at].Kind;

    /// <summary>The bytes of the current token.</summary>
    private readonly ReadOnlySpan<byte> Text => TextOf(_at);

    private readonly ReadOnlySpan<byte> TextOf(int token)
    {
        ref Token t = ref _tokens[token];
        return _source[t.Start..t.End];
    }

    /// <summary>Whether a token is this keyword.</summary>
    private readonly bool Is(int token, ReadOnlySpan<byte> keyword) => _tokens[token].Kind == TokenKind.Keyword && TextOf(token).SequenceEqual(keyword);

    /// <summary>Whether the parser stands at an opening parenthesis that this keyword follows.</summary>
    private readonly bool AtForm(ReadOnlySpan<byte> keyword) => Kind == TokenKind.Open && Is(_at + 1, keyword);

    /// <summary>Steps over the current token. An annotation before it that was not consumed is misplaced.</summary>
    private void Advance()
    {
        if (_tokens[_at].Annotated)
            RefuseAnnotations();
        _at++;
    }

    private bool TryKeyword(ReadOnlySpan<byte> keyword)
    {
        if (!Is(_at, keyword))
            return false;
        Advance();
        return true;
    }

    /// <summary>Steps over <c>(keyword</c> if the parser stands there.</summary>
    private bool TryForm(ReadOnlySpan<byte> keyword)
    {
        if (!AtForm(keyword))
            return false;
        Advance();
        Advance();
        return true;
    }

    private void Open()
    {
        if (Kind != TokenKind.Open)
            Unexpected("'('");
        Advance();
    }

    private void Close()
    {
        if (Kind != TokenKind.Close)
            Unexpected("')'");
        Advance();
    }

    private void Keyword(ReadOnlySpan<byte> keyword)
    {
        if (!TryKeyword(keyword))
            Unexpected($"'{Encoding.UTF8.GetString(keyword)}'");
    }

    /// <summary>The symbol of the current token, an identifier; steps over it.</summary>
    private int Symbol()
    {
        int symbol = SymbolOf(_at);
        Advance();
        return symbol;
    }

    private readonly int SymbolOf(int token)
    {
        ReadOnlySpan<byte> text = TextOf(token)[1..];
        if (text[0] != '"')
            return _symbols.Intern(text);
        return _tokens[token].Escaped ? _symbols.Intern(StringLiteral.ToBytes(text)) : _symbols.Intern(text[1..^1]);
    }

    /// <summary>The symbol of the current token if it is an identifier, else -1.</summary>
    private int OptionalSymbol() => Kind == TokenKind.Identifier ? Symbol() : -1;

    /// <summary>A string's value; steps over it.</summary>
    private byte[] String()
    {
        if (Kind != TokenKind.String)
            Unexpected("a string");
        byte[] value = StringLiteral.ToBytes(Text);
        Advance();
        return value;
    }

    /// <summary>A string that must be UTF-8.</summary>
    private void Name(ByteBuffer target)
    {
        if (Kind != TokenKind.String)
            Unexpected("a name in quotes");
        if (!StringLiteral.IsUtf8(Text))
            Fail(_at, "malformed UTF-8 encoding");
        target.Counted(StringLiteral.ToBytes(Text));
        Advance();
    }

    /// <summary>Whether the parser stands at a number or identifier that may be an index.</summary>
    private readonly bool AtIndex => Kind is TokenKind.Natural or TokenKind.Identifier;

    private uint U32(string what)
    {
        if (Kind != TokenKind.Natural)
            Unexpected(what);
        if (!NumberSyntax.TryMagnitude(Text, out ulong value) || value > uint.MaxValue)
            Fail(_at, "i32 constant out of range");
        Advance();
        return (uint)value;
    }

    private ulong U64(string what)
    {
        if (Kind != TokenKind.Natural)
            Unexpected(what);
        if (!NumberSyntax.TryMagnitude(Text, out ulong value))
            Fail(_at, "i64 constant out of range");
        Advance();
        return value;
    }

    /// <summary>An index by number or identifier.</summary>
    private uint Index(IndexSpace space)
    {
        if (Kind == TokenKind.Natural)
            return U32("an index");
        if (Kind != TokenKind.Identifier)
            Unexpected($"an index or identifier of a {NameOf(space)}");
        int symbol = SymbolOf(_at);
        int index = _symbols.Index(symbol, space);
        if (index < 0)
            Fail(_at, $"unknown {NameOf(space)} {Encoding.UTF8.GetString(Text)}");
        Advance();
        return (uint)index;
    }

    /// <summary>An index, or 0 where there is none.</summary>
    private uint OptionalIndex(IndexSpace space) => AtIndex ? Index(space) : 0;

    private static string NameOf(IndexSpace space) => space switch
    {
        IndexSpace.Element => "elem segment",
        IndexSpace.Data => "data segment",
        IndexSpace.Function => "function",
        _ => space.ToString().ToLowerInvariant(),
    };

    [DoesNotReturn]
    private readonly void Unexpected(string? expected = null)
    {
        ref Token token = ref Current;
        if (token.Kind == TokenKind.Keyword && !Keywords.IsKnown(Text))
            Fail(_at, $"unknown operator {Encoding.UTF8.GetString(Text)}");
        string found = token.Kind == TokenKind.End ? "at the end" : $"'{Encoding.UTF8.GetString(_source[token.Start..Math.Min(token.End, token.Start + 60)])}'";
        Fail(_at, $"unexpected token {found}{(expected == null ? "" : $", expected {expected}")}");
    }

    [DoesNotReturn]
    private readonly void Fail(int token, string reason) => FailAt(_tokens[token].Start, _tokens[token].End, reason);

    [DoesNotReturn]
    private readonly void FailAt(int start, int end, string reason) => throw TextFormatException.At(_source, start, end, reason, _fileName);
}

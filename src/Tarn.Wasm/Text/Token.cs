// One token of the text format: where it stands in the source and what it is. Nothing is copied out of the source; a list of tokens is an array.
//
//   byte  0        4        8        12     13     14..15
//        +--------+--------+--------+------+------+--------+
//        | start  | end    | match  | kind | flags| unused |     match: of a parenthesis, the index of its partner
//        +--------+--------+--------+------+------+--------+
namespace Tarn.Wasm.Text;

/// <summary>Kinds of tokens.</summary>
internal enum TokenKind : byte
{
    /// <summary>The end of the source; always the last token.</summary>
    End,

    /// <summary>An opening parenthesis.</summary>
    Open,

    /// <summary>A closing parenthesis.</summary>
    Close,

    /// <summary>Starts with a lower-case letter.</summary>
    Keyword,

    /// <summary>Starts with a dollar sign.</summary>
    Identifier,

    /// <summary>An integer without a sign.</summary>
    Natural,

    /// <summary>An integer with a sign.</summary>
    Integer,

    /// <summary>A number that is not an integer, including <c>inf</c> and <c>nan</c>.</summary>
    Float,

    /// <summary>A string in quotes.</summary>
    String,
}

/// <summary>A token.</summary>
internal struct Token
{
    public int Start;
    public int End;
    public int Match;
    public TokenKind Kind;

    /// <summary>Whether a known annotation stands right before this token.</summary>
    public bool Annotated;

    /// <summary>Whether a string or quoted identifier holds escapes, so that its value differs from its bytes.</summary>
    public bool Escaped;
}

/// <summary>A known annotation (<c>@custom</c>, <c>@name</c>, <c>@metadata.code.branch_hint</c>).</summary>
/// <param name="Token">Index of the token that it stands before.</param>
/// <param name="Kind">Which one.</param>
/// <param name="Start">Offset of its opening parenthesis.</param>
/// <param name="Content">Offset of what follows its id.</param>
/// <param name="End">Offset past its closing parenthesis.</param>
internal readonly record struct Annotation(int Token, AnnotationKind Kind, int Start, int Content, int End);

/// <summary>The annotations that mean something to Tarn; all others are skipped.</summary>
internal enum AnnotationKind : byte
{
    Custom,
    Name,
    BranchHint,
}

// Tokens of WIT (the WIT specification, "Lexical structure").
namespace Tarn.Wasm.Wit;

/// <summary>Kinds of tokens. A keyword is a token of its own kind unless a percent sign is in front of it.</summary>
internal enum WitTokenKind : byte
{
    End,
    Identifier,
    Keyword,
    Integer,
    Symbol,
    Arrow,
}

/// <summary>A token.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Start">Offset of its first byte.</param>
/// <param name="End">Offset behind its last byte.</param>
/// <param name="Text">The identifier without the percent sign, the keyword, the digits or the symbol.</param>
/// <param name="Docs">Documentation comments in front of it, without their marks; null where there are none.</param>
/// <param name="DocsStart">Offset of the first documentation comment.</param>
/// <param name="DocsEnd">Offset behind it.</param>
internal readonly record struct WitToken(WitTokenKind Kind, int Start, int End, string Text, string? Docs, int DocsStart, int DocsEnd);

// A file of WIT and the ranges of it that messages point to. A range keeps its source, so that an error that is found long after parsing, in another package, still has its line.
using System.Text;

namespace Tarn.Wasm.Wit;

/// <summary>The text of a WIT file.</summary>
/// <param name="FileName">The name for messages.</param>
/// <param name="Bytes">The text in UTF-8.</param>
internal sealed record WitSource(string FileName, byte[] Bytes)
{
    /// <summary>A part of the text.</summary>
    public string Text(int start, int end) => Encoding.UTF8.GetString(Bytes.AsSpan(start, end - start));
}

/// <summary>A range of a source.</summary>
internal readonly record struct WitSpan(WitSource? Source, int Start, int End)
{
    /// <summary>The error for this range.</summary>
    public TextFormatException Error(string reason) =>
        Source is null ? TextFormatException.WithoutPlace(reason, null) : TextFormatException.At(Source.Bytes, Start, End, reason, Source.FileName);

    /// <summary>The range as <c>file:line:column</c>.</summary>
    public string Describe() => Source is null ? "" : TextFormatException.Describe(Source.Bytes, Start, End, Source.FileName, out _, out _, out _);
}

// Why: one piece of code in a block that it shares with others; see PackedCode.
namespace Tarn.Platform;

internal sealed unsafe class CodePiece(CodeBlock block, int start, int length)
{
    /// <summary>Where its code runs.</summary>
    public byte* Address => block.Address + start;

    public CodeBlock Block => block;

    /// <summary>Offset in its block.</summary>
    public int Start => start;

    /// <summary>Bytes of code.</summary>
    public int Length => length;

    /// <summary>Who can explain a PC in it; set when it is published. Offsets that it is asked about are the piece's own.</summary>
    public CodeOwner? Owner { get; set; }
}

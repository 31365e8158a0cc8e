// Why: one allocation in the code arena. The address is where the code will run, and until the block is published also where it is written.
namespace Tarn.Platform;

internal sealed unsafe class CodeBlock(byte* address, int length, long reservedLength)
{
    public byte* Address { get; } = address;

    /// <summary>Bytes asked for.</summary>
    public int Length { get; } = length;

    /// <summary>Bytes taken: whole pages.</summary>
    public long ReservedLength { get; } = reservedLength;

    /// <summary>Who can explain a PC in this block; set when the block is published.</summary>
    public CodeOwner? Owner { get; set; }

    public Span<byte> Bytes => new(Address, Length);
}

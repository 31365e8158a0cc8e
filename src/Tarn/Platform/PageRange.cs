// Why: what the system says about resident pages comes as ranges of addresses.
namespace Tarn.Platform;

/// <summary>Some pages in a row; both ends are page multiples.</summary>
internal readonly unsafe struct PageRange(byte* start, byte* end)
{
    public byte* Start { get; } = start;

    /// <summary>One past the last byte.</summary>
    public byte* End { get; } = end;
}

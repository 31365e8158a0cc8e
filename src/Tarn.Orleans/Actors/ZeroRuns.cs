// Bytes without their runs of zeros. A saved state is pages in which a guest has changed a little, and most of a page is zeros: for that a general compressor costs more than the rest of the save.
//
//   runs: (zeros, as LEB128 | literal bytes, as LEB128 | those bytes)…
//
// Decoding writes at most the length that the caller allows, whatever the runs claim.
namespace Tarn.Orleans.Actors;

internal static class ZeroRuns
{
    // A shorter run is cheaper as it is.
    private const int Shortest = 16;

    public static byte[] Encode(ReadOnlySpan<byte> bytes)
    {
        // What is added to literals is 10 bytes for each run of at least 16 that is left out.
        byte[] encoded = new byte[bytes.Length + 10];
        int written = 0;
        ReadOnlySpan<byte> run = stackalloc byte[Shortest];
        while (!bytes.IsEmpty)
        {
            int zeros = bytes.IndexOfAnyExcept((byte)0);
            if (zeros < 0)
                zeros = bytes.Length;
            bytes = bytes[zeros..];
            int literals = bytes.IndexOf(run);
            if (literals < 0)
                literals = bytes.Length;
            Write(encoded, ref written, (uint)zeros);
            Write(encoded, ref written, (uint)literals);
            bytes[..literals].CopyTo(encoded.AsSpan(written));
            written += literals;
            bytes = bytes[literals..];
        }
        return encoded[..written];
    }

    /// <summary>Writes what was encoded; all of the destination, or it is not what was encoded.</summary>
    /// <param name="encoded">The runs.</param>
    /// <param name="bytes">Where to, all zeros, of the length that the bytes had.</param>
    /// <returns>Whether the runs are well formed and fill the destination exactly.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, Span<byte> bytes)
    {
        while (!encoded.IsEmpty)
        {
            if (!TryRead(ref encoded, out uint zeros) || !TryRead(ref encoded, out uint literals) || zeros + (ulong)literals > (ulong)bytes.Length || literals > (uint)encoded.Length)
                return false;
            encoded[..(int)literals].CopyTo(bytes[(int)zeros..]);
            encoded = encoded[(int)literals..];
            bytes = bytes[(int)(zeros + literals)..];
        }
        return bytes.IsEmpty;
    }

    private static void Write(Span<byte> to, ref int at, uint number)
    {
        for (; number >= 0x80; number >>= 7)
            to[at++] = (byte)(number | 0x80);
        to[at++] = (byte)number;
    }

    private static bool TryRead(ref ReadOnlySpan<byte> from, out uint number)
    {
        number = 0;
        for (int shift = 0; shift < 35 && !from.IsEmpty; shift += 7)
        {
            byte next = from[0];
            from = from[1..];
            number |= (uint)(next & 0x7f) << shift;
            if (next < 0x80)
                return true;
        }
        return false;
    }
}

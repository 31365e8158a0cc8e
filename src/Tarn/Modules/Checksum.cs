// Tells whether bytes are those that were written: four CRC-32C side by side, each over every fourth word of 64 bits, together 128 bits. It finds damage and not
// malice, which no hash inside the same file could: whoever can change the file can change the hash. In exchange it runs as fast as memory delivers,
// and asks for no cryptography library, whose loading alone takes longer than everything else about loading a small module.
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Modules;

internal static class Checksum
{
    /// <summary>Bytes of a checksum.</summary>
    public const int Size = 16;

    // Optimised from its first call on: it is called a few times, each over megabytes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        uint a = 1;
        uint b = 2;
        uint c = 3;
        uint d = 4;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        int i = 0;
        for (; i <= words.Length - 4; i += 4)
        {
            a = BitOperations.Crc32C(a, words[i]);
            b = BitOperations.Crc32C(b, words[i + 1]);
            c = BitOperations.Crc32C(c, words[i + 2]);
            d = BitOperations.Crc32C(d, words[i + 3]);
        }
        foreach (byte last in bytes[(i * sizeof(ulong))..])
            a = BitOperations.Crc32C(a, last);
        // The length, since a lane does not see zeros that another one got.
        d = BitOperations.Crc32C(d, (ulong)bytes.Length);
        return new UInt128(((ulong)a << 32) | b, ((ulong)c << 32) | d);
    }
}

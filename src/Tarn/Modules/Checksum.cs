// Tells whether bytes are those that were written: four CRC-32C side by side, each over every fourth word of 64 bits, together 128 bits. It finds damage and not
// malice, which no hash inside the same file could: whoever can change the file can change the hash. In exchange it runs as fast as memory delivers,
// and asks for no cryptography library, whose loading alone takes longer than everything else about loading a small module.
//
// Bytes may come in pieces, so that each is summed while the cache still has it; all but the last are multiples of PieceAlignment.
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Modules;

internal struct Checksum
{
    /// <summary>Bytes of a checksum.</summary>
    public const int Size = 16;

    /// <summary>What the length of every piece but the last is a multiple of.</summary>
    public const int PieceAlignment = 4 * sizeof(ulong);

    private uint _a = 1;
    private uint _b = 2;
    private uint _c = 3;
    private uint _d = 4;
    private ulong _length;

    public Checksum()
    {
    }

    /// <summary>The checksum of bytes that are all there.</summary>
    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        var sum = new Checksum();
        sum.Add(bytes);
        return sum.Value();
    }

    /// <summary>Adds a piece.</summary>
    // Optimised from its first call on: it is called a few times, each over much.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<byte> bytes)
    {
        (uint a, uint b, uint c, uint d) = (_a, _b, _c, _d);
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
        (_a, _b, _c, _d) = (a, b, c, d);
        _length += (ulong)bytes.Length;
    }

    /// <summary>The sum of all pieces.</summary>
    // With the length, since a lane does not see zeros that another one got.
    public readonly UInt128 Value() => new(((ulong)_a << 32) | _b, ((ulong)_c << 32) | BitOperations.Crc32C(_d, _length));
}

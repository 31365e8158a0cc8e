// Lanes of 128-bit constants. Lane 0 is in the lowest bits.
using System.Numerics;

namespace Tarn.Compiler.IR;

/// <summary>Reads and makes constants lane by lane.</summary>
internal static class VectorLanes
{
    /// <summary>All ones.</summary>
    public static UInt128 Ones => UInt128.MaxValue;

    /// <summary>A byte of a constant.</summary>
    public static int Byte(UInt128 value, int index) => (int)(value >> (8 * index)) & 0xFF;

    /// <summary>A lane of a constant, zero-extended.</summary>
    public static ulong Lane(UInt128 value, int bits, int lane)
    {
        var shifted = (ulong)(value >> (bits * lane));
        return bits == 64 ? shifted : shifted & ((1UL << bits) - 1);
    }

    /// <summary>A lane of a constant, sign-extended.</summary>
    public static long SignedLane(UInt128 value, int bits, int lane) => (long)(Lane(value, bits, lane) << (64 - bits)) >> (64 - bits);

    /// <summary>A constant with the low bits of a number in one lane and zeros elsewhere.</summary>
    public static UInt128 Place(ulong value, int bits, int lane) => (UInt128)(bits == 64 ? value : value & ((1UL << bits) - 1)) << (bits * lane);

    /// <summary>A constant with the low bits of a number in every lane.</summary>
    public static UInt128 Splat(ulong value, int bits)
    {
        UInt128 result = 0;
        for (var lane = 0; lane < 128 / bits; lane++)
        {
            result |= Place(value, bits, lane);
        }

        return result;
    }

    /// <summary>Whether every byte is below a limit.</summary>
    public static bool AreBelow(UInt128 value, int limit)
    {
        for (var k = 0; k < 16; k++)
        {
            if (Byte(value, k) >= limit)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether every lane is all ones or zero.</summary>
    public static bool IsMask(UInt128 value, int bits)
    {
        for (var lane = 0; lane < 128 / bits; lane++)
        {
            if (SignedLane(value, bits, lane) is not (0 or -1))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Number of bits that are set.</summary>
    public static int CountBits(UInt128 value) => BitOperations.PopCount((ulong)value) + BitOperations.PopCount((ulong)(value >> 64));
}

// The lanes of a shuffle, looked at in the ways that instructions have: by units of several bytes, as blends, rotations, unpacks. A lane is 0 to 15 for the first source, 16 to 31 for the
// second, or Zero where the second source is a constant that is zero there.
namespace Tarn.Compiler.Targets.X64;

using System.Runtime.CompilerServices;
using Tarn.Compiler.IR;

/// <summary>Sixteen lanes, and what they have in common with instructions.</summary>
internal struct ShuffleLanes
{
    /// <summary>A byte that is zero.</summary>
    public const sbyte Zero = -1;

    private Bytes _lanes;

    [InlineArray(16)]
    private struct Bytes
    {
        private sbyte _first;
    }

    /// <summary>A lane.</summary>
    public readonly int this[int index] => _lanes[index];

    /// <summary>The lanes of a shuffle whose second source has zeros in the bytes that are set in <paramref name="zeros"/>.</summary>
    public static ShuffleLanes Create(UInt128 lanes, int zeros)
    {
        ShuffleLanes result = default;
        for (var k = 0; k < 16; k++)
        {
            var lane = VectorLanes.Byte(lanes, k);
            result._lanes[k] = lane >= 16 && ((zeros >> (lane - 16)) & 1) != 0 ? Zero : (sbyte)lane;
        }

        return result;
    }

    /// <summary>The same with the sources exchanged.</summary>
    public readonly ShuffleLanes Swapped()
    {
        var result = this;
        for (var k = 0; k < 16; k++)
        {
            result._lanes[k] = _lanes[k] < 0 ? Zero : (sbyte)(_lanes[k] ^ 16);
        }

        return result;
    }

    /// <summary>Whether every lane is from the first source.</summary>
    public readonly bool IsUnary()
    {
        for (var k = 0; k < 16; k++)
        {
            if (_lanes[k] is < 0 or >= 16)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether every lane is from the first source or zero.</summary>
    public readonly bool IsUnaryOrZero()
    {
        for (var k = 0; k < 16; k++)
        {
            if (_lanes[k] >= 16)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether whole units of some bytes move; then which unit of both sources comes to each place (−1: zero).</summary>
    public readonly bool TryUnits(int bytes, Span<int> units)
    {
        for (var u = 0; u < 16 / bytes; u++)
        {
            var first = _lanes[u * bytes];
            if (first >= 0 && first % bytes != 0)
            {
                return false;
            }

            for (var k = 1; k < bytes; k++)
            {
                if (_lanes[u * bytes + k] != (first < 0 ? Zero : first + k))
                {
                    return false;
                }
            }

            units[u] = first < 0 ? -1 : first / bytes;
        }

        return true;
    }

    /// <summary>Whether each place has the first source's byte of that place, the second's, or zero; then which have the second's.</summary>
    public readonly bool IsBlend(out int second)
    {
        second = 0;
        for (var k = 0; k < 16; k++)
        {
            if (_lanes[k] == k + 16)
            {
                second |= 1 << k;
            }
            else if (_lanes[k] != k)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether each place has the first source's byte of that place, or zero; then a mask of those that have.</summary>
    public readonly bool IsMask(out UInt128 kept)
    {
        kept = 0;
        for (var k = 0; k < 16; k++)
        {
            if (_lanes[k] == k)
            {
                kept |= VectorLanes.Place(0xFF, 8, k);
            }
            else if (_lanes[k] != Zero)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the bytes follow each other through both sources from one on, and around; then from which.</summary>
    public readonly bool IsRotation(bool isUnary, out int first)
    {
        var mask = isUnary ? 15 : 31;
        first = _lanes[0];
        for (var k = 0; k < 16; k++)
        {
            if (_lanes[k] < 0 || _lanes[k] != ((first + k) & mask))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the first source is moved by whole bytes with zeros moved in; the distance is positive towards higher places.</summary>
    public readonly bool IsByteShift(out int distance)
    {
        distance = 0;
        for (var k = 0; k < 16; k++)
        {
            if (_lanes[k] >= 0)
            {
                distance = k - _lanes[k];
                break;
            }
        }

        for (var k = 0; k < 16; k++)
        {
            var from = k - distance;
            if (_lanes[k] != (from is >= 0 and < 16 ? from : Zero))
            {
                return false;
            }
        }

        return distance != 0;
    }

    /// <summary>Whether units of both sources alternate, from the lower or upper halves.</summary>
    public readonly bool IsUnpack(int bytes, bool isHigh, bool isUnary)
    {
        for (var k = 0; k < 16; k++)
        {
            var unit = k / bytes;
            var from = (unit / 2 + (isHigh ? 8 / bytes : 0)) * bytes + k % bytes + ((unit & 1) != 0 && !isUnary ? 16 : 0);
            if (_lanes[k] != from)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the lowest units are extended by zeros to a greater width.</summary>
    public readonly bool IsZeroExtension(int from, int to)
    {
        for (var k = 0; k < 16; k++)
        {
            var inner = k % to;
            if (_lanes[k] != (inner < from ? k / to * from + inner : Zero))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The lanes that pshufb takes for one of the sources: the other's, and zeros, are 0x80.</summary>
    public readonly UInt128 ToMask(bool isSecond)
    {
        UInt128 mask = 0;
        for (var k = 0; k < 16; k++)
        {
            var lane = _lanes[k];
            mask |= VectorLanes.Place(lane >= 0 && lane >= 16 == isSecond ? (ulong)lane & 15 : 0x80, 8, k);
        }

        return mask;
    }
}

// How the host reads and writes memory that other threads write at the same time. Everything that is decided upon is copied first, by a call that the JIT does not see into,
// so that no byte is looked at twice: a view (a span) would let a length be checked and then read again, with another value.
//
// What a copy holds: for each byte some value that the location had while it was copied. A value of 1, 2, 4 or 8 bytes at a multiple of its size is read and written as one access.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Tarn.Memories;

internal static unsafe class SharedBytes
{
    /// <summary>Reads a value once.</summary>
    public static T Read<T>(byte* location)
        where T : unmanaged
    {
        if (IsWord<T>(location))
        {
            switch (sizeof(T))
            {
                case 1:
                    return Unsafe.BitCast<byte, T>(Volatile.Read(ref *location));
                case 2:
                    return Unsafe.BitCast<ushort, T>(Volatile.Read(ref *(ushort*)location));
                case 4:
                    return Unsafe.BitCast<uint, T>(Volatile.Read(ref *(uint*)location));
                default:
                    return Unsafe.BitCast<ulong, T>(Volatile.Read(ref *(ulong*)location));
            }
        }
        T value;
        CopyOut(location, new Span<byte>(&value, sizeof(T)));
        return value;
    }

    /// <summary>Writes a value.</summary>
    public static void Write<T>(byte* location, T value)
        where T : unmanaged
    {
        if (!IsWord<T>(location))
        {
            CopyIn(location, new ReadOnlySpan<byte>(&value, sizeof(T)));
            return;
        }
        switch (sizeof(T))
        {
            case 1:
                Volatile.Write(ref *location, Unsafe.BitCast<T, byte>(value));
                break;
            case 2:
                Volatile.Write(ref *(ushort*)location, Unsafe.BitCast<T, ushort>(value));
                break;
            case 4:
                Volatile.Write(ref *(uint*)location, Unsafe.BitCast<T, uint>(value));
                break;
            default:
                Volatile.Write(ref *(ulong*)location, Unsafe.BitCast<T, ulong>(value));
                break;
        }
    }

    /// <summary>Copies bytes out.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void CopyOut(byte* location, Span<byte> destination)
    {
        fixed (byte* to = destination)
            Buffer.MemoryCopy(location, to, destination.Length, destination.Length);
    }

    /// <summary>Copies bytes in.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void CopyIn(byte* location, ReadOnlySpan<byte> source)
    {
        fixed (byte* from = source)
            Buffer.MemoryCopy(from, location, source.Length, source.Length);
    }

    /// <summary>Reads text in UTF-8, from a copy: decoding goes over the bytes more than once.</summary>
    public static string ReadUtf8(byte* location, int byteLength)
    {
        byte[] copy = new byte[byteLength];
        CopyOut(location, copy);
        return Encoding.UTF8.GetString(copy);
    }

    /// <summary>Reads text in UTF-8 up to a zero byte.</summary>
    /// <param name="location">Its first byte.</param>
    /// <param name="most">How many bytes there are.</param>
    /// <returns>The text, or <see langword="null"/> if no zero byte is among them.</returns>
    public static string? ReadNullTerminatedUtf8(byte* location, long most)
    {
        var text = new List<byte>();
        Span<byte> piece = stackalloc byte[256];
        while (most > 0)
        {
            Span<byte> copy = piece[..(int)Math.Min(piece.Length, most)];
            CopyOut(location, copy);
            int end = copy.IndexOf((byte)0);
            text.AddRange(end < 0 ? copy : copy[..end]);
            if (end >= 0)
                return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(text));
            location += copy.Length;
            most -= copy.Length;
        }
        return null;
    }

    private static bool IsWord<T>(byte* location)
        where T : unmanaged => sizeof(T) is 1 or 2 or 4 or 8 && ((nuint)location & ((nuint)sizeof(T) - 1)) == 0;
}

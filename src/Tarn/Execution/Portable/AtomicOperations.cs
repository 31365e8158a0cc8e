// Why: WebAssembly's atomic accesses by width. The code has checked bounds and alignment; all are sequentially consistent.
using System.Runtime.CompilerServices;
using Tarn.Compiler.IR;

namespace Tarn.Execution.Portable;

internal static unsafe class AtomicOperations
{
    public static ulong Load(byte* address, int width)
    {
        ulong value = width switch
        {
            1 => Volatile.Read(ref *address),
            2 => Volatile.Read(ref *(ushort*)address),
            4 => Volatile.Read(ref *(uint*)address),
            _ => Volatile.Read(ref *(ulong*)address),
        };
        return value;
    }

    public static void Store(byte* address, int width, ulong value) => _ = ReadModifyWrite(address, width | ((int)AtomicOperation.Exchange << 8), value);

    /// <param name="address">Where.</param>
    /// <param name="form">Width in bytes, and above that the <see cref="AtomicOperation"/>.</param>
    /// <param name="operand">What the old value is combined with; its low bytes count.</param>
    public static ulong ReadModifyWrite(byte* address, int form, ulong operand)
    {
        int width = form & 0xFF;
        var operation = (AtomicOperation)(form >> 8);
        while (true)
        {
            ulong old = Load(address, width);
            ulong value = operation switch
            {
                AtomicOperation.Add => old + operand,
                AtomicOperation.Sub => old - operand,
                AtomicOperation.And => old & operand,
                AtomicOperation.Or => old | operand,
                AtomicOperation.Xor => old ^ operand,
                _ => operand,
            };
            if (CompareExchange(address, width, old, value) == old)
                return old;
        }
    }

    /// <summary>The old value; where it is the expected one, it has been replaced. An expected value with bits above the width is never found.</summary>
    public static ulong CompareExchange(byte* address, int width, ulong expected, ulong value)
    {
        if (width < 8 && expected >> (8 * width) != 0)
            return ReadModifyWrite(address, width | ((int)AtomicOperation.Or << 8), 0);
        return width switch
        {
            1 => Interlocked.CompareExchange(ref *address, (byte)value, (byte)expected),
            2 => Interlocked.CompareExchange(ref *(ushort*)address, (ushort)value, (ushort)expected),
            4 => Interlocked.CompareExchange(ref Unsafe.AsRef<uint>(address), (uint)value, (uint)expected),
            _ => Interlocked.CompareExchange(ref Unsafe.AsRef<ulong>(address), value, expected),
        };
    }
}

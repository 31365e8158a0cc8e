// Atomic operations of the host on a shared memory, sequentially consistent with those of guests, and waiting beside them. They use the processor's instructions as guests do.
using System.Runtime.CompilerServices;
using Tarn.Memories;

namespace Tarn;

/// <content>Atomic operations.</content>
public sealed unsafe partial class SharedMemory
{
    /// <summary>Reads a value atomically.</summary>
    /// <typeparam name="T">A type of 1, 2, 4 or 8 bytes without references.</typeparam>
    /// <param name="offset">The first byte, a multiple of the value's size.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of the size, or the type has another size.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public T AtomicLoad<T>(long offset)
        where T : unmanaged
    {
        using Use use = Enter();
        T value = SharedBytes.Read<T>(Locate<T>(use, offset));
        Interlocked.MemoryBarrier();
        return value;
    }

    /// <summary>Writes a value atomically.</summary>
    /// <typeparam name="T">A type of 1, 2, 4 or 8 bytes without references.</typeparam>
    /// <param name="offset">The first byte, a multiple of the value's size.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of the size, or the type has another size.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public void AtomicStore<T>(long offset, T value)
        where T : unmanaged => AtomicExchange(offset, value);

    /// <summary>Writes a value atomically and gives the one that was there.</summary>
    /// <typeparam name="T">A type of 1, 2, 4 or 8 bytes without references.</typeparam>
    /// <param name="offset">The first byte, a multiple of the value's size.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of the size, or the type has another size.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public T AtomicExchange<T>(long offset, T value)
        where T : unmanaged
    {
        using Use use = Enter();
        byte* location = Locate<T>(use, offset);
        return sizeof(T) switch
        {
            1 => Unsafe.BitCast<byte, T>(Interlocked.Exchange(ref *location, Unsafe.BitCast<T, byte>(value))),
            2 => Unsafe.BitCast<ushort, T>(Interlocked.Exchange(ref *(ushort*)location, Unsafe.BitCast<T, ushort>(value))),
            4 => Unsafe.BitCast<uint, T>(Interlocked.Exchange(ref *(uint*)location, Unsafe.BitCast<T, uint>(value))),
            _ => Unsafe.BitCast<ulong, T>(Interlocked.Exchange(ref *(ulong*)location, Unsafe.BitCast<T, ulong>(value))),
        };
    }

    /// <summary>Writes a value atomically if another one is there, bit by bit, and gives the one that was there.</summary>
    /// <typeparam name="T">A type of 1, 2, 4 or 8 bytes without references.</typeparam>
    /// <param name="offset">The first byte, a multiple of the value's size.</param>
    /// <param name="value">The value.</param>
    /// <param name="comparand">What has to be there.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of the size, or the type has another size.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public T AtomicCompareExchange<T>(long offset, T value, T comparand)
        where T : unmanaged
    {
        using Use use = Enter();
        byte* location = Locate<T>(use, offset);
        return sizeof(T) switch
        {
            1 => Unsafe.BitCast<byte, T>(Interlocked.CompareExchange(ref *location, Unsafe.BitCast<T, byte>(value), Unsafe.BitCast<T, byte>(comparand))),
            2 => Unsafe.BitCast<ushort, T>(Interlocked.CompareExchange(ref *(ushort*)location, Unsafe.BitCast<T, ushort>(value), Unsafe.BitCast<T, ushort>(comparand))),
            4 => Unsafe.BitCast<uint, T>(Interlocked.CompareExchange(ref *(uint*)location, Unsafe.BitCast<T, uint>(value), Unsafe.BitCast<T, uint>(comparand))),
            _ => Unsafe.BitCast<ulong, T>(Interlocked.CompareExchange(ref *(ulong*)location, Unsafe.BitCast<T, ulong>(value), Unsafe.BitCast<T, ulong>(comparand))),
        };
    }

    /// <summary>Adds to an integer of 32 bits atomically and, as <see cref="Interlocked.Add(ref int, int)"/> does, gives the sum.</summary>
    /// <param name="offset">The first byte, a multiple of 4.</param>
    /// <param name="value">What is added.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of 4.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The integer is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public int AtomicAdd(long offset, int value)
    {
        using Use use = Enter();
        return Interlocked.Add(ref *(int*)Locate<int>(use, offset), value);
    }

    /// <summary>Adds to an integer of 64 bits atomically and, as <see cref="Interlocked.Add(ref long, long)"/> does, gives the sum.</summary>
    /// <param name="offset">The first byte, a multiple of 8.</param>
    /// <param name="value">What is added.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The integer is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public long AtomicAdd(long offset, long value)
    {
        using Use use = Enter();
        return Interlocked.Add(ref *(long*)Locate<long>(use, offset), value);
    }

    /// <summary>Wakes guests, and host threads, that wait on a location: those that have waited longest first.</summary>
    /// <param name="offset">The location's first byte, a multiple of 4.</param>
    /// <param name="count">How many at most.</param>
    /// <returns>How many were woken.</returns>
    /// <exception cref="ArgumentException">The offset is not a multiple of 4.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The location is not within the memory, or the count is negative.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public long Notify(long offset, int count = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        using Use use = Enter();
        Locate<int>(use, offset);
        return _core.Waiters.Notify((ulong)offset, (uint)count);
    }

    /// <summary>Blocks the thread while a location of 4 bytes holds a value, until it is notified.</summary>
    /// <param name="offset">The location's first byte, a multiple of 4.</param>
    /// <param name="expected">The value. If the location holds another one, nothing is waited for.</param>
    /// <param name="timeout">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for no bound.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of 4.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The location is not within the memory, or the timeout is negative and not infinite.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public AtomicWaitResult Wait(long offset, int expected, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using Use use = Enter();
        Locate<int>(use, offset);
        return Wait((ulong)offset, (uint)expected, is64: false, timeout, cancellationToken);
    }

    /// <summary>Blocks the thread while a location of 8 bytes holds a value, until it is notified.</summary>
    /// <param name="offset">The location's first byte, a multiple of 8.</param>
    /// <param name="expected">The value. If the location holds another one, nothing is waited for.</param>
    /// <param name="timeout">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for no bound.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The location is not within the memory, or the timeout is negative and not infinite.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public AtomicWaitResult Wait(long offset, long expected, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using Use use = Enter();
        Locate<long>(use, offset);
        return Wait((ulong)offset, (ulong)expected, is64: true, timeout, cancellationToken);
    }

    private AtomicWaitResult Wait(ulong address, ulong expected, bool is64, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (timeout != Timeout.InfiniteTimeSpan)
            ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        long nanoseconds = timeout == Timeout.InfiniteTimeSpan ? -1 : (long)Int128.Min((Int128)timeout.Ticks * TimeSpan.NanosecondsPerTick, long.MaxValue);
        ThreadWaiter waiter = ThreadWaiter.Current;
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static waiter => ((ThreadWaiter)waiter!).Poke(), waiter);
        return _core.Wait(waiter, address, expected, is64, nanoseconds, new HostWait(cancellationToken));
    }

    private static byte* Locate<T>(in Use use, long offset)
        where T : unmanaged
    {
        if (sizeof(T) is not (1 or 2 or 4 or 8))
            throw new ArgumentException($"{typeof(T)} has {sizeof(T)} bytes; atomic operations are for types of 1, 2, 4 or 8 bytes.");
        if ((offset & (sizeof(T) - 1)) != 0)
            throw new ArgumentException($"The offset {offset} is not a multiple of {sizeof(T)}, the size of what is accessed atomically.", nameof(offset));
        return use.Memory.Locate(offset, sizeof(T));
    }

    private readonly struct HostWait(CancellationToken token) : IWaitObserver
    {
        public void BeginWait(ThreadWaiter waiter) => token.ThrowIfCancellationRequested();

        public void OnPoked() => token.ThrowIfCancellationRequested();

        public void EndWait()
        {
        }
    }
}

// The host's view of a linear memory. A handle: it holds no bytes and checks on each use that its store still lives.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Tarn.Linking;
using Tarn.Memories;

namespace Tarn;

/// <summary>
/// A linear memory. Offsets and lengths are bytes; each access is checked and throws <see cref="ArgumentOutOfRangeException"/> with
/// offset, length and size when it is outside. Use it on the thread that uses the instance.
/// </summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public readonly unsafe struct Memory : IEquatable<Memory>
{
    private readonly StoreCore? _store;
    private readonly int _generation;
    private readonly MemoryInstance? _memory;

    internal Memory(StoreCore store, int generation, MemoryInstance memory)
    {
        _store = store;
        _generation = generation;
        _memory = memory;
    }

    /// <summary>Gets the size in bytes.</summary>
    public long Length
    {
        get
        {
            using StoreUse use = Enter();
            return (long)_memory!.ByteLength;
        }
    }

    /// <summary>Gets the size in pages.</summary>
    public long Pages
    {
        get
        {
            using StoreUse use = Enter();
            return (long)_memory!.Pages;
        }
    }

    /// <summary>Gets the memory's type, with the current size as its minimum.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public MemoryType Type
    {
        get
        {
            using StoreUse use = Enter();
            return _memory!.Describe();
        }
    }

    /// <summary>Gets the size that the memory was declared with, in pages.</summary>
    public long Minimum => (long)Instance.Type.Limits.Minimum;

    /// <summary>Gets the size to which the memory was declared to grow, in pages; <see langword="null"/> for no bound of its own.</summary>
    public long? Maximum => Instance.Type.Limits.HasMaximum ? (long)Math.Min(Instance.Type.Limits.Maximum, long.MaxValue) : null;

    /// <summary>Gets the size to which the memory can grow, in pages: the least of its own maximum and the engine's limits.</summary>
    public long GrowthLimit => (long)(Instance.CapacityBytes >> Instance.Type.PageSizeLog2);

    /// <summary>Gets the size of a page in bytes: 65536, or 1 where the module declares that (custom page sizes).</summary>
    public int PageSize => Instance.Type.PageSize;

    /// <summary>Gets whether addresses have 64 bits.</summary>
    public bool Is64 => Instance.Type.Limits.Is64;

    /// <summary>Gets whether the memory may be used by several threads at the same time.</summary>
    public bool IsShared => Instance.Type.Limits.IsShared;

    internal StoreCore? Store => _store;

    internal int Generation => _generation;

    internal MemoryInstance Instance
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            StoreCore.ThrowIfStale(_store, _generation);
            return _memory!;
        }
    }

    /// <summary>Whether two handles are of the same memory.</summary>
    public static bool operator ==(Memory left, Memory right) => left.Equals(right);

    /// <summary>Whether two handles are of different memories.</summary>
    public static bool operator !=(Memory left, Memory right) => !left.Equals(right);

    /// <summary>
    /// Gets a view of a range. It is valid until the instance is disposed, or collected because nothing refers to it any longer: using it afterwards reads or writes what is
    /// not the instance's, or ends the process. <see cref="Access(long, int)"/> returns a view that keeps the instance. Growing does not move the range.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">The number of bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the memory.</exception>
    /// <exception cref="InvalidOperationException">The memory is shared: other threads may write what is being looked at.</exception>
    public Span<byte> AsSpan(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        using StoreUse use = Enter();
        RequireUnshared(length);
        return _memory!.Bytes((ulong)offset, (ulong)length);
    }

    /// <summary>Gets a view of the whole memory. See <see cref="AsSpan(long, int)"/> for how long it is valid.</summary>
    /// <exception cref="InvalidOperationException">The memory is larger than 2 GiB less a byte, which is what a span can hold.</exception>
    public Span<byte> AsSpan() => AsSpan(0, WholeLength());

    /// <summary>
    /// Opens a range for direct access. The memory stays in place until the access is disposed: an end of the instance that is asked for meanwhile waits for it, and other
    /// threads do not enter the instance. To be disposed on the same thread, soon.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">The number of bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the memory.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs a guest of the store.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public MemoryAccess Access(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        OpenAccess open = StoreCore.Open(_store, _generation);
        try
        {
            RequireUnshared(length);
            return new MemoryAccess(open, _memory!.Bytes((ulong)offset, (ulong)length));
        }
        catch
        {
            open.Close();
            throw;
        }
    }

    /// <summary>Opens the whole memory for direct access. See <see cref="Access(long, int)"/>.</summary>
    /// <exception cref="InvalidOperationException">The memory is larger than 2 GiB less a byte, which is what a span can hold.</exception>
    public MemoryAccess Access() => Access(0, WholeLength());

    /// <summary>Reads a value at a byte offset; no alignment is needed.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    public T Read<T>(long offset)
        where T : unmanaged
    {
        using StoreUse use = Enter();
        if (_memory!.Shared is not null)
            return SharedBytes.Read<T>(_memory.Locate(offset, sizeof(T)));
        return MemoryMarshal.Read<T>(ToRead(offset, Unsafe.SizeOf<T>()));
    }

    /// <summary>Writes a value at a byte offset; no alignment is needed.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    public void Write<T>(long offset, T value)
        where T : unmanaged
    {
        using StoreUse use = Enter();
        if (_memory!.Shared is not null)
            SharedBytes.Write(_memory.Locate(offset, sizeof(T)), value);
        else
            MemoryMarshal.Write(ToWrite(offset, Unsafe.SizeOf<T>()), in value);
    }

    /// <summary>Copies bytes out of the memory.</summary>
    public void CopyTo(long offset, Span<byte> destination)
    {
        using StoreUse use = Enter();
        if (_memory!.Shared is not null)
            SharedBytes.CopyOut(_memory.Locate(offset, destination.Length), destination);
        else
            ToRead(offset, destination.Length).CopyTo(destination);
    }

    /// <summary>Copies bytes into the memory.</summary>
    public void CopyFrom(long offset, ReadOnlySpan<byte> source)
    {
        using StoreUse use = Enter();
        source.CopyTo(ToWrite(offset, source.Length));
    }

    /// <summary>Reads text in UTF-8; invalid sequences become U+FFFD.</summary>
    public string ReadUtf8(long offset, int byteLength)
    {
        using StoreUse use = Enter();
        if (_memory!.Shared is null)
            return Encoding.UTF8.GetString(ToRead(offset, byteLength));
        ArgumentOutOfRangeException.ThrowIfNegative(byteLength);
        return SharedBytes.ReadUtf8(_memory.Locate(offset, byteLength), byteLength);
    }

    /// <summary>Reads text in UTF-8 up to a zero byte.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no zero byte before the memory ends.</exception>
    public string ReadNullTerminatedUtf8(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        using StoreUse use = Enter();
        long length = (long)_memory!.ByteLength;
        if (offset > length)
            MemoryInstance.ThrowOutOfRange((ulong)offset, 0, (ulong)length);
        if (_memory.Shared is not null)
            return SharedBytes.ReadNullTerminatedUtf8(_memory.Locate(offset, 0), length - offset) ?? throw NoZero(offset, length);
        ReadOnlySpan<byte> rest = ToRead(offset, (int)Math.Min(length - offset, int.MaxValue));
        int end = rest.IndexOf((byte)0);
        return end < 0 ? throw NoZero(offset, length) : Encoding.UTF8.GetString(rest[..end]);
    }

    /// <summary>Writes text in UTF-8, without a zero byte.</summary>
    /// <returns>How many bytes were written.</returns>
    public int WriteUtf8(long offset, ReadOnlySpan<char> text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        using StoreUse use = Enter();
        if (_memory!.Shared is null)
            return Encoding.UTF8.GetBytes(text, ToWrite(offset, bytes));
        byte[] copy = new byte[bytes];
        Encoding.UTF8.GetBytes(text, copy);
        SharedBytes.CopyIn(_memory.Locate(offset, bytes), copy);
        return bytes;
    }

    /// <summary>Grows the memory; new bytes are zero.</summary>
    /// <returns>The size before, in pages.</returns>
    /// <exception cref="InvalidOperationException">The memory may not grow that much; the message says what limits it.</exception>
    public long Grow(long pages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        using StoreUse use = Enter();
        MemoryInstance memory = _memory!;
        long before = StoreQuota.Grow(_store!, memory, (ulong)pages);
        return before >= 0 ? before : throw new InvalidOperationException(StoreQuota.DescribeRefusal(_store!, memory, (ulong)pages));
    }

    /// <summary>Grows the memory if it may.</summary>
    public bool TryGrow(long pages, out long before)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        using StoreUse use = Enter();
        MemoryInstance memory = _memory!;
        before = StoreQuota.Grow(_store!, memory, (ulong)pages);
        return before >= 0;
    }

    /// <summary>Gets a handle of the memory that any thread may use, for which it has to be shared. The memory may outlive the instance.</summary>
    /// <returns>The handle; to be disposed.</returns>
    /// <exception cref="InvalidOperationException">The memory is not shared.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public SharedMemory ToShared()
    {
        using StoreUse use = Enter();
        return SharedMemory.Of((Engine)_store!.Engine.Facade, _memory!) ?? throw new InvalidOperationException("The memory is not shared.");
    }

    // A range of no bytes shows nothing.
    private void RequireUnshared(int length)
    {
        if (_memory!.Shared is not null && length != 0)
        {
            throw new InvalidOperationException(
                "The memory is shared, so other threads may write what a view shows while it is looked at. Copy with Read, CopyTo or ReadUtf8, write with Write, CopyFrom or WriteUtf8, "
                + "or use the atomic operations of SharedMemory (Memory.ToShared).");
        }
    }

    private static ArgumentOutOfRangeException NoZero(long offset, long length) =>
        new(nameof(offset), $"No zero byte follows offset {offset} in the memory's {length} bytes.");

    private ReadOnlySpan<byte> ToRead(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return _memory!.BytesToRead((ulong)offset, (ulong)length);
    }

    // Inside the store, as ToRead.
    private Span<byte> ToWrite(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return _memory!.Bytes((ulong)offset, (ulong)length);
    }

    private int WholeLength()
    {
        long length = Length;
        return length <= int.MaxValue
            ? (int)length
            : throw new InvalidOperationException($"The memory has {length} bytes, more than a span can hold. Ask for a range of it.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private StoreUse Enter() => StoreCore.Enter(_store, _generation);

    /// <inheritdoc/>
    public bool Equals(Memory other) => ReferenceEquals(_memory, other._memory) && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Memory other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _memory is null ? 0 : RuntimeHelpers.GetHashCode(_memory);

    /// <summary>What an import that is bound to the memory refers to.</summary>
    internal Definition ToDefinition() => Definition.Of(_store!, _generation, Instance);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _store is null || _store.Generation != _generation ? "Memory, disposed" : $"Memory, {_memory!.Pages} pages of {_memory.Type.PageSize} bytes";
}

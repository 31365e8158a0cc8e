// The host's view of a linear memory. A handle: it holds no bytes and checks on each use that its store still lives.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Tarn.Memories;

namespace Tarn;

/// <summary>
/// A linear memory. Offsets and lengths are bytes; each access is checked and throws <see cref="ArgumentOutOfRangeException"/> with
/// offset, length and size when it is outside. Use it on the thread that uses the instance.
/// </summary>
public readonly struct Memory : IEquatable<Memory>
{
    private readonly Store? _store;
    private readonly int _generation;
    private readonly MemoryInstance? _memory;

    internal Memory(Store store, int generation, MemoryInstance memory)
    {
        _store = store;
        _generation = generation;
        _memory = memory;
    }

    /// <summary>Size in bytes.</summary>
    public long Length => (long)Instance.ByteLength;

    /// <summary>Size in pages.</summary>
    public long Pages => (long)Instance.Pages;

    /// <summary>Bytes of a page: 65536 unless the module says otherwise.</summary>
    public int PageSize => Instance.Type.PageSize;

    /// <summary>What the memory may grow to, in pages: the least of its own maximum and the engine's limits.</summary>
    public long MaximumPages => (long)(Instance.CapacityBytes >> Instance.Type.PageSizeLog2);

    internal Store? Store => _store;

    internal int Generation => _generation;

    internal MemoryInstance Instance
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Store.ThrowIfStale(_store, _generation);
            return _memory!;
        }
    }

    /// <summary>Whether two handles are of the same memory.</summary>
    public static bool operator ==(Memory left, Memory right) => left.Equals(right);

    /// <summary>Whether two handles are of different memories.</summary>
    public static bool operator !=(Memory left, Memory right) => !left.Equals(right);

    /// <summary>A view of a range. It is valid until the instance is disposed; growing does not move it, but it does not grow with the memory either.</summary>
    public Span<byte> AsSpan(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return Instance.Bytes((ulong)offset, (ulong)length);
    }

    /// <summary>A view of the whole memory, or its first 2 GiB.</summary>
    public Span<byte> AsSpan() => AsSpan(0, (int)Math.Min(Length, int.MaxValue));

    /// <summary>Reads a value at a byte offset; no alignment is needed.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    public T Read<T>(long offset)
        where T : unmanaged => MemoryMarshal.Read<T>(ToRead(offset, Unsafe.SizeOf<T>()));

    /// <summary>Writes a value at a byte offset; no alignment is needed.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    public void Write<T>(long offset, T value)
        where T : unmanaged => MemoryMarshal.Write(AsSpan(offset, Unsafe.SizeOf<T>()), in value);

    /// <summary>Copies bytes out of the memory.</summary>
    public void CopyTo(long offset, Span<byte> destination) => ToRead(offset, destination.Length).CopyTo(destination);

    /// <summary>Copies bytes into the memory.</summary>
    public void CopyFrom(long offset, ReadOnlySpan<byte> source) => source.CopyTo(AsSpan(offset, source.Length));

    /// <summary>Reads text in UTF-8; invalid sequences become U+FFFD.</summary>
    public string ReadUtf8(long offset, int byteLength) => Encoding.UTF8.GetString(ToRead(offset, byteLength));

    /// <summary>Reads text in UTF-8 up to a zero byte.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no zero byte before the memory ends.</exception>
    public string ReadNullTerminatedUtf8(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        long length = Length;
        if (offset > length)
            MemoryInstance.ThrowOutOfRange((ulong)offset, 0, (ulong)length);
        ReadOnlySpan<byte> rest = ToRead(offset, (int)Math.Min(length - offset, int.MaxValue));
        int end = rest.IndexOf((byte)0);
        if (end < 0)
            throw new ArgumentOutOfRangeException(nameof(offset), $"no zero byte follows offset {offset} in the memory's {length} bytes");
        return Encoding.UTF8.GetString(rest[..end]);
    }

    /// <summary>Writes text in UTF-8, without a zero byte.</summary>
    /// <returns>How many bytes were written.</returns>
    public int WriteUtf8(long offset, ReadOnlySpan<char> text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        return Encoding.UTF8.GetBytes(text, AsSpan(offset, bytes));
    }

    /// <summary>Grows the memory; new bytes are zero.</summary>
    /// <returns>The size before, in pages.</returns>
    /// <exception cref="InvalidOperationException">The memory may not grow that much; the message says what limits it.</exception>
    public long Grow(long pages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        MemoryInstance memory = Instance;
        long before = _store!.Grow(memory, (ulong)pages);
        return before >= 0 ? before : throw new InvalidOperationException(_store.DescribeRefusal(memory, (ulong)pages));
    }

    /// <summary>Grows the memory if it may.</summary>
    public bool TryGrow(long pages, out long before)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        MemoryInstance memory = Instance;
        before = _store!.Grow(memory, (ulong)pages);
        return before >= 0;
    }

    private ReadOnlySpan<byte> ToRead(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return Instance.BytesToRead((ulong)offset, (ulong)length);
    }

    /// <inheritdoc/>
    public bool Equals(Memory other) => ReferenceEquals(_memory, other._memory) && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Memory other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _memory is null ? 0 : RuntimeHelpers.GetHashCode(_memory);
}

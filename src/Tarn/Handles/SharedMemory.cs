// The embedder's handle of a shared memory. It belongs to no store and may be used by any thread at any time, so there is no view of its bytes: everything is a copy or an atomic
// operation (SharedBytes says why). Each operation counts as a user of the memory while it lasts, so that disposing on another thread does not free it underneath.
using System.Diagnostics;
using System.Text;
using Tarn.Linking;
using Tarn.Memories;

namespace Tarn;

/// <summary>
/// A linear memory that instances of several stores can import and use from several threads at the same time (threads proposal, "Shared linear memory"). It lives until this object has been disposed and no
/// instance has it any longer. Offsets and lengths are bytes; each access is checked and throws <see cref="ArgumentOutOfRangeException"/> when it is outside. All members may be used by any thread at any
/// time.
/// </summary>
/// <remarks>
/// Guests may write while the host reads. Copy what you have to check, and check the copy. A value of 1, 2, 4 or 8 bytes at a multiple of its size is read and written as a whole.
/// </remarks>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed unsafe partial class SharedMemory : IDisposable
{
    private readonly SharedMemoryCore _core;
    private int _disposed;

    /// <summary>Initializes a new instance of the <see cref="SharedMemory"/> class: a memory of its type's minimal size, all zero.</summary>
    /// <param name="engine">The engine of the modules that will import it.</param>
    /// <param name="type">Its type, which has to be shared and to have a maximum. Address space for the maximum is reserved at once.</param>
    /// <exception cref="ArgumentException">The type is not that of a shared memory.</exception>
    /// <exception cref="InstantiationException">The memory is larger than the engine's limits or the system allow.</exception>
    /// <exception cref="ObjectDisposedException">The engine has been disposed.</exception>
    public SharedMemory(Engine engine, MemoryType type)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(type);
        if (!type.IsShared)
            throw new ArgumentException($"The type {type} is not that of a shared memory; make it with isShared: true.", nameof(type));
        engine.ThrowIfDisposed();
        Engine = engine;
        _core = engine.Allocator.ForHost.AllocateSharedMemory(TypeDescriptions.ToCore(type), limits: null);
    }

    // Takes over a reference.
    internal SharedMemory(Engine engine, SharedMemoryCore core)
    {
        Engine = engine;
        _core = core;
    }

    /// <summary>A handle of a memory that is in use, or <see langword="null"/> if it is not shared.</summary>
    internal static SharedMemory? Of(Engine engine, MemoryInstance memory)
    {
        if (memory.Shared is not SharedMemoryCore core)
            return null;
        core.AddReference();
        return new SharedMemory(engine, core);
    }

    /// <summary>Lets go of the memory if that was forgotten.</summary>
    ~SharedMemory() => _core?.Release();

    /// <summary>Gets the engine of the modules that can import the memory.</summary>
    public Engine Engine { get; }

    /// <summary>Gets the size in bytes.</summary>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public long Length
    {
        get
        {
            using Use use = Enter();
            return (long)use.Memory.ByteLength;
        }
    }

    /// <summary>Gets the size in pages.</summary>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public long Pages
    {
        get
        {
            using Use use = Enter();
            return (long)use.Memory.Pages;
        }
    }

    /// <summary>Gets the memory's type, with the current size as its minimum.</summary>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public MemoryType Type
    {
        get
        {
            using Use use = Enter();
            return use.Memory.Describe();
        }
    }

    /// <summary>Gets the size that the memory was declared with, in pages.</summary>
    public long Minimum => (long)_core.Memory.Type.Limits.Minimum;

    /// <summary>Gets the size to which the memory was declared to grow, in pages.</summary>
    public long Maximum => (long)Math.Min(_core.Memory.Type.Limits.Maximum, long.MaxValue);

    /// <summary>Gets the size to which the memory can grow, in pages: the least of its own maximum and the engine's limits.</summary>
    public long GrowthLimit => (long)(_core.Memory.CapacityBytes >> _core.Memory.Type.PageSizeLog2);

    /// <summary>Gets the size of a page in bytes: 65536, or 1 where the type says so (custom page sizes).</summary>
    public int PageSize => _core.Memory.Type.PageSize;

    /// <summary>Gets whether addresses have 64 bits.</summary>
    public bool Is64 => _core.Memory.Type.Limits.Is64;

    internal SharedMemoryCore Core => _core;

    /// <summary>Reads a value at a byte offset; no alignment is needed.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    /// <param name="offset">The first byte.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public T Read<T>(long offset)
        where T : unmanaged
    {
        using Use use = Enter();
        return SharedBytes.Read<T>(use.Memory.Locate(offset, sizeof(T)));
    }

    /// <summary>Writes a value at a byte offset; no alignment is needed.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    /// <param name="offset">The first byte.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public void Write<T>(long offset, T value)
        where T : unmanaged
    {
        using Use use = Enter();
        SharedBytes.Write(use.Memory.Locate(offset, sizeof(T)), value);
    }

    /// <summary>Copies bytes out of the memory. Each is one that was there while they were copied.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Where they go, and how many.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public void CopyTo(long offset, Span<byte> destination)
    {
        using Use use = Enter();
        SharedBytes.CopyOut(use.Memory.Locate(offset, destination.Length), destination);
    }

    /// <summary>Copies bytes into the memory.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="source">The bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public void CopyFrom(long offset, ReadOnlySpan<byte> source)
    {
        using Use use = Enter();
        SharedBytes.CopyIn(use.Memory.Locate(offset, source.Length), source);
    }

    /// <summary>Reads text in UTF-8 from a copy of the bytes; invalid sequences become U+FFFD.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="byteLength">The number of bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the memory.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public string ReadUtf8(long offset, int byteLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(byteLength);
        using Use use = Enter();
        return SharedBytes.ReadUtf8(use.Memory.Locate(offset, byteLength), byteLength);
    }

    /// <summary>Writes text in UTF-8, without a zero byte.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="text">The text.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The text does not fit.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public int WriteUtf8(long offset, ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        CopyFrom(offset, bytes);
        return bytes.Length;
    }

    /// <summary>Grows the memory; new bytes are zero.</summary>
    /// <param name="pages">By how many pages.</param>
    /// <returns>The size before, in pages. Of several threads that grow at the same time each gets another one.</returns>
    /// <exception cref="InvalidOperationException">The memory may not grow that much; the message says what limits it.</exception>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public long Grow(long pages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        using Use use = Enter();
        long before = use.Memory.Grow((ulong)pages);
        return before >= 0 ? before : throw new InvalidOperationException(use.Memory.DescribeRefusal((ulong)pages));
    }

    /// <summary>Grows the memory if it may.</summary>
    /// <param name="pages">By how many pages.</param>
    /// <param name="before">The size before, in pages.</param>
    /// <returns>Whether it has grown.</returns>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    public bool TryGrow(long pages, out long before)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        using Use use = Enter();
        before = use.Memory.Grow((ulong)pages);
        return before >= 0;
    }

    /// <summary>Lets go of the memory. Instances that have it keep it; when the last one of them has ended it is freed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        GC.SuppressFinalize(this);
        _core.Release();
    }

    /// <summary>What an import that is bound to the memory refers to.</summary>
    internal Definition ToDefinition()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return Definition.Of(_core);
    }

    // The finaliser does not run while the use lasts, since the use keeps a reference of its own.
    private Use Enter()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0 || !_core.TryAddReference(), this);
        return new Use(_core);
    }

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _core.TryAddReference() ? Describe() : "SharedMemory, disposed";

    private string Describe()
    {
        using var use = new Use(_core);
        return $"SharedMemory, {use.Memory.Pages} pages of {use.Memory.Type.PageSize} bytes";
    }

    private readonly ref struct Use(SharedMemoryCore core)
    {
        public MemoryInstance Memory => core.Memory;

        public void Dispose() => core.Release();
    }
}

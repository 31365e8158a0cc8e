// One call of a guest: whose it is, and the guest's memory, every access to which is checked here. Guests' addresses and lengths are unsigned 32-bit
// numbers; they are widened before anything is added or multiplied, so no sum of theirs wraps.
//
// In a shared memory other threads write at any time. What is decided upon is copied first and read from the copy (TryRead), results are written and never read back (TryCopyIn), and no view is
// taken at all.
//
// Spans are taken again after anything was awaited, never kept across.
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Tarn.Wasi.Preview1;

internal readonly struct WasiCall
{
    private readonly Caller _caller;
    private readonly bool _awaited;
    private readonly Memory _memory;
    private readonly bool _hasMemory;

    public WasiCall(WasiContext context, Caller caller, bool isUnstable = false)
    {
        IsUnstable = isUnstable;
        Context = context;
        _caller = caller;
        CancellationToken = caller.CancellationToken;
        try
        {
            _memory = caller.Memory;
            _hasMemory = true;
        }
        catch (InvalidOperationException)
        {
            // A guest without a memory can pass no address: each one it names is a bad one.
        }
    }

    /// <summary>A call whose arguments are values and in no memory.</summary>
    public WasiCall(WasiContext context, Caller caller, CancellationToken cancellationToken)
    {
        Context = context;
        _caller = caller;
        CancellationToken = cancellationToken;
    }

    private WasiCall(in WasiCall call, bool awaited)
    {
        this = call;
        _awaited = awaited;
    }

    public WasiContext Context { get; }

    /// <summary>Whether the guest was built for the snapshot before preview 1, <c>wasi_unstable</c>, in which a few things are elsewhere or are numbered otherwise.</summary>
    public bool IsUnstable { get; }

    public CancellationToken CancellationToken { get; }

    /// <summary>
    /// The call as it continues after an await, perhaps on another thread: the guest is suspended then, and a host that stops it ends its call without asking the host function. What is left to
    /// look at is the token, in a turn (<see cref="GuestTurn"/>).
    /// </summary>
    public WasiCall AfterAwait() => new(this, awaited: true);

    /// <summary>Charges fuel for work by its size: a unit for each byte that is made or moved. To be called for each part of it; the call itself is an instruction of the guest's.</summary>
    public void Charge(long units) => _caller.ConsumeFuel(units);

    /// <summary>
    /// Charges for a part of the work that the guest's thread does now, and ends the guest if it has been asked to stop. No function does more than one part without it: a guest that is stopped
    /// ends within a millisecond or so, however much it has asked for in one call.
    /// </summary>
    public void BeginPiece(long units)
    {
        if (!_awaited)
            _caller.ThrowIfStopRequested();
        CancellationToken.ThrowIfCancellationRequested();
        Charge(units);
    }

    /// <summary>Enters the guest's memory, so that it stays in place. Waits while a guest of the instance runs on another thread.</summary>
    /// <exception cref="OperationCanceledException">The call was stopped meanwhile.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public MemoryAccess EnterMemory()
    {
        while (_hasMemory)
        {
            try
            {
                return _memory.Access(0, 0);
            }
            catch (InvalidOperationException e) when (e is not ObjectDisposedException)
            {
                CancellationToken.ThrowIfCancellationRequested();
                Thread.Sleep(1);
            }
        }
        return default;
    }

    /// <summary>Whether other threads may write to the guest's memory at any time.</summary>
    public bool HasSharedMemory => _hasMemory && _memory.IsShared;

    /// <summary>Whether a range is in the guest's memory.</summary>
    public bool Contains(ulong address, ulong length)
    {
        ulong size = _hasMemory ? (ulong)_memory.Length : 0;
        return address <= size && length <= size - address && length <= int.MaxValue;
    }

    /// <summary>A view of a range of a memory that is not shared; for <see cref="GuestPiece"/>, which knows.</summary>
    public bool TrySpan(ulong address, ulong length, out Span<byte> span)
    {
        if (!Contains(address, length))
        {
            span = default;
            return false;
        }
        // A length of zero is fine anywhere inside, and in a memory of no bytes too.
        span = length == 0 ? [] : _memory.AsSpan((long)address, (int)length);
        return true;
    }

    /// <summary>Reads a range whose length the caller has bounded: a view, or a copy where the memory is shared.</summary>
    public bool TryRead(ulong address, ulong length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!Contains(address, length))
            return false;
        if (length == 0)
            return true;
        if (!_memory.IsShared)
        {
            bytes = _memory.AsSpan((long)address, (int)length);
            return true;
        }
        byte[] copy = new byte[length];
        CopyOut(address, copy);
        bytes = copy;
        return true;
    }

    /// <summary>Copies bytes of the guest. The range is within the memory.</summary>
    public void CopyOut(ulong address, Span<byte> destination) => _memory.CopyTo((long)address, destination);

    /// <summary>Copies bytes to the guest.</summary>
    public bool TryCopyIn(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!Contains(address, (ulong)bytes.Length))
            return false;
        if (bytes.Length != 0)
            _memory.CopyFrom((long)address, bytes);
        return true;
    }

    public bool TryWrite(int address, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return TryCopyIn((uint)address, bytes);
    }

    public bool TryWrite(int address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return TryCopyIn((uint)address, bytes);
    }

    public WasiErrno Write(int address, uint value) => TryWrite(address, value) ? WasiErrno.Success : WasiErrno.Fault;

    public WasiErrno Write(int address, ulong value) => TryWrite(address, value) ? WasiErrno.Success : WasiErrno.Fault;

    /// <summary>Whether a result of so many bytes could be written: asked before something is done that could not be undone.</summary>
    public bool CanWrite(int address, uint length) => Contains((uint)address, length);

    /// <summary>Reads a path or another name. Bytes that are not UTF-8 pass through: whether they may be part of a name is for the file system to say.</summary>
    public WasiErrno ReadText(int address, int length, [NotNull] out string? text)
    {
        text = "";
        if (!Contains((uint)address, (uint)length))
            return WasiErrno.Fault;
        if ((uint)length > PathWalk.LongestPath)
            return WasiErrno.NameTooLong;
        if (!TryRead((uint)address, (uint)length, out ReadOnlySpan<byte> bytes))
            return WasiErrno.Fault;
        if (bytes.Contains((byte)0))
            return WasiErrno.Invalid;
        text = WasiText.FromBytes(bytes);
        return WasiErrno.Success;
    }
}

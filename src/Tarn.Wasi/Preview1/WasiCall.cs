// One call of a guest: whose it is, and the guest's memory, every access to which is checked here. Guests' addresses and lengths are unsigned 32-bit
// numbers; they are widened before anything is added or multiplied, so no sum of theirs wraps.
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

    public bool TrySpan(ulong address, ulong length, out Span<byte> span)
    {
        ulong size = _hasMemory ? (ulong)_memory.Length : 0;
        if (address > size || length > size - address || length > int.MaxValue)
        {
            span = default;
            return false;
        }
        // A length of zero is fine anywhere inside, and in a memory of no bytes too.
        span = length == 0 ? [] : _memory.AsSpan((long)address, (int)length);
        return true;
    }

    public bool TryWrite(int address, uint value)
    {
        if (!TrySpan((uint)address, sizeof(uint), out Span<byte> span))
            return false;
        BinaryPrimitives.WriteUInt32LittleEndian(span, value);
        return true;
    }

    public bool TryWrite(int address, ulong value)
    {
        if (!TrySpan((uint)address, sizeof(ulong), out Span<byte> span))
            return false;
        BinaryPrimitives.WriteUInt64LittleEndian(span, value);
        return true;
    }

    public WasiErrno Write(int address, uint value) => TryWrite(address, value) ? WasiErrno.Success : WasiErrno.Fault;

    public WasiErrno Write(int address, ulong value) => TryWrite(address, value) ? WasiErrno.Success : WasiErrno.Fault;

    /// <summary>Whether a result of so many bytes could be written: asked before something is done that could not be undone.</summary>
    public bool CanWrite(int address, uint length) => TrySpan((uint)address, length, out _);

    /// <summary>Reads a path or another name. Bytes that are not UTF-8 pass through: whether they may be part of a name is for the file system to say.</summary>
    public WasiErrno ReadText(int address, int length, [NotNull] out string? text)
    {
        text = "";
        if (!TrySpan((uint)address, (uint)length, out Span<byte> bytes))
            return WasiErrno.Fault;
        if (bytes.Length > PathWalk.LongestPath)
            return WasiErrno.NameTooLong;
        if (bytes.Contains((byte)0))
            return WasiErrno.Invalid;
        text = WasiText.FromBytes(bytes);
        return WasiErrno.Success;
    }
}

// A piece of the guest's memory that is handed to code which is not ours to check: a file, a stream, a source of random numbers. In a memory of one thread it is a view. Other threads
// write to a shared memory at any time, and such code may look at a byte twice or rely on what it has just written: there it is a copy, which goes to the memory when it is finished.
//
// The copy has a bounded length, since the guest chooses the piece's, and begins as zeros where it is to be filled: what was in the buffer before is no guest's.
using System.Buffers;

namespace Tarn.Wasi.Preview1;

internal readonly ref struct GuestPiece
{
    private const int LargestCopy = 64 << 10;

    private readonly WasiCall _call;
    private readonly ulong _address;
    private readonly byte[]? _copy;

    private GuestPiece(in WasiCall call, ulong address, byte[]? copy, Span<byte> span)
    {
        _call = call;
        _address = address;
        _copy = copy;
        Span = span;
    }

    /// <summary>The bytes: as many as were asked for, or fewer.</summary>
    public Span<byte> Span { get; }

    /// <summary>Opens a piece to be filled. The range is within the memory.</summary>
    public static GuestPiece ToFill(in WasiCall call, ulong address, int length)
    {
        if (!call.HasSharedMemory)
            return View(call, address, length);
        byte[] copy = ArrayPool<byte>.Shared.Rent(Math.Min(length, LargestCopy));
        Span<byte> span = copy.AsSpan(0, Math.Min(length, LargestCopy));
        span.Clear();
        return new GuestPiece(call, address, copy, span);
    }

    /// <summary>Opens a piece to be read. The range is within the memory.</summary>
    public static GuestPiece ToRead(in WasiCall call, ulong address, int length)
    {
        if (!call.HasSharedMemory)
            return View(call, address, length);
        byte[] copy = ArrayPool<byte>.Shared.Rent(Math.Min(length, LargestCopy));
        Span<byte> span = copy.AsSpan(0, Math.Min(length, LargestCopy));
        call.CopyOut(address, span);
        return new GuestPiece(call, address, copy, span);
    }

    /// <summary>Says that the first bytes have been filled.</summary>
    public void Commit(int count)
    {
        if (_copy is not null && count > 0)
            _call.TryCopyIn(_address, Span[..Math.Min(count, Span.Length)]);
    }

    /// <summary>Ends the use of the piece.</summary>
    public void Dispose()
    {
        if (_copy is not null)
            ArrayPool<byte>.Shared.Return(_copy);
    }

    private static GuestPiece View(in WasiCall call, ulong address, int length) =>
        new(call, address, null, call.TrySpan(address, (ulong)length, out Span<byte> span) ? span : []);
}

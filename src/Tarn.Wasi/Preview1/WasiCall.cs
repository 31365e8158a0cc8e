// One call of a guest: whose it is, and the guest's memory, every access to which is checked here. Guests' addresses and lengths are unsigned 32-bit
// numbers; they are widened before anything is added or multiplied, so no sum of theirs wraps.
//
// Spans are taken again after anything was awaited, never kept across.
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Tarn.Wasi.Preview1;

internal readonly struct WasiCall
{
    private readonly Memory _memory;
    private readonly bool _hasMemory;

    public WasiCall(WasiContext context, Caller caller)
    {
        Context = context;
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

    public WasiContext Context { get; }

    public CancellationToken CancellationToken { get; }

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

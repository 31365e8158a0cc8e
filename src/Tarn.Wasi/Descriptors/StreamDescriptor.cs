// What input, output and sockets have in common: bytes in sequence that may have to be waited for.
using Tarn.Wasi.Host;

namespace Tarn.Wasi.Descriptors;

internal abstract class StreamDescriptor(WasiRights rights) : Descriptor(rights, WasiRights.None)
{
    /// <summary>Whether reading and writing into a span is right: the bytes are there, or waiting for them holds no thread that another could use.</summary>
    public abstract bool IsSynchronous { get; }

    /// <summary>Reads at least one byte unless the stream has ended.</summary>
    public virtual int Read(Span<byte> buffer) => throw new NotSupportedException();

    /// <summary>Reads at least one byte unless the stream has ended.</summary>
    public virtual ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Writes all of it.</summary>
    public virtual void Write(ReadOnlySpan<byte> data) => throw new NotSupportedException();

    /// <summary>Writes; tells how much.</summary>
    public virtual ValueTask<int> WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>A stream over memory, or a file's that has no asynchronous handle: its asynchronous methods would only borrow another thread.</summary>
    protected static bool IsSynchronousStream(Stream stream) =>
        stream == Stream.Null || stream is HostStream or MemoryStream or UnmanagedMemoryStream or FileStream { IsAsync: false };
}

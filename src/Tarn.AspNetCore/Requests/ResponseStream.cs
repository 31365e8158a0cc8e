// The body of a response as a guest's standard output. The response begins with the guest's first byte, so that one that fails before it can still be answered with an error.
using Microsoft.AspNetCore.Http;

namespace Tarn.AspNetCore.Requests;

internal sealed class ResponseStream(HttpContext http, string contentType) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Begins the response if nothing has been written.</summary>
    public Task StartAsync()
    {
        Begin();
        return http.Response.StartAsync(http.RequestAborted);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Begin();
        return http.Response.Body.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => http.Response.HasStarted ? http.Response.Body.FlushAsync(cancellationToken) : Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The server's streams are asynchronous.");

    private void Begin()
    {
        if (!http.Response.HasStarted)
            http.Response.ContentType ??= contentType;
    }
}

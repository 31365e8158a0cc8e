// Messages and bodies of wasi:http, as a guest holds them.
using Tarn.Components;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Http;

/// <summary>A request that a guest makes.</summary>
internal sealed class OutgoingRequest(HttpFields headers)
{
    public HttpFields Headers { get; } = headers;

    public string Method { get; set; } = "GET";

    public string? PathWithQuery { get; set; }

    public string? Scheme { get; set; }

    public string? Authority { get; set; }

    /// <summary>The body, once the guest has asked for it.</summary>
    public OutgoingBody? Body { get; set; }
}

/// <summary>A response that a guest makes.</summary>
internal sealed class OutgoingResponse(HttpFields headers)
{
    public HttpFields Headers { get; } = headers;

    public ushort Status { get; set; } = 200;

    /// <summary>The body, once the guest has asked for it.</summary>
    public OutgoingBody? Body { get; set; }
}

/// <summary>How long a guest wants to wait.</summary>
internal sealed class RequestOptions
{
    public TimeSpan? FirstByte { get; set; }

    public TimeSpan? BetweenBytes { get; set; }
}

/// <summary>A body that a guest writes.</summary>
/// <param name="length">What the message's header says of its length, or null.</param>
internal sealed class OutgoingBody(long? length) : IDisposable
{
    private long _written;
    private TransferOutputStream? _stream;

    public BodyPipe Pipe { get; } = new();

    public long? Length { get; } = length;

    /// <summary>The stream to write to, once.</summary>
    public OutputStream? TakeStream()
    {
        if (_stream is not null)
            return null;
        return _stream = new TransferOutputStream(WriteAsync, null);
    }

    /// <summary>Ends the body.</summary>
    /// <returns>The number of bytes that were written, where another number was announced.</returns>
    public long? Finish()
    {
        if (_stream is { Pending.IsCompleted: false })
        {
            // What the guest has written comes first.
            _ = FinishBehindAsync(_stream.Pending);
            return null;
        }

        if (Length is long announced && announced != _written)
        {
            Pipe.Complete(new InvalidOperationException($"its header announces {announced} bytes, and {_written} were written"));
            return _written;
        }

        Pipe.Complete();
        return null;
    }

    public void Dispose() => Pipe.Complete(new InvalidOperationException("the guest dropped it"));

    private async Task FinishBehindAsync(Task pending)
    {
        try
        {
            await pending.ConfigureAwait(false);
            _ = Finish();
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException)
        {
            Pipe.Complete(e);
        }
    }

    // Once the reader has gone the write is cancelled, and the stream is closed to the guest.
    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        _written += bytes.Length;
        if (_written > Length)
            throw new InvalidOperationException($"the header of the message announces {Length} bytes, and the guest wrote more");
        await Pipe.WaitWritableAsync(CancellationToken.None).ConfigureAwait(false);
        if (Pipe.IsAbandoned)
            throw new OperationCanceledException("the reader of the body has gone");
        Pipe.Write(bytes);
        await Pipe.WaitWritableAsync(CancellationToken.None).ConfigureAwait(false);
    }
}

/// <summary>A request that a guest answers.</summary>
internal sealed class IncomingRequest(HttpRequestMessage message, Stream body)
{
    private bool _isTaken;

    public HttpRequestMessage Message { get; } = message;

    public HttpFields Headers { get; } = HttpFields.Of(message.Headers, message.Content?.Headers);

    /// <summary>The body, once.</summary>
    public IncomingBody? TakeBody()
    {
        if (_isTaken)
            return null;
        _isTaken = true;
        return new IncomingBody(body, null, null, null);
    }
}

/// <summary>A response that a guest has received.</summary>
internal sealed class IncomingResponse(HttpResponseMessage message, Stream body, Action done, TimeSpan? betweenBytes) : IDisposable
{
    private bool _isTaken;

    public HttpResponseMessage Message { get; } = message;

    public HttpFields Headers { get; } = HttpFields.Of(message.Headers, message.Content.Headers);

    /// <summary>The body, once.</summary>
    public IncomingBody? TakeBody()
    {
        if (_isTaken)
            return null;
        _isTaken = true;
        return new IncomingBody(body, Message, Done, betweenBytes);
    }

    public void Dispose()
    {
        if (!_isTaken)
            Done();
    }

    private void Done()
    {
        Message.Dispose();
        done();
    }
}

/// <summary>A body that a guest reads.</summary>
/// <param name="stream">Its bytes.</param>
/// <param name="response">The response that it is of, for its trailers; null for a request.</param>
/// <param name="done">Called when the guest has dropped it.</param>
/// <param name="betweenBytes">How long a read may take.</param>
internal sealed class IncomingBody(Stream stream, HttpResponseMessage? response, Action? done, TimeSpan? betweenBytes) : IDisposable
{
    private bool _isStreamTaken;
    private bool _isStreamDropped;
    private bool _isDropped;

    public HttpResponseMessage? Response { get; } = response;

    /// <summary>The stream to read from, once.</summary>
    public InputStream? TakeStream()
    {
        if (_isStreamTaken)
            return null;
        _isStreamTaken = true;
        return new TransferInputStream(ReadAsync, () =>
        {
            _isStreamDropped = true;
            EndIfDropped();
        });
    }

    public void Dispose()
    {
        _isDropped = true;
        EndIfDropped();
    }

    private void EndIfDropped()
    {
        if (_isDropped && (_isStreamDropped || !_isStreamTaken))
            done?.Invoke();
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (betweenBytes is not TimeSpan most)
            return await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(most);
        try
        {
            return await stream.ReadAsync(buffer, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("no byte of the body arrived within the time that the guest set");
        }
    }
}

/// <summary>Something that arrives later and is taken once.</summary>
internal sealed class HttpFuture<T>(Task<T> task, Action? dispose = null) : IDisposable
    where T : class
{
    private bool _isTaken;

    public Pollable Subscribe() => new(() => task.IsCompleted, WaitAsync);

    /// <summary>The value of <c>get</c>: nothing yet, taken before, or what arrived.</summary>
    public ComponentValue Get(Func<T, ComponentValue> convert)
    {
        if (!task.IsCompleted)
            return ComponentValue.FromOption(null);
        if (_isTaken)
            return ComponentValue.FromOption(ComponentValue.Error());
        _isTaken = true;
        ComponentValue outcome = task.IsCompletedSuccessfully
            ? ComponentValue.Ok(convert(task.Result))
            : ComponentValue.Error(HttpErrors.Of(task.Exception?.InnerException ?? new OperationCanceledException()));
        return ComponentValue.FromOption(ComponentValue.Ok(outcome));
    }

    public void Dispose()
    {
        if (!_isTaken)
        {
            dispose?.Invoke();
            _ = task.ContinueWith(
                static done =>
                {
                    _ = done.Exception;
                    if (done.IsCompletedSuccessfully)
                        (done.Result as IDisposable)?.Dispose();
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Told by get.
        }
    }
}

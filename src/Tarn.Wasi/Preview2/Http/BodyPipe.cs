// A body that a guest writes and the host reads: one part at a time, of 64 KiB at most. The guest's next part is taken when the last one has been read, so that a body of any length takes no
// more of the host's memory than that. A body that ends without having been finished is an error to the reader and never a short message.
namespace Tarn.Wasi.Preview2.Http;

/// <summary>The pipe of a body. One writer, one reader, on any threads.</summary>
internal sealed class BodyPipe
{
    private readonly Lock _lock = new();
    private ReadOnlyMemory<byte> _part;
    private Exception? _failure;
    private bool _isComplete;
    private bool _isAbandoned;
    private TaskCompletionSource? _readable;
    private TaskCompletionSource? _writable;

    /// <summary>Whether a part would be taken, or be dropped since the reader has gone.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
                return _part.IsEmpty || _isAbandoned;
        }
    }

    /// <summary>Whether the reader has gone.</summary>
    public bool IsAbandoned => Volatile.Read(ref _isAbandoned);

    /// <summary>Gives a part to the reader. Only while the pipe is idle.</summary>
    public void Write(ReadOnlyMemory<byte> part)
    {
        TaskCompletionSource? readable;
        lock (_lock)
        {
            if (_isAbandoned)
                return;
            _part = part;
            (readable, _readable) = (_readable, null);
        }

        readable?.TrySetResult();
    }

    /// <summary>Ends the body. The first end counts.</summary>
    /// <param name="failure">Why it is not whole, or null.</param>
    public void Complete(Exception? failure = null)
    {
        TaskCompletionSource? readable;
        lock (_lock)
        {
            if (_isComplete)
                return;
            _isComplete = true;
            _failure = failure;
            (readable, _readable) = (_readable, null);
        }

        readable?.TrySetResult();
    }

    /// <summary>Waits until the pipe is idle.</summary>
    public Task WaitWritableAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_part.IsEmpty || _isAbandoned)
                return Task.CompletedTask;
            _writable ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _writable.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Reads; 0 at the end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            TaskCompletionSource? writable = null;
            int count;
            lock (_lock)
            {
                count = Math.Min(destination.Length, _part.Length);
                if (count > 0)
                {
                    _part[..count].CopyTo(destination);
                    _part = _part[count..];
                    if (_part.IsEmpty)
                        (writable, _writable) = (_writable, null);
                }
                else if (_isComplete)
                {
                    return _failure is null ? 0 : throw new IOException($"The guest did not finish the body: {_failure.Message}", _failure);
                }

                _readable ??= count > 0 ? null : new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                wait = _readable?.Task ?? Task.CompletedTask;
            }

            writable?.TrySetResult();
            if (count > 0 || destination.Length == 0)
                return count;
            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends reading: what the guest still writes is dropped.</summary>
    public void Abandon()
    {
        TaskCompletionSource? writable;
        lock (_lock)
        {
            _isAbandoned = true;
            _part = default;
            (writable, _writable) = (_writable, null);
        }

        writable?.TrySetResult();
    }
}

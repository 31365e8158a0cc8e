// A host function that waits until the test lets it go on.
using System.Collections.Concurrent;

namespace Tarn.Runtime.Tests.Async;

internal sealed class Gates
{
    private readonly ConcurrentQueue<TaskCompletionSource<int>> _waiting = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the first call has come.</summary>
    public Task Waiting => _first.Task;

    public ValueTask<int> Wait(int argument)
    {
        _ = argument;
        // Continuations run on the thread that opens.
        var source = new TaskCompletionSource<int>();
        _waiting.Enqueue(source);
        _first.TrySetResult();
        return new ValueTask<int>(source.Task);
    }

    /// <summary>Lets the call go on that has waited longest.</summary>
    public void Open(int result)
    {
        if (!_waiting.TryDequeue(out TaskCompletionSource<int>? source))
            throw new InvalidOperationException("nobody waits");
        source.SetResult(result);
    }
}

// A pending host function made of a delegate, with a result or without.
using System.Runtime.CompilerServices;

namespace Tarn.Handles;

internal sealed unsafe class PendingResult<TResult>(ValueTask<TResult> task) : PendingHostCall
{
    private readonly ConfiguredValueTaskAwaitable<TResult> _task = task.ConfigureAwait(false);

    public override void OnCompleted(Action continuation)
    {
        ConfiguredValueTaskAwaitable<TResult>.ConfiguredValueTaskAwaiter awaiter = _task.GetAwaiter();
        if (awaiter.IsCompleted)
            continuation();
        else
            awaiter.UnsafeOnCompleted(continuation);
    }

    public override void Finish(StoreCore store, RawValue* slots) => ResultCodec<TResult>.Write(store, slots, _task.GetAwaiter().GetResult());

    public override void Discard()
    {
#pragma warning disable CA1031 // Whatever it is, there is no guest left to be told.
        try
        {
            _ = _task.GetAwaiter().GetResult();
        }
        catch
        {
        }
#pragma warning restore CA1031
    }
}

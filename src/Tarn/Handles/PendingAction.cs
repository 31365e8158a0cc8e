// A pending host function whose results, if it has any, are in an array of values.
using System.Runtime.CompilerServices;

namespace Tarn.Handles;

internal sealed unsafe class PendingAction(ValueTask task, UntypedResults? results = null) : PendingHostCall
{
    private readonly ConfiguredValueTaskAwaitable _task = task.ConfigureAwait(false);

    public override void OnCompleted(Action continuation)
    {
        ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter awaiter = _task.GetAwaiter();
        if (awaiter.IsCompleted)
            continuation();
        else
            awaiter.UnsafeOnCompleted(continuation);
    }

    public override void Finish(StoreCore store, RawValue* slots)
    {
        _task.GetAwaiter().GetResult();
        results?.Write(store, slots);
    }

    public override void Discard()
    {
#pragma warning disable CA1031 // Whatever it is, there is no guest left to be told.
        try
        {
            _task.GetAwaiter().GetResult();
        }
        catch
        {
        }
#pragma warning restore CA1031
    }
}

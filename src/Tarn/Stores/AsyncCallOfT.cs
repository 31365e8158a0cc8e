// The result of a suspended call. The raw results are on the guest stack and are read before the call's frames are dropped.
namespace Tarn.Stores;

internal sealed class AsyncCall<TResult, TReader> : AsyncCall
    where TReader : struct, IResultReader<TResult>
{
    private readonly TReader _reader;
    private readonly nint _slots;
    private TResult? _result;

    public AsyncCall(StoreCore store, nint entryStackPointer, nint slots, TReader reader, CallScope? scope, CallScope? outerScope)
        : base(store, entryStackPointer, scope, outerScope)
    {
        _slots = slots;
        _reader = reader;
    }

    /// <summary>Waits and continues until the guest has returned or the call has failed.</summary>
    public async ValueTask<TResult> RunAsync()
    {
        try
        {
            do
            {
                await Woken.ConfigureAwait(false);
                if (Failure is Exception failure)
                    throw failure;
            }
            while (!Store.Resume(this));
            return _result!;
        }
        finally
        {
            OwnScope?.Dispose();
        }
    }

    public override unsafe void ReadResult() => _result = _reader.Read(Store, (RawValue*)_slots);
}

// An instantiation that waits for its turn. Apart from the allocator because unsafe classes cannot await.
using Tarn.Diagnostics;
using Tarn.Linking;

namespace Tarn.Pooling;

internal static class SlotWait
{
    public static async ValueTask<InstanceData> RunAsync(
        PooledAllocator pool, LinkedModule template, object? state, StoreLimits? limits, CancellationToken cancellationToken)
    {
        long start = TarnMetrics.Now(isWait: true);
        PooledInstance slot = await pool.Waiters.WaitAsync(
            static wanted => wanted.Pool.TryRent(wanted.Template, wanted.State), (Pool: pool, Template: template, State: state), cancellationToken).ConfigureAwait(false);
        TarnMetrics.Record(isWait: true, start);
        if (limits is not null)
            PooledAllocator.Limit(slot, limits);
        return slot.Data;
    }
}

// The seam between instantiation and the allocators: whole instances, each in a store of its own. Every method either succeeds or leaves nothing behind.
using Tarn.Linking;
using Tarn.Modules;
using Tarn.Snapshots;

namespace Tarn.Instances;

internal abstract class InstanceAllocator : StorageAllocator, IDisposable
{
    /// <summary>Makes an instance in a store of its own, up to its start function. The end of the store's life releases everything.</summary>
    /// <param name="template">The module and its imports, which are tied to no store.</param>
    /// <param name="state">What host functions get.</param>
    /// <param name="limits">What its memories and tables may take and it may execute.</param>
    /// <exception cref="InstantiationException">The module asks for more than limits or the system allow.</exception>
    /// <exception cref="PoolExhaustedException">There is no slot, or those that are there have been promised to others who wait.</exception>
    /// <exception cref="TrapException">A segment does not fit.</exception>
    public abstract InstanceData Rent(LinkedModule template, object? state, StoreLimits? limits);

    /// <summary>As <see cref="Rent"/>, but waits for a slot, first come, first served.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public abstract ValueTask<InstanceData> RentAsync(LinkedModule template, object? state, StoreLimits? limits, CancellationToken cancellationToken);

    /// <summary>The slot of the instance pool that an instance has; −1 where it has none.</summary>
    public virtual int SlotOf(InstanceData instance) => -1;

    /// <summary>What the pools hold and have done; all zero where there are none.</summary>
    public virtual PoolStatistics GetStatistics() => default;

    /// <summary>Lets go of whatever is kept for a module that has been disposed.</summary>
    public virtual void Forget(ModuleCore module)
    {
    }

    /// <summary>Lets go of whatever is kept for a template that begins with an image, and has been disposed.</summary>
    public virtual void Forget(InstanceImage image)
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();
}

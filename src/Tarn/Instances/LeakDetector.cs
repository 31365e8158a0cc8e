// Watches instances that embedders have to dispose. Each is tied to a sentinel by a weak table, so that the instance itself needs no finalizer and no field: when the collector finds
// the instance unreachable, the sentinel is unreachable too, and its finalizer reports. An instance that is disposed lets go of its sentinel.
//
// Nothing is given back here: a handle on a function or memory of the instance may still be in use.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tarn.Instances;

internal sealed class LeakDetector(LeakDetectionOptions options)
{
    private readonly ConditionalWeakTable<object, Sentinel> _watched = [];

    /// <summary>Watches an instance from now on.</summary>
    /// <param name="instance">The embedder's object.</param>
    /// <param name="moduleName">The name of its module.</param>
    /// <param name="slot">The slot of the pool that it has, or −1.</param>
    public void Watch(object instance, string? moduleName, int slot) =>
        _watched.Add(instance, new Sentinel(options.OnLeak, moduleName, slot, options.CaptureStackTrace ? new StackTrace(2, fNeedFileInfo: true) : null));

    /// <summary>Watches an instance no longer: it is disposed.</summary>
    public void Forget(object instance)
    {
        if (_watched.TryGetValue(instance, out Sentinel? sentinel))
        {
            _watched.Remove(instance);
            sentinel.Disarm();
        }
    }

    private sealed class Sentinel(Action<InstanceLeak> onLeak, string? moduleName, int slot, StackTrace? createdAt)
    {
        ~Sentinel()
        {
#pragma warning disable CA1031 // An exception of anybody's code would end the process here.
            try
            {
                onLeak(new InstanceLeak(moduleName, slot < 0 ? null : slot, createdAt));
            }
            catch
            {
                // Nobody is there to receive it.
            }
#pragma warning restore CA1031
        }

#pragma warning disable CA1816 // The instance's own Dispose leads here.
        public void Disarm() => GC.SuppressFinalize(this);
#pragma warning restore CA1816
    }
}

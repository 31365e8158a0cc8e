// What instances of a template begin with, as far as differences are taken against it: the template's image, or the state that the module describes, which is the same for each instance since its
// imports are functions alone. That one is taken once, from an instance made for the purpose outside of the pools, whose start function is not run.
using Tarn.Linking;
using Tarn.Snapshots;

namespace Tarn.Instances;

internal static class StateOrigin
{
    /// <summary>The state that instances begin with, before the start function.</summary>
    /// <exception cref="SnapshotException">It cannot be taken.</exception>
    public static InstanceImage Of(InstanceAllocator allocator, LinkedModule template)
    {
        if ((template.Image ?? template.Fresh) is InstanceImage there)
            return there;
        foreach (Definition import in template.Imports)
        {
            if (import.Store is not null || import.Memory is not null)
                throw new SnapshotException("The state of the instance cannot be taken: its imports belong to a store, or are memories that others share.");
        }
        InstanceData instance = ((InstanceAllocator)allocator.ForHost).Rent(template, null, null);
        try
        {
            using StoreUse use = instance.Store.Enter();
            return template.Fresh = StateCapture.Capture(instance);
        }
        finally
        {
            instance.Store.Abandon();
        }
    }
}

// A slot of a pool as its store sees it: where the store goes when a life in it has ended.
namespace Tarn.Stores;

internal abstract class SlotLease
{
    /// <summary>A life has ended, and nothing of it is left but what the slot resets: the slot may serve again. The store idles.</summary>
    public abstract void Return();

    /// <summary>The slot is given up: it can no longer be found.</summary>
    public abstract void Unbind();

    /// <summary>Everything that the slot held is free.</summary>
    public abstract void Unbound();
}

// What a store is there for at the moment. It only goes from Live to Idle and back, in a pool's slot, and from either to Released, once.
namespace Tarn.Stores;

internal enum StoreState
{
    /// <summary>It holds what a caller has a handle of.</summary>
    Live,

    /// <summary>It belongs to a slot of a pool that no instance has at the moment.</summary>
    Idle,

    /// <summary>All that it held is released.</summary>
    Released,
}

// A use of a store, from entering its gate to leaving it. On the stack only, so that it ends on the thread that it began on.
using Tarn.Scheduling;

namespace Tarn.Stores;

internal readonly ref struct StoreUse(StoreCore store, Tenure tenure)
{
    public void Dispose() => store.Leave(tenure);
}

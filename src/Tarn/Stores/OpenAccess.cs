// What an access to a memory and all its copies share: it leaves the store once, however often and by way of whichever copy it is disposed.
using Tarn.Scheduling;

namespace Tarn.Stores;

internal sealed class OpenAccess(StoreCore store, Tenure tenure)
{
    private StoreCore? _store = store;

    public void Close()
    {
        StoreCore? open = _store;
        _store = null;
        open?.Leave(tenure);
    }
}

// Reads results whose types are known at run time only.
using Tarn.Handles;

namespace Tarn;

internal readonly unsafe struct UntypedResultReader(ValType[] types) : IResultReader<Value[]>
{
    public Value[] Read(StoreCore store, RawValue* slots)
    {
        var results = new Value[types.Length];
        for (int i = 0; i < results.Length; i++)
            results[i] = store.ToValue(slots[i], types[i]);
        return results;
    }
}

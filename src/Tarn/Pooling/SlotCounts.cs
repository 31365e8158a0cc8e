// What slots have counted, added up. Each slot counts for itself, written by whoever has it, so that counting costs no shared cache line.
namespace Tarn.Pooling;

internal struct SlotCounts
{
    public long Rents;
    public long Bindings;
    public long BytesReset;
    public long Faults;

    public void Add(PooledInstance instance)
    {
        Rents += instance.Rents;
        Bindings++;
        BytesReset += instance.BytesReset;
        Faults += instance.Faults;
    }
}

// Results that a host function leaves as values, on their way into raw slots.
namespace Tarn.Handles;

internal sealed unsafe class UntypedResults(Value[] values, ValType[] types)
{
    public Value[] Values => values;

    /// <exception cref="ArgumentException">A value is not of its type.</exception>
    public void Write(StoreCore store, RawValue* slots)
    {
        for (int i = 0; i < types.Length; i++)
            slots[i] = store.ToRaw(values[i], types[i]);
    }
}

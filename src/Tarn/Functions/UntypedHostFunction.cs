// A host function that takes and gives Values.
namespace Tarn.Functions;

internal sealed unsafe class UntypedHostFunction : DefinedHostFunction
{
    private readonly HostCallback _callback;
    private readonly TypeRegistry _types;

    public UntypedHostFunction(ValType[] parameters, ValType[] results, TypeRegistry types, HostCallback callback)
        : base(parameters, results)
    {
        _callback = callback;
        _types = types;
    }

    protected override void Invoke(Caller caller, RawValue* slots)
    {
        Store store = caller.Store;
        int parameters = Parameters.Length;
        int results = Results.Length;
        var values = new Value[parameters + results];
        for (int i = 0; i < parameters; i++)
            values[i] = store.ToValue(slots[i], Parameters[i]);
        for (int i = 0; i < results; i++)
            values[parameters + i] = Store.DefaultValue(ValueKinds.Of(Results[i], _types));
        _callback(caller, values.AsSpan(0, parameters), values.AsSpan(parameters));
        for (int i = 0; i < results; i++)
            slots[i] = store.ToRaw(values[parameters + i], Results[i]);
    }
}

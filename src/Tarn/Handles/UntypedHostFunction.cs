// A host function that takes and gives Values.
using Tarn.Execution;

namespace Tarn.Handles;

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

    public override DefinedHostFunction WithResults(ValType[] results) => new UntypedHostFunction(Parameters, results, _types, _callback);

    public override HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* raw)
    {
        StoreCore store = Begin(execution);
        var slots = (RawValue*)raw;
        int parameters = Parameters.Length;
        int results = Results.Length;
        var values = new Value[parameters + results];
        for (int i = 0; i < parameters; i++)
            values[i] = store.ToValue(slots[i], Parameters[i]);
        for (int i = 0; i < results; i++)
            values[parameters + i] = StoreHandles.DefaultValue(ValueKinds.Of(Results[i], _types));
        _callback(Caller.Of(store, context), values.AsSpan(0, parameters), values.AsSpan(parameters));
        for (int i = 0; i < results; i++)
            slots[i] = store.ToRaw(values[parameters + i], Results[i]);
        return HostCallStatus.Completed;
    }
}

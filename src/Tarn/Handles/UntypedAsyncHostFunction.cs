// An asynchronous host function that takes and gives Values.
namespace Tarn.Handles;

internal sealed unsafe class UntypedAsyncHostFunction : AsyncHostFunction
{
    private readonly AsyncHostCallback _callback;
    private readonly TypeRegistry _types;

    public UntypedAsyncHostFunction(ValType[] parameters, ValType[] results, TypeRegistry types, AsyncHostCallback callback)
        : base(parameters, results)
    {
        _callback = callback;
        _types = types;
    }

    public override DefinedHostFunction WithResults(ValType[] results) => new UntypedAsyncHostFunction(Parameters, results, _types, _callback);

    protected override PendingHostCall? Start(Caller caller, RawValue* slots)
    {
        StoreCore store = caller.Core;
        var arguments = new Value[Parameters.Length];
        for (int i = 0; i < arguments.Length; i++)
            arguments[i] = store.ToValue(slots[i], Parameters[i]);
        var results = new UntypedResults(new Value[Results.Length], Results);
        for (int i = 0; i < Results.Length; i++)
            results.Values[i] = StoreHandles.DefaultValue(ValueKinds.Of(Results[i], _types));
        ValueTask task = _callback(caller, arguments, results.Values);
        if (!task.IsCompleted || store.HasNestedCalls)
            return new PendingAction(task, results);
        task.GetAwaiter().GetResult();
        results.Write(store, slots);
        return null;
    }
}

// A function of the host in the shape in which guests call it: its types, and a body that takes its arguments from raw slots
// and leaves its results there. One subclass for each arity and shape of delegate is generated (TypedHostFunctions.g.cs), so that
// calling needs neither reflection nor boxing and works under NativeAOT.
using Tarn.Execution;
using Tarn.Instances;

namespace Tarn.Functions;

internal abstract unsafe class DefinedHostFunction : HostFunction
{
    protected DefinedHostFunction(ValType[] parameters, ValType[] results)
    {
        Parameters = parameters;
        Results = results;
    }

    public ValType[] Parameters { get; }

    public ValType[] Results { get; }

    public override HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* values)
    {
        Store store = ((StoreExecution)execution).Store;
        store.ThrowIfInterrupted();
        Invoke(new Caller(store, InstanceData.FromContext(context), store.CurrentToken), (RawValue*)values);
        return HostCallStatus.Completed;
    }

    /// <summary>Runs the host's code on the thread's own stack. Exceptions pass through to whoever called the guest.</summary>
    /// <param name="caller">Who is calling.</param>
    /// <param name="slots">The arguments; afterwards, from the first slot on, the results.</param>
    protected abstract void Invoke(Caller caller, RawValue* slots);
}

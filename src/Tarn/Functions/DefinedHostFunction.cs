// A function of the host in the shape in which guests call it: its types, and a body that takes its arguments from raw slots
// and leaves its results there. One subclass for each arity and shape of delegate is generated (TypedHostFunctions.g.cs), so that
// calling needs neither reflection nor boxing and works under NativeAOT. Exceptions pass through to whoever called the guest.
using System.Runtime.CompilerServices;
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

    /// <summary>What every call begins with: a guest that was asked to stop gets no further than here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static Store Begin(GuestExecution execution)
    {
        // Stores, and nothing else, call functions of this kind.
        Store store = Unsafe.As<StoreExecution>(execution).Store;
        store.ThrowIfInterrupted();
        return store;
    }

    /// <summary>What the function may know of the guest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static Caller CallerOf(Store store, VmContext* context) => new(store, InstanceData.FromContext(context), store.CurrentToken);
}

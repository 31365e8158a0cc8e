// A function of the host in the shape in which guests call it: its types, and a body that takes its arguments from raw slots
// and leaves its results there. One subclass for each arity and shape of delegate is generated (TypedHostFunctions.g.cs), so that
// calling needs neither reflection nor boxing and works under NativeAOT. Exceptions pass through to whoever called the guest.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Execution;
using Tarn.Instances;

namespace Tarn.Functions;

internal abstract unsafe class DefinedHostFunction : HostFunction
{
    private readonly nint _entry;
    private readonly GCHandle _body;

    /// <param name="parameters">Their types.</param>
    /// <param name="results">Their types.</param>
    /// <param name="entry">What <see cref="DirectHostCalls"/> has for the delegate's type, or 0.</param>
    /// <param name="body">The delegate, which the subclass keeps alive; needed if there is an entry.</param>
    protected DefinedHostFunction(ValType[] parameters, ValType[] results, nint entry = 0, Delegate? body = null)
    {
        Parameters = parameters;
        Results = results;
        if (entry == 0)
        {
            GC.SuppressFinalize(this);
            return;
        }
        _entry = entry;
        _body = GCHandle.Alloc(body, GCHandleType.Weak);
    }

    /// <summary>Frees the handle: no store has this function any more.</summary>
    ~DefinedHostFunction()
    {
        if (_body.IsAllocated)
            _body.Free();
    }

    public ValType[] Parameters { get; }

    public ValType[] Results { get; }

    /// <summary>Writes where calls of a record go. Its type and context are in place, and its store has this function in its table at the record's index.</summary>
    public void Bind(FunctionReference* record, SignatureStubs stubs)
    {
        record->Code = _entry == 0 ? stubs.HostExit : Machine.Current.HostExitTo(stubs, _entry);
        record->Opaque = _entry == 0 ? 0 : GCHandle.ToIntPtr(_body);
    }

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

// A function of the host in the shape in which guests call it: its types, and a body that takes its arguments from raw slots
// and leaves its results there. One subclass for each arity and shape of delegate is generated (TypedHostFunctions.g.cs), so that
// calling needs neither reflection nor boxing and works under NativeAOT. Exceptions pass through to the code that called the guest.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Execution;

namespace Tarn.Stores;

internal abstract unsafe class DefinedHostFunction : HostFunction
{
    private readonly nint _entry;
    private readonly GCHandle _body;
    // The exit of the record bound last: instances of one module ask for the same one each time.
    private BoundExit? _exit;

    /// <param name="parameters">Their types.</param>
    /// <param name="results">Their types.</param>
    /// <param name="entry">What direct host calls have for the delegate's type, or 0.</param>
    /// <param name="body">The delegate, which the subclass keeps alive; needed if there is an entry.</param>
    protected DefinedHostFunction(ValType[] parameters, ValType[] results, nint entry = 0, Delegate? body = null)
    {
        Parameters = parameters;
        Results = results;
        if (entry == 0)
        {
#pragma warning disable CA1816 // There is no handle to free.
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
            return;
        }
        _entry = entry;
        _body = GCHandle.Alloc(body, GCHandleType.Weak);
    }

    /// <summary>Frees the handle: no store has this function any longer.</summary>
    ~DefinedHostFunction()
    {
        if (_body.IsAllocated)
            _body.Free();
    }

    public ValType[] Parameters { get; }

    public ValType[] Results { get; }

    /// <summary>The same function with other result types, of the same kinds; <see langword="null"/> where it does not check what it returns.</summary>
    public virtual DefinedHostFunction? WithResults(ValType[] results) => null;

    /// <summary>Writes where calls of a record go. Its type and context are in place, and its store has this function in its table at the record's index.</summary>
    public void Bind(FunctionReference* record, SignatureStubs stubs, Machine machine)
    {
        if (_entry == 0)
        {
            record->Code = stubs.HostExit;
            record->Opaque = 0;
            return;
        }
        BoundExit? exit = Volatile.Read(ref _exit);
        if (exit is null || !ReferenceEquals(exit.Stubs, stubs))
            Volatile.Write(ref _exit, exit = new BoundExit(stubs, machine.HostExitTo(stubs, _entry)));
        record->Code = exit.Address;
        record->Opaque = GCHandle.ToIntPtr(_body);
    }

    /// <summary>What every call begins with: a guest that was asked to stop gets no further than here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static StoreCore Begin(GuestExecution execution)
    {
        // Stores, and nothing else, call functions of this kind.
        StoreCore store = Unsafe.As<StoreExecution>(execution).Store;
        store.ThrowIfInterrupted();
        return store;
    }

    private sealed class BoundExit(SignatureStubs stubs, nint address)
    {
        public SignatureStubs Stubs => stubs;

        public nint Address => address;
    }
}

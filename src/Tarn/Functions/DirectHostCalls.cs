// Host functions that guest code calls with arguments in registers. A delegate of one of the commonest types has an entry of its own
// (DirectHostCalls.g.cs), which the signature's direct exit stub (DirectExitStubs) calls on the thread's stack: no array of values, no
// table of functions and no virtual call are between guest and delegate. All others take the general way, GuestExecution.HostCall.
//
// What makes it safe:
//  - Types. An entry is found by the delegate's exact type arguments when the function is defined, and stands in no record but those that
//    DefinedHostFunction.Bind writes, together with the handle of that delegate. So what the handle leads to is of the type that the entry takes it for. The
//    linker has compared the delegate's types with the import's, and the stub is made for the import's signature.
//  - Lifetime. The handle is weak, else a delegate that leads to its linker would keep both for ever. The delegate lives as long as its
//    DefinedHostFunction, and that one is in GuestExecution.HostFunctions of whatever store has a record with the handle in it; the store is
//    reachable while its guest runs.
//  - Exceptions. None may leave an entry, since nothing can unwind the stub below: all of the body is inside of its try block. Fail keeps the exception
//    and sets the record's exit code, by which the stub knows that the guest has to be left; the code that entered the guest throws it again.
//  - Stopping. The stub asks ExecutionRecord.StopRequested first and takes the general way when it is set, which finds out whether the request still stands.
//  - Suspension. No entry can be pending: asynchronous host functions have none.
//  - Collection. An entry is UnmanagedCallersOnly, so the transition to managed code and back is the runtime's own.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Execution;

namespace Tarn.Functions;

internal static unsafe partial class DirectHostCalls
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TDelegate Body<TDelegate>(FunctionReference* function)
        where TDelegate : Delegate =>
        Unsafe.As<TDelegate>(GCHandle.FromIntPtr(function->Opaque).Target!);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Caller CallerOf(FunctionReference* function)
    {
        VmContext* context = function->VmContext;
        // Stores, and nothing else, call functions of this kind.
        StoreCore store = Unsafe.As<StoreExecution>(GuestExecution.Of(context->Execution)).Store;
        return Caller.Of(store, context);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(FunctionReference* function, Exception thrown) => GuestExecution.Fail(function->VmContext->Execution, thrown);
}

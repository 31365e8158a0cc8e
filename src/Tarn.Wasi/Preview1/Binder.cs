// Binds the functions of preview 1 to a linker. What stands here once holds for all of them: which context a call belongs to, that an exception of a
// stream, a file system or the system becomes an error number, and that only three things pass through as exceptions, because they end the guest:
// its own exit, a trap (an interruption), and the cancellation of the call.
//
// Functions that may have to wait are asynchronous host functions: while one is pending the guest is suspended and no thread waits.
namespace Tarn.Wasi.Preview1;

internal sealed class Binder(Linker linker, string module, WasiContext? context, bool isUnstable = false)
{
    /// <summary>Whether what is bound is the snapshot before preview 1.</summary>
    public bool IsUnstable => isUnstable;

    public delegate WasiErrno Body(in WasiCall call);

    public delegate WasiErrno Body<T1>(in WasiCall call, T1 a1);

    public delegate WasiErrno Body<T1, T2>(in WasiCall call, T1 a1, T2 a2);

    public delegate WasiErrno Body<T1, T2, T3>(in WasiCall call, T1 a1, T2 a2, T3 a3);

    public delegate WasiErrno Body<T1, T2, T3, T4>(in WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4);

    public delegate WasiErrno Body<T1, T2, T3, T4, T5>(in WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5);

    public delegate WasiErrno Body<T1, T2, T3, T4, T5, T6>(in WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6);

    public delegate WasiErrno Body<T1, T2, T3, T4, T5, T6, T7>(in WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7);

    public delegate WasiErrno Body<T1, T2, T3, T4, T5, T6, T7, T8, T9>(in WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9);

    public delegate ValueTask<WasiErrno> BlockingBody<T1>(WasiCall call, T1 a1);

    public delegate ValueTask<WasiErrno> BlockingBody<T1, T2, T3>(WasiCall call, T1 a1, T2 a2, T3 a3);

    public delegate ValueTask<WasiErrno> BlockingBody<T1, T2, T3, T4>(WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4);

    public delegate ValueTask<WasiErrno> BlockingBody<T1, T2, T3, T4, T5>(WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5);

    public delegate ValueTask<WasiErrno> BlockingBody<T1, T2, T3, T4, T5, T6>(WasiCall call, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6);

    public void Define(string name, Body body) => linker.DefineFunction(module, name, (Caller caller) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1>(string name, Body<T1> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2>(string name, Body<T1, T2> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2, T3>(string name, Body<T1, T2, T3> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2, a3);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2, T3, T4>(string name, Body<T1, T2, T3, T4> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2, a3, a4);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2, T3, T4, T5>(string name, Body<T1, T2, T3, T4, T5> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2, a3, a4, a5);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2, T3, T4, T5, T6>(string name, Body<T1, T2, T3, T4, T5, T6> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2, a3, a4, a5, a6);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2, T3, T4, T5, T6, T7>(string name, Body<T1, T2, T3, T4, T5, T6, T7> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2, a3, a4, a5, a6, a7);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void Define<T1, T2, T3, T4, T5, T6, T7, T8, T9>(string name, Body<T1, T2, T3, T4, T5, T6, T7, T8, T9> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return (int)body(in call, a1, a2, a3, a4, a5, a6, a7, a8, a9);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    });

    public void DefineBlocking<T1>(string name, BlockingBody<T1> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return Answer(body(call, a1), call.CancellationToken);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return ValueTask.FromResult((int)ExceptionErrno.From(e));
        }
    });

    public void DefineBlocking<T1, T2, T3>(string name, BlockingBody<T1, T2, T3> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return Answer(body(call, a1, a2, a3), call.CancellationToken);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return ValueTask.FromResult((int)ExceptionErrno.From(e));
        }
    });

    public void DefineBlocking<T1, T2, T3, T4>(string name, BlockingBody<T1, T2, T3, T4> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return Answer(body(call, a1, a2, a3, a4), call.CancellationToken);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return ValueTask.FromResult((int)ExceptionErrno.From(e));
        }
    });

    public void DefineBlocking<T1, T2, T3, T4, T5>(string name, BlockingBody<T1, T2, T3, T4, T5> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return Answer(body(call, a1, a2, a3, a4, a5), call.CancellationToken);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return ValueTask.FromResult((int)ExceptionErrno.From(e));
        }
    });

    public void DefineBlocking<T1, T2, T3, T4, T5, T6>(string name, BlockingBody<T1, T2, T3, T4, T5, T6> body) => linker.DefineFunction(module, name, (Caller caller, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) =>
    {
        WasiCall call = CallOf(caller);
        try
        {
            return Answer(body(call, a1, a2, a3, a4, a5, a6), call.CancellationToken);
        }
        catch (Exception e) when (!EndsGuest(e, call.CancellationToken))
        {
            return ValueTask.FromResult((int)ExceptionErrno.From(e));
        }
    });

    private static bool EndsGuest(Exception e, CancellationToken cancellationToken) =>
        e is WasiExitException or TrapException || (e is OperationCanceledException && cancellationToken.IsCancellationRequested);

    // What is done already costs nothing more: files, and streams that need no waiting for.
    private static ValueTask<int> Answer(ValueTask<WasiErrno> task, CancellationToken cancellationToken) =>
        task.IsCompletedSuccessfully ? ValueTask.FromResult((int)task.Result) : AnswerLater(task, cancellationToken);

    private static async ValueTask<int> AnswerLater(ValueTask<WasiErrno> task, CancellationToken cancellationToken)
    {
        try
        {
            return (int)await task;
        }
        catch (Exception e) when (!EndsGuest(e, cancellationToken))
        {
            return (int)ExceptionErrno.From(e);
        }
    }

    private WasiCall CallOf(Caller caller) => new(context ?? caller.GetState<IWasiState>().Wasi, caller, isUnstable);
}

// Who may touch a guest's memory and descriptors after something was awaited. A call that is stopped (cancelled, its time over) ends for its caller at once, whatever its host
// function still waits for: what that brings comes late, on another thread, while the instance is at something else or is gone and its memory another's.
//
//   - After every await, a host function takes the turn before it touches anything of the guest's, and keeps it until it has touched the last of it. Nothing is awaited in a turn.
//   - It gets none once the call's token is cancelled.
//   - Whoever cancels waits for a turn that is being taken: Watch registers that on the token, later than the runtime's own registration for the call. Registrations are called
//     latest first, so the runtime hears of the cancellation, and ends the call, when nobody has the turn and nobody will get it.
namespace Tarn.Wasi.Preview1;

internal readonly struct GuestTurn : IDisposable
{
    private readonly Lock _lock;

    private GuestTurn(Lock turns) => _lock = turns;

    /// <summary>Takes the turn.</summary>
    /// <exception cref="OperationCanceledException">The call has been stopped.</exception>
    public static GuestTurn Take(in WasiCall call)
    {
        Lock turns = call.Context.Turns;
        turns.Enter();
        if (!call.CancellationToken.IsCancellationRequested)
            return new GuestTurn(turns);
        turns.Exit();
        throw new OperationCanceledException(call.CancellationToken);
    }

    /// <summary>To be held while something is awaited that may end after the call.</summary>
    public static CancellationTokenRegistration Watch(in WasiCall call) => call.CancellationToken.UnsafeRegister(static context => Pass(((WasiContext)context!).Turns), call.Context);

    public void Dispose() => _lock.Exit();

    private static void Pass(Lock turns)
    {
        turns.Enter();
        turns.Exit();
    }
}

// Who may touch a guest's memory and descriptors after something was awaited. A call that is stopped (cancelled, its time over) ends for its caller at once, whatever its host
// function still waits for: what that brings comes late, on another thread, while the instance is at something else or is gone and its memory another's.
//
//   - After every await, a host function takes the turn before it touches anything of the guest's, and keeps it until it has touched the last of it. Nothing is awaited in a turn.
//   - It gets none once the call's token is cancelled, or once the instance has been disposed, which cancels no token: the turn is inside the instance's memory, so that an end
//     that is asked for meanwhile waits for it. While a guest of the instance runs on another thread it waits, as long as the call continues.
//   - Whoever cancels waits for a turn that is being taken: Watch registers that on the token, later than the runtime's own registration for the call. Registrations are called
//     latest first, so the runtime hears of the cancellation, and ends the call, when nobody has the turn and nobody will get it.
namespace Tarn.Wasi.Preview1;

internal readonly ref struct GuestTurn
{
    private readonly Lock _lock;
    private readonly MemoryAccess _inside;

    private GuestTurn(Lock turns, MemoryAccess inside)
    {
        _lock = turns;
        _inside = inside;
    }

    /// <summary>Takes the turn.</summary>
    /// <exception cref="OperationCanceledException">The call has been stopped.</exception>
    public static GuestTurn Take(in WasiCall call)
    {
        // The instance first: whoever cancels a token may be inside of it and waits for the turn.
        MemoryAccess inside = call.EnterMemory();
        Lock turns = call.Context.Turns;
        turns.Enter();
        if (!call.CancellationToken.IsCancellationRequested)
            return new GuestTurn(turns, inside);
        turns.Exit();
        inside.Dispose();
        throw new OperationCanceledException(call.CancellationToken);
    }

    /// <summary>To be held while something is awaited that may end after the call.</summary>
    public static CancellationTokenRegistration Watch(in WasiCall call) => call.CancellationToken.UnsafeRegister(static context => Pass(((WasiContext)context!).Turns), call.Context);

    public void Dispose()
    {
        _lock.Exit();
        _inside.Dispose();
    }

    private static void Pass(Lock turns)
    {
        turns.Enter();
        turns.Exit();
    }
}

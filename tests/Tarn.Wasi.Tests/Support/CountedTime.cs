// The system's clock, whose waits can be followed: a test that wants to act while a guest waits awaits that one wait has ended in vain and another has begun.
namespace Tarn.Wasi.Tests.Support;

internal sealed class CountedTime : TimeProvider, IDisposable
{
    private readonly SemaphoreSlim _waits = new(0);
    private int _fired;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(
            given =>
            {
                Volatile.Write(ref _fired, 1);
                callback(given);
            },
            state,
            dueTime,
            period);
        if (Interlocked.Exchange(ref _fired, 0) != 0)
            _waits.Release();
        return timer;
    }

    /// <summary>Until a timer has fired and another has been made, both from now on, and that again: a timer may fire a little early, and the same wait then makes another.</summary>
    public async Task WaitedInVainAsync()
    {
        Volatile.Write(ref _fired, 0);
        while (_waits.Wait(0))
        {
        }
        for (int i = 0; i < 2; i++)
            Assert.True(await _waits.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    public void Dispose() => _waits.Dispose();
}

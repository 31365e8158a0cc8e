// The system's clock, whose timers can be waited for: a test that wants to act while a guest waits awaits that it does.
namespace Tarn.Wasi.Tests.Support;

internal sealed class CountedTime : TimeProvider, IDisposable
{
    private readonly SemaphoreSlim _timers = new(0);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(callback, state, dueTime, period);
        _timers.Release();
        return timer;
    }

    /// <summary>Until so many timers have been made from now on.</summary>
    public async Task TimersAsync(int count)
    {
        while (_timers.Wait(0))
        {
        }
        for (int i = 0; i < count; i++)
            Assert.True(await _timers.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    public void Dispose() => _timers.Dispose();
}

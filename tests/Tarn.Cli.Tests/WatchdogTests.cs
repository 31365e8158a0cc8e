// When the clock of `tarn run --timeout` begins and ends, without a process of its own.
using Tarn.Cli.Running;
using Tarn.Cli.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>The time limit is the guest's alone.</summary>
public sealed class WatchdogTests
{
    [Fact]
    public void Time_runs_from_when_the_guest_is_entered()
    {
        var time = new SteppedTime();
        // With a long grace: what comes after it would end the process, which here is the test's.
        using var watchdog = new Watchdog(TimeSpan.FromMilliseconds(50), grace: TimeSpan.FromHours(1), time);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((0, false), (watchdog.Status, watchdog.Token.IsCancellationRequested));
        watchdog.EnterGuest();
        time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.False(watchdog.Token.IsCancellationRequested);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(watchdog.Token.IsCancellationRequested);
        Assert.Equal(124, watchdog.Status);
        Assert.Equal("its 0.05 s (--timeout) were over", watchdog.Reason);
    }

    [Fact]
    public void A_guest_that_has_ended_is_not_late()
    {
        var time = new SteppedTime();
        using var watchdog = new Watchdog(TimeSpan.FromMilliseconds(500), grace: TimeSpan.FromHours(1), time);
        watchdog.EnterGuest();
        watchdog.LeaveGuest();
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(watchdog.Token.IsCancellationRequested);
    }
}

// When the clock of `tarn run --timeout` begins and ends, without a process of its own.
using Tarn.Cli.Running;

namespace Tarn.Cli.Tests;

/// <summary>The time limit is the guest's alone.</summary>
public sealed class WatchdogTests
{
    [Fact]
    public void Time_runs_from_when_the_guest_is_entered()
    {
        // With a long grace: what comes after it would end the process, which here is the test's.
        using var watchdog = new Watchdog(TimeSpan.FromMilliseconds(50), grace: TimeSpan.FromHours(1));
        Assert.False(watchdog.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(0, watchdog.Status);
        watchdog.EnterGuest();
        Assert.True(watchdog.Token.WaitHandle.WaitOne(TimeSpan.FromMinutes(1)));
        Assert.Equal(124, watchdog.Status);
        Assert.Equal("its 0.05 s (--timeout) were over", watchdog.Reason);
    }

    [Fact]
    public void A_guest_that_has_ended_is_not_late()
    {
        using var watchdog = new Watchdog(TimeSpan.FromMilliseconds(500), grace: TimeSpan.FromHours(1));
        watchdog.EnterGuest();
        watchdog.LeaveGuest();
        Assert.False(watchdog.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(800)));
    }
}

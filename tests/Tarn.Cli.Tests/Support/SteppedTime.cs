// A clock that goes on only when a test says so, and rings the timers that are due then.
namespace Tarn.Cli.Tests.Support;

internal sealed class SteppedTime : TimeProvider
{
    private readonly List<SteppedTimer> _timers = [];
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SteppedTimer(this, () => callback(state), _now + dueTime.Ticks, period);
        _timers.Add(timer);
        return timer;
    }

    /// <summary>Goes on, ringing what is due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        long end = _now + by.Ticks;
        while (_timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due) is SteppedTimer next)
        {
            _now = next.Due;
            next.Ring();
        }
        _now = end;
    }

    private sealed class SteppedTimer(SteppedTime time, Action ring, long due, TimeSpan period) : ITimer
    {
        public long Due { get; private set; } = due;

        public void Ring()
        {
            if (period > TimeSpan.Zero)
                Due += period.Ticks;
            else
                time._timers.Remove(this);
            ring();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

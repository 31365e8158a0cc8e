// Stops a guest when its time is over or the user presses Ctrl-C.
//
//   - Before the guest is entered (reading, compiling, waiting for the cache) a signal ends the process at once: nothing has begun that could be lost, and
//     the time limit does not count. It begins with the guest, so that it means the same for a program that was compiled before and one that was not.
//   - A guest is asked first, so that it can be told where it was. One that is in a call of the system's, reading a terminal for example, cannot hear
//     that, and after a moment the process ends without it.
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tarn.Cli.Running;

internal sealed class Watchdog : IDisposable
{
    private static readonly TimeSpan s_defaultGrace = TimeSpan.FromMilliseconds(500);
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _source = new();
    private readonly TimeSpan? _limit;
    private readonly TimeSpan _grace;
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private readonly TimeProvider _time;
    private ITimer? _timeout;
    private ITimer? _end;
    private bool _entered;
    private bool _left;
    private int _status;

    /// <summary>Begins to listen for signals.</summary>
    /// <param name="limit">How long the guest may take, from when it is entered.</param>
    /// <param name="grace">How long it may take to end after it has been asked to; half a second unless given.</param>
    /// <param name="time">Whose clock that is; the system's unless given.</param>
    public Watchdog(TimeSpan? limit, TimeSpan? grace = null, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _limit = limit;
        _grace = grace ?? s_defaultGrace;
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, ExitStatus.Interrupted));
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, ExitStatus.Terminated));
    }

    /// <summary>Cancelled when the guest must stop.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Why, as an exit status; 0 while nothing has asked for it.</summary>
    public int Status => Volatile.Read(ref _status);

    /// <summary>The reason in words.</summary>
    public string Reason => Status switch
    {
        ExitStatus.TimedOut => string.Create(CultureInfo.InvariantCulture, $"its {_limit?.TotalSeconds:0.###} s (--timeout) were over"),
        ExitStatus.Interrupted => "interrupted",
        _ => "terminated",
    };

    /// <summary>The guest is entered now: its time runs, and from here on it is asked before it is ended.</summary>
    public void EnterGuest()
    {
        lock (_lock)
        {
            _entered = true;
            if (_limit is TimeSpan limit)
                _timeout ??= _time.CreateTimer(_ => Stop(ExitStatus.TimedOut), null, limit, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The guest has ended, by itself or because it was asked to: the process need not be ended for it.</summary>
    public void LeaveGuest()
    {
        lock (_lock)
        {
            _left = true;
            _timeout?.Dispose();
            _end?.Dispose();
        }
    }

    public void Dispose()
    {
        LeaveGuest();
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int status)
    {
        context.Cancel = true;
        lock (_lock)
        {
            if (!_entered)
            {
                Console.Error.WriteLine($"tarn: {(status == ExitStatus.Interrupted ? "interrupted" : "terminated")} before the guest was started");
                Environment.Exit(status);
            }
        }
        if (Status == 0)
            Stop(status);
        else
            Environment.Exit(status); // who presses twice means it
    }

    private void Stop(int status)
    {
        if (Interlocked.CompareExchange(ref _status, status, 0) != 0)
            return;
        lock (_lock)
        {
            if (_left)
                return;
            _end = _time.CreateTimer(_ => End(), null, _grace, Timeout.InfiniteTimeSpan);
        }
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself at this very moment.
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (_left)
                return;
            Console.Error.WriteLine($"tarn: the guest was ended in a call that cannot be interrupted, such as reading its input: {Reason}");
        }
        Environment.Exit(Status);
    }
}

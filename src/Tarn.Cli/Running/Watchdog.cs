// Stops a guest when its time is over or the user presses Ctrl-C. The guest is asked first, so that it can be told where it was; one that is stuck in a
// system call of the host's, reading a terminal for example, cannot hear that, and after a moment the process ends without it.
using System.Runtime.InteropServices;

namespace Tarn.Cli.Running;

internal sealed class Watchdog : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(500);
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private readonly Timer? _timeout;
    private Timer? _end;
    private int _status;

    public Watchdog(TimeSpan? timeout)
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, ExitStatus.Interrupted));
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, ExitStatus.Terminated));
        if (timeout is TimeSpan limit)
            _timeout = new Timer(_ => Stop(ExitStatus.TimedOut), null, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the guest shall stop.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Why, as an exit status; 0 while nobody asked for it.</summary>
    public int Status => Volatile.Read(ref _status);

    /// <summary>The reason in words.</summary>
    public static string Reason(int status) => status switch
    {
        ExitStatus.TimedOut => "its time was over",
        ExitStatus.Interrupted => "interrupted",
        _ => "terminated",
    };

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _timeout?.Dispose();
        _end?.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int status)
    {
        context.Cancel = true;
        if (Status == 0)
            Stop(status);
        else
            Environment.Exit(status); // who presses twice means it
    }

    private void Stop(int status)
    {
        if (Interlocked.CompareExchange(ref _status, status, 0) != 0)
            return;
        _end = new Timer(_ => End(status), null, s_grace, Timeout.InfiniteTimeSpan);
        _source.Cancel();
    }

    private static void End(int status)
    {
        Console.Error.WriteLine($"tarn: the guest was stopped while it waited: {Reason(status)}");
        Environment.Exit(status);
    }
}

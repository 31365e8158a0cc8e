// Says what takes so long when a compilation does, and how far it is: on a terminal, after half a second, on a line that goes away again. Where standard error is no
// terminal nobody is waiting in front of it, and nothing is printed: what a guest writes there stays the guest's. One line of plain characters and not Spectre.Console's
// display, which starts by loading itself for longer than most compilations take, and leaves the cursor hidden where Ctrl-C ends the process.
using System.Globalization;

namespace Tarn.Cli.Running;

internal sealed class ProgressLine : IProgress<CompilationProgress>, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(250);
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TextWriter _output;
    private readonly string _what;
    private readonly ITimer? _timer;
    private int _width;
    private bool _disposed;

    // Below 0 until the module is validated.
    private double _share = -1;

    /// <summary>Begins to watch.</summary>
    /// <param name="name">What is compiled.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="output">Where the line goes.</param>
    /// <param name="isTerminal">Whether a person can see it.</param>
    /// <param name="time">Whose clock is looked at; the system's unless given.</param>
    public ProgressLine(string name, long size, TextWriter output, bool isTerminal, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        _output = output;
        _what = $"compiling {name} ({ByteSize.Format(size)})";
        // A timer costs a thread: small modules are done before anyone could see anything.
        if (isTerminal && size >= CompilationCache.SmallestModule)
            _timer = _time.CreateTimer(_ => Show(), null, s_patience, s_pace);
    }

    public void Report(CompilationProgress value) => Volatile.Write(ref _share, value.Fraction);

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            if (_width > 0)
                _output.Write("\r" + new string(' ', _width) + "\r");
        }
        _timer?.Dispose();
    }

    /// <summary>The line, as it stands at a time and a share.</summary>
    internal static string Line(string what, TimeSpan elapsed, double? share)
    {
        const int Width = 20;
        int full = (int)((share ?? 0) * Width);
        string bar = share is double part
            ? string.Create(CultureInfo.InvariantCulture, $"[{new string('#', full)}{new string('.', Width - full)}] {part * 100:0} %")
            : "validating";
        return string.Create(CultureInfo.InvariantCulture, $"tarn: {what} {bar}, {elapsed.TotalSeconds:0.0} s");
    }

    private void Show()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            double share = Volatile.Read(ref _share);
            string line = Line(_what, _time.GetElapsedTime(_start), share < 0 ? null : share);
            _width = Math.Max(_width, line.Length);
            _output.Write("\r" + line.PadRight(_width));
        }
    }
}

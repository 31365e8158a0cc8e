// Says what takes so long when a compilation does: on a terminal, after half a second, on a line that goes away again. Where standard error is no terminal
// nobody is waiting in front of it, and nothing is printed.
using System.Diagnostics;
using System.Globalization;

namespace Tarn.Cli.Running;

internal sealed class CompilationProgress : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(250);
    private readonly Lock _lock = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly TextWriter _output;
    private readonly string _what;
    private readonly Timer? _timer;
    private int _width;
    private bool _disposed;

    public CompilationProgress(string name, long size, TextWriter output, bool isTerminal)
    {
        _output = output;
        _what = $"compiling {name} ({ByteSize.Format(size)})";
        // A timer costs a thread: small modules are done before anyone could see anything.
        if (isTerminal && size >= CompilationCache.SmallestModule)
            _timer = new Timer(_ => Show(), null, s_patience, s_pace);
    }

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

    private void Show()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            string line = string.Create(CultureInfo.InvariantCulture, $"tarn: {_what} … {Stopwatch.GetElapsedTime(_start).TotalSeconds:0.0} s");
            _width = Math.Max(_width, line.Length);
            _output.Write("\r" + line);
        }
    }
}

// What somebody in front of a terminal sees of a compilation that takes long, and that nobody else sees anything.
using System.Globalization;
using Tarn.Cli.Running;
using Tarn.Cli.Tests.Support;

namespace Tarn.Cli.Tests;

/// <summary>Progress is shown after half a second, says how far it is, and goes away.</summary>
public sealed class CompilationProgressTests
{
    [Fact]
    public void A_long_compilation_is_shown_and_cleared_away()
    {
        using var output = new SharedText();
        var time = new SteppedTime();
        using (var line = new ProgressLine("app.wasm", 20_000_000, output, isTerminal: true, time))
        {
            time.Advance(TimeSpan.FromMilliseconds(499));
            Assert.Equal("", output.ToString());
            time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Contains("compiling app.wasm (20 MB) validating, 0.5 s", output.ToString(), StringComparison.Ordinal);
            line.Report(new CompilationProgress(50, 200));
            time.Advance(TimeSpan.FromMilliseconds(250));
            Assert.Contains("compiling app.wasm (20 MB) [#####...............] 25 %", output.ToString(), StringComparison.Ordinal);
        }
        string all = output.ToString();
        Assert.EndsWith("\r", all, StringComparison.Ordinal);
        Assert.Equal("", all.Split('\r')[^2].Trim());
        Assert.DoesNotContain('\n', all);
    }

    [Theory]
    [InlineData(20_000_000, false)]
    [InlineData(1000, true)]
    public void Nobody_looks_or_nothing_takes_long(long size, bool isTerminal)
    {
        using var output = new SharedText();
        var time = new SteppedTime();
        using (new ProgressLine("app.wasm", size, output, isTerminal, time))
            time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("", output.ToString());
    }

    // Written to by a timer's thread, read by the test's.
    private sealed class SharedText() : StringWriter(CultureInfo.InvariantCulture)
    {
        private readonly Lock _lock = new();

        public override void Write(string? value)
        {
            lock (_lock)
                base.Write(value);
        }

        public override string ToString()
        {
            lock (_lock)
                return base.ToString();
        }
    }
}

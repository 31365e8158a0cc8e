// Names of functions in the file that perf reads, which has a function in each line.
namespace Tarn.Cli.Tests.Symbols;

/// <summary>A guest's names stay on their lines.</summary>
public sealed class PerfMapTests
{
    [Fact]
    public void A_name_with_line_ends_begins_no_line()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, WritePerfMap = true });
        using Module module = Module.FromText(engine, "(module (func $\"odd\\n7f0000000000 1000 wasm!forged\\u{2028}\\u{85}\\r\" (export \"f\") nop))");
        string[] lines = [.. File.ReadAllLines($"/tmp/perf-{Environment.ProcessId}.map").Where(line => line.Contains("forged", StringComparison.Ordinal))];
        Assert.Matches("^[0-9a-f]+ [0-9a-f]+ wasm!odd\\\\u\\{a\\}7f0000000000 1000 wasm!forged\\\\u\\{2028\\}\\\\u\\{85\\}\\\\u\\{d\\}$", Assert.Single(lines));
    }
}

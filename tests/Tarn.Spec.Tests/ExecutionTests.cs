// Every specification script under each configuration that changes code or allocation, held against a table that is checked in: how many directives
// of a file hold, how many do not, and why the first of those does not. A file that gets worse or better changes the table, which a person then
// looks at (TARN_BLESS=1 writes it).
using System.Text;
using Tarn.Script;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Script;

namespace Tarn.Spec.Tests;

public sealed class ExecutionTests
{
    // Scripts that assert what 3.0 gave up: the instructions of the first exception proposal.
    private const string Legacy = "legacy/";

    public static TheoryData<string> Configurations => ["guarded", "checked", "guarded-lazy", "checked-lazy", "guarded-pooled", "checked-pooled"];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Scripts_hold_as_the_table_says(string configuration)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        var table = new StringBuilder("# passed failed file: why the first failure\n");
        int passed = 0;
        int failed = 0;
        foreach (string script in SpecificationSuite.Scripts())
        {
            if (script.StartsWith(Legacy, StringComparison.Ordinal))
                continue;
            bool isProposal = script.StartsWith("proposals/", StringComparison.Ordinal);
            using var engine = new Engine(Options(configuration) with { Features = isProposal ? WasmFeatures.All : WasmFeatures.Wasm3 });
            ScriptOutcome outcome = ScriptRunner.Run(engine, ScriptParser.Parse(File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, script)), script));
            passed += outcome.Passed;
            failed += outcome.Failures.Count;
            table.Append($"{outcome.Passed,6} {outcome.Failures.Count,5} {script}");
            if (outcome.Failures.Count > 0)
                table.Append($": line {outcome.Failures[0].Line}, {outcome.Failures[0].Problem}");
            table.Append('\n');
        }
        table.Append($"{passed,6} {failed,5} in all\n");
        GoldenFile.Check($"tests/Tarn.Spec.Tests/Tables/{configuration}.txt", table.ToString());
    }

    private static EngineOptions Options(string configuration)
    {
        var options = new EngineOptions
        {
            // Several threads would race for which function's error is the first.
            CompilationThreads = 1,
            MemoryStrategy = configuration.StartsWith("checked", StringComparison.Ordinal) ? MemoryStrategy.Checked : MemoryStrategy.Guarded,
            Compilation = configuration.EndsWith("lazy", StringComparison.Ordinal) ? CompilationMode.Lazy : CompilationMode.Eager,
        };
        if (!configuration.EndsWith("pooled", StringComparison.Ordinal))
            return options;
        // Scripts keep all their instances, and some ask for large memories and tables.
        var limits = new InstanceLimits { Count = 1000, Size = 64 << 10, Memories = 10, MemoryPages = 65536, Tables = 20, TableElements = 100_000 };
        return options with { Allocation = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = limits, TotalMemories = 1000, TotalTables = 1500 } };
    }
}

// Every specification script under each configuration that changes code or allocation, held against its checked-in table (see ScriptTable).
using Tarn.Assembler.X64;
using Tarn.Compiler.Targets.X64;
using Tarn.Execution.X64;
using Tarn.TestSupport;
using Tarn.Wast;

namespace Tarn.Spec.Tests;

public sealed class ExecutionTests
{
    public static TheoryData<string> Configurations => ["guarded", "checked", "guarded-lazy", "checked-lazy", "guarded-pooled", "checked-pooled", "guarded-avx2", "guarded-sse4", "guarded-deterministic", "guarded-moving",
        "portable", "portable-lazy", "portable-pooled", "portable-deterministic", "portable-moving"];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Scripts_hold_as_the_table_says(string configuration)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        ScriptTable.Check(configuration, script => new ScriptHost(new Engine(Options(configuration) with { Features = script.Features }), ownsEngine: true));
    }

    private static EngineOptions Options(string configuration)
    {
        var options = new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.OnDemand,
            // Several threads would race for which function's error is the first.
            CompilationThreads = 1,
            Execution = configuration.StartsWith("portable", StringComparison.Ordinal) ? ExecutionMode.Portable : ExecutionMode.MachineCode,
            MemoryStrategy = configuration.StartsWith("guarded", StringComparison.Ordinal) ? MemoryStrategy.Guarded : MemoryStrategy.Checked,
            CompilationMode = configuration.EndsWith("lazy", StringComparison.Ordinal) ? CompilationMode.Lazy : CompilationMode.Eager,
            // Every allocation moves all objects, and verifies the heap before and after.
            HeapStress = configuration.EndsWith("moving", StringComparison.Ordinal) ? HeapStress.Verify : HeapStress.None,
            Deterministic = configuration.EndsWith("deterministic", StringComparison.Ordinal),
            CodeTarget = configuration.EndsWith("avx2", StringComparison.Ordinal) ? new X64Target(Processor.Features & ~CpuFeatures.AnyAvx512)
                : configuration.EndsWith("sse4", StringComparison.Ordinal) ? new X64Target(CpuFeatures.None)
                : null,
        };
        if (!configuration.EndsWith("pooled", StringComparison.Ordinal))
            return options;
        // Scripts keep all their instances, and some ask for large memories and tables.
        var limits = new InstanceLimits { Count = 1000, Size = 64 << 10, Memories = 10, MemoryPages = 65536, Tables = 20, TableElements = 100_000 };
        return options with { AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = limits, TotalMemories = 1000, TotalTables = 1500 } };
    }
}

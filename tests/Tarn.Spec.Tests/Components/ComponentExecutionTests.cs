// The component model's scripts, executed: on demand and from a pool.
using Tarn.TestSupport;

namespace Tarn.Spec.Tests.Components;

public sealed class ComponentExecutionTests
{
    [Theory]
    [InlineData("components", false)]
    [InlineData("components-pooled", true)]
    public void Scripts_hold_as_the_table_says(string table, bool pooled)
    {
        Assert.SkipWhen(ComponentSuite.Skipped, ComponentSuite.Absence);
        ComponentScriptTable.Check(table, ComponentSuite.Scripts("reference"), script => new ComponentScriptHost(new Engine(Options(script.Features, pooled))));
    }

    private static EngineOptions Options(WasmFeatures features, bool pooled)
    {
        var options = new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationThreads = 1, Features = features };
        if (!pooled)
            return options;
        var limits = new InstanceLimits { Count = 500, Size = 64 << 10, Memories = 20, MemoryPages = 160, Tables = 20, TableElements = 10_000 };
        return options with { AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = limits, TotalMemories = 500, TotalTables = 500 } };
    }
}

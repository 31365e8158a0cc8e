// Engines, modules, stores and instances that nobody disposes: the collector gives back what they took, in whatever order it finalises them, and an engine whose address space is not
// there collects before it gives up. While anything that can run is reachable, nothing of it goes.
using System.Runtime.CompilerServices;
using MachineLayer = Tarn.Execution.Machine;

namespace Tarn.Runtime.Tests.Pooling;

[Collection(ProcessWideCollection.Name)]
public sealed class ForgottenEngineTests
{
    private const string Text = """
        (module (import "e" "host" (func $host (param i32) (result i32)))
          (memory (export "m") 1) (table (export "t") 4 funcref) (elem (i32.const 0) $f)
          (global $g (mut externref) (ref.null extern))
          (func $f (export "f") (param i32) (result i32) (i32.store (i32.const 8) (local.get 0)) (call $host (i32.load (i32.const 8)))))
        """;

    // 4.3 TB each: some thirty would fill the address space.
    [Fact]
    public void Thousands_of_default_engines_can_be_made_and_forgotten()
    {
        for (int i = 0; i < 2000; i++)
            MakeAndForget(new EngineOptions());
    }

    [Theory]
    [InlineData(AllocationStrategy.Pooling, MemoryStrategy.Guarded)]
    [InlineData(AllocationStrategy.Pooling, MemoryStrategy.Checked)]
    [InlineData(AllocationStrategy.OnDemand, MemoryStrategy.Guarded)]
    [InlineData(AllocationStrategy.OnDemand, MemoryStrategy.Checked)]
    public void What_forgotten_engines_took_comes_back(AllocationStrategy allocation, MemoryStrategy memory)
    {
        EngineOptions[] all = [.. from mode in Enum.GetValues<CompilationMode>()
            from reset in allocation == AllocationStrategy.Pooling ? Enum.GetValues<ResetStrategy>() : [ResetStrategy.Default]
            where reset != ResetStrategy.PageMapScan || Platform.VirtualMemory.Current.CanFindResident
            select new EngineOptions
            {
                AllocationStrategy = allocation,
                MemoryStrategy = memory,
                CompilationMode = mode,
                Pooling = new PoolingOptions { ResetStrategy = reset, Limits = InstanceLimits.Default with { Count = 4 } },
            }];
        foreach (EngineOptions options in all)
            Live(options, new Random(1));
        Collect();
        int mappings = CountMappings();
        long code = MachineLayer.Current.Arena.CodeBytesInUse;
        int signatures = MachineLayer.Current.SignatureCount;
        for (int i = 0; i < 60; i++)
            Live(all[i % all.Length], new Random(i));
        Collect();
        Assert.InRange(CountMappings(), 0, mappings + 20);
        Assert.InRange(MachineLayer.Current.Arena.CodeBytesInUse, 0, code + (64 << 10));
        Assert.InRange(MachineLayer.Current.SignatureCount, 0, signatures);
    }

    [Fact]
    public void What_is_reachable_goes_on_working_when_everything_else_was_forgotten()
    {
        // Also while a guest runs: the host function collects.
        TypedFunction<int, int> pooled = Keep(new EngineOptions { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 2 } } });
        TypedFunction<int, int> lazy = Keep(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationMode = CompilationMode.Lazy });
        for (int i = 0; i < 5; i++)
        {
            Collect();
            Assert.Equal(i + 1, pooled.Invoke(i));
            Assert.Equal(i + 1, lazy.Invoke(i));
        }
    }

    // More than the signal handler's table has entries: the others reset in another way, and are as right.
    [Fact]
    public void Engines_beyond_the_signal_handlers_table_reset_in_another_way()
    {
        var engines = new List<Engine>();
        try
        {
            for (int i = 0; i < Platform.FaultRangeTable.Capacity + 10; i++)
            {
                engines.Add(new Engine(new EngineOptions
                {
                    MemoryStrategy = MemoryStrategy.Checked,
                    Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1, MemoryPages = 2 }, ResetStrategy = i % 2 == 0 ? ResetStrategy.Learned : ResetStrategy.Default },
                }));
            }
            ResetStrategy[] strategies = [.. engines.Select(e => ((Tarn.Pooling.PooledAllocator)e.Allocator).Strategy)];
            Assert.Equal(ResetStrategy.Learned, strategies[0]);
            Assert.InRange(strategies.Count(s => s != ResetStrategy.Learned), 10, engines.Count - 100);
            foreach (Engine engine in (Engine[])[engines[0], engines[^2], engines[^1]])
            {
                using Module module = Module.FromText(engine, Text);
                using InstanceTemplate template = new Linker(engine).DefineFunction("e", "host", (int x) => x + 1).Prepare(module);
                for (int i = 0; i < 3; i++)
                {
                    using Instance instance = template.Instantiate();
                    Assert.Equal(0, instance.Memory.Read<int>(8));
                    Assert.Equal(6, instance.GetFunction<int, int>("f").Invoke(5));
                }
            }
        }
        finally
        {
            foreach (Engine engine in engines)
                engine.Dispose();
        }
        using Engine again = new(new EngineOptions { Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1 } } });
        Assert.Equal(ResetStrategy.Learned, ((Tarn.Pooling.PooledAllocator)again.Allocator).Strategy);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeAndForget(EngineOptions options) => GC.KeepAlive(new Engine(options));

    // Some of it is disposed and some is not, so that finalisers meet every order.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Live(EngineOptions options, Random random)
    {
        var engine = new Engine(options);
        Module module = Module.FromText(engine, Text);
        InstanceTemplate template = new Linker(engine).DefineFunction("e", "host", (int x) => x + 1).Prepare(module);
        for (int i = 0; i < 3; i++)
        {
            Instance instance = template.Instantiate();
            Assert.Equal(i + 1, instance.GetFunction<int, int>("f").Invoke(i));
            if (random.Next(2) == 0)
                instance.Dispose();
        }
        var store = new Store(engine);
        Instance stored = template.Instantiate(store);
        store.CreateMemory(new MemoryType(1, 2));
        store.CreateTable(new TableType(ValueKind.FuncRef, 3));
        store.CreateFunction(new FunctionType([ValueKind.F32, ValueKind.F32, ValueKind.F64], []), (_, _, _) => { });
        Assert.Equal(8, stored.GetFunction<int, int>("f").Invoke(7));
        // Outliving an engine is another test's subject where there are pools.
        if (options.AllocationStrategy == AllocationStrategy.OnDemand && random.Next(2) == 0)
            engine.Dispose();
        if (random.Next(2) == 0)
            store.Dispose();
        if (random.Next(2) == 0)
            template.Dispose();
        if (random.Next(2) == 0)
            module.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TypedFunction<int, int> Keep(EngineOptions options)
    {
        var engine = new Engine(options);
        Module module = Module.FromText(engine, Text);
        return new Linker(engine).DefineFunction("e", "host", (int x) =>
        {
            Collect();
            return x + 1;
        }).Prepare(module).Instantiate().GetFunction<int, int>("f");
    }

    // Compilers' storage lives as long as the process.
    [Fact]
    public void A_disposed_module_is_not_kept_by_what_compiled_it()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        WeakReference[] kept = [.. Enumerable.Range(0, 3).Select(_ => Compile(engine))];
        Collect();
        Assert.All(kept, k => Assert.False(k.IsAlive));
        GC.KeepAlive(engine);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Compile(Engine engine)
        {
            using Module module = Module.FromText(engine, Text);
            return new WeakReference(module.Wasm);
        }
    }

    private static void Collect()
    {
        for (int i = 0; i < 4; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static int CountMappings() => File.ReadLines("/proc/self/maps").Count();
}

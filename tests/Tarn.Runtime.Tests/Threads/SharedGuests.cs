// An engine, a shared memory and a module that imports it as "e" "m", for tests: each instance of its own store, so that threads can run them at the same time.
namespace Tarn.Runtime.Tests.Threads;

internal sealed class SharedGuests : IDisposable
{
    private readonly Module _module;
    private readonly InstanceTemplate _template;

    public SharedGuests(string fields, EngineOptions? options = null, MemoryType? type = null, Action<Linker>? define = null)
    {
        options ??= new EngineOptions();
        Engine = new Engine(options with { Features = options.Features | WasmFeatures.Threads });
        Memory = new SharedMemory(Engine, type ?? new MemoryType(1, 4, isShared: true));
        var linker = new Linker(Engine).Define("e", "m", Memory);
        define?.Invoke(linker);
        MemoryType declared = Memory.Type;
        string import = $"(import \"e\" \"m\" (memory {(declared.Is64 ? "i64 " : "")}{declared.Minimum} {declared.Maximum} shared))";
        _module = Module.FromText(Engine, $"(module {import} {fields})");
        _template = linker.Prepare(_module);
    }

    public static TheoryData<MemoryStrategy, AllocationStrategy> Configurations => new()
    {
        { MemoryStrategy.Guarded, AllocationStrategy.OnDemand },
        { MemoryStrategy.Checked, AllocationStrategy.OnDemand },
        { MemoryStrategy.Guarded, AllocationStrategy.Pooling },
        { MemoryStrategy.Checked, AllocationStrategy.Pooling },
    };

    public Engine Engine { get; }

    public SharedMemory Memory { get; }

    public static EngineOptions Options(MemoryStrategy memory, AllocationStrategy allocation) => new()
    {
        MemoryStrategy = memory,
        AllocationStrategy = allocation,
        Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 4, MemoryPages = 64 } },
    };

    public Instance Instantiate(StoreLimits? limits = null) => _template.Instantiate(limits: limits);

    /// <summary>Waits until so many wait on the memory's locations.</summary>
    public void AwaitWaiters(int count)
    {
        long end = Environment.TickCount64 + 20_000;
        while (Memory.Core.Waiters.Count != count)
        {
            Assert.True(Environment.TickCount64 < end, $"{Memory.Core.Waiters.Count} wait, not {count}");
            Thread.Sleep(1);
        }
    }

    /// <summary>Runs actions at the same time, a thread each, and throws what one of them throws.</summary>
    public static void Together(params Action[] actions)
    {
        using var start = new Barrier(actions.Length);
        Task[] tasks = Array.ConvertAll(actions, action => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                action();
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default));
        Task.WaitAll(tasks);
    }

    public void Dispose()
    {
        _template.Dispose();
        _module.Dispose();
        Memory.Dispose();
        Engine.Dispose();
    }
}

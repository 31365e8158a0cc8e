// What a store may take, how long its guests may run, and that neither leaves anything behind.
namespace Tarn.Runtime.Tests.Api;

[Collection(ProcessWideCollection.Name)]
public sealed class LimitsTests
{
    private const string Text = """
        (module
          (memory (export "memory") 2 10) (table (export "table") 5 50 funcref)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "size") (result i32) memory.size)
          (func (export "growTable") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
          (func (export "spin") (loop $l (br $l)))
          (func (export "one") (result i32) i32.const 1)
          (func (export "count") (param i32) (result i32) (local $n i32)
            (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get $n))
        """;

    public static TheoryData<AllocationStrategy> Allocations => [AllocationStrategy.OnDemand, AllocationStrategy.Pooling];

    [Theory]
    [MemberData(nameof(Allocations))]
    public void Maxima_hold_at_the_limit_and_one_beyond(AllocationStrategy allocation)
    {
        Assert.SkipWhen(ExecutionSwitch.IsPortable, ExecutionSwitch.Reason);
        using Fixture f = new(allocation);
        using (Instance instance = f.Template.Instantiate(limits: new StoreLimits { MaximumMemoryBytes = 4 << 16, MaximumTableElements = 7 }))
        {
            TypedFunction<int, int> grow = instance.GetFunction<int, int>("grow");
            Assert.Equal(-1, grow.Invoke(3));
            Assert.Equal(2, grow.Invoke(2));
            Assert.Equal(-1, grow.Invoke(1));
            Assert.Equal(4, grow.Invoke(0));
            Assert.False(instance.Memory.TryGrow(1, out _));
            InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => instance.Memory.Grow(1));
            Assert.Contains("limits", refused.Message, StringComparison.Ordinal);
            TypedFunction<int, int> growTable = instance.GetFunction<int, int>("growTable");
            Assert.Equal(-1, growTable.Invoke(3));
            Assert.Equal(5, growTable.Invoke(2));
            Assert.Equal(-1, growTable.Invoke(1));
        }
        Assert.Throws<InstantiationException>(() => f.Template.Instantiate(limits: new StoreLimits { MaximumMemoryBytes = (2 << 16) - 1 }));
        Assert.Throws<InstantiationException>(() => f.Template.Instantiate(limits: new StoreLimits { MaximumTableElements = 4 }));
        f.Template.Instantiate(limits: new StoreLimits { MaximumMemoryBytes = 2 << 16, MaximumTableElements = 5 }).Dispose();
        // The next instance in the slot has no limits of its store.
        using Instance free = f.Template.Instantiate();
        Assert.Equal(2, free.GetFunction<int, int>("grow").Invoke(8));
        Assert.Equal(5, free.GetFunction<int, int>("growTable").Invoke(45));
    }

    [Theory]
    [MemberData(nameof(Allocations))]
    public async Task A_start_function_pays_with_fuel_too(AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions { EnableFuel = true, AllocationStrategy = allocation });
        using Module module = Module.FromText(engine, "(module (func $f (loop $l (br $l))) (start $f))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => template.Instantiate(limits: new StoreLimits { Fuel = 10_000 })).Code);
        Assert.Equal(TrapCode.OutOfFuel, (await Assert.ThrowsAsync<TrapException>(async () => await template.InstantiateAsync(limits: new StoreLimits { Fuel = 0 }))).Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => new StoreLimits { Fuel = -1 });

        using Module quiet = Module.FromText(engine, "(module (func (export \"f\")))");
        using InstanceTemplate next = new Linker(engine).Prepare(quiet);
        using (Instance metered = next.Instantiate(limits: new StoreLimits { Fuel = 77 }))
            Assert.Equal(77, metered.Fuel);
        using Instance free = next.Instantiate();
        Assert.Equal(long.MaxValue, free.Fuel);
    }

    [Theory]
    [MemberData(nameof(Allocations))]
    public async Task A_start_function_that_runs_away_is_stopped_by_the_time_that_the_limits_give(AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions { EnableInterruption = true, AllocationStrategy = allocation, Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } } });
        using Module module = Module.FromText(engine, "(module (func $f (loop $l (br $l))) (start $f))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        var brief = new StoreLimits { CallTimeout = TimeSpan.FromMilliseconds(20) };
        Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(() => template.Instantiate(limits: brief)).Code);
        Assert.Equal(TrapCode.Interrupted, (await Assert.ThrowsAsync<TrapException>(async () => await template.InstantiateAsync(limits: brief))).Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => new StoreLimits { CallTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StoreLimits { CallTimeout = TimeSpan.FromDays(25) });

        // The slot serves the next, which does not inherit it; and it holds for calls after the start.
        using Module calm = Module.FromText(engine, "(module (func $s) (start $s) (func (export \"f\") (loop $l (br $l))))");
        using InstanceTemplate next = new Linker(engine).Prepare(calm);
        using (Instance timed = next.Instantiate(limits: brief))
        {
            Assert.Equal(brief.CallTimeout, timed.CallTimeout);
            Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(timed.GetAction("f").Invoke).Code);
        }
        using Instance free = next.Instantiate(limits: new StoreLimits { CallTimeout = Timeout.InfiniteTimeSpan });
        Assert.Equal(Timeout.InfiniteTimeSpan, free.CallTimeout);
    }

    [Theory]
    [MemberData(nameof(Allocations))]
    public void A_limiter_is_asked_for_everything_with_state_and_sizes(AllocationStrategy allocation)
    {
        using Fixture f = new(allocation);
        var asked = new List<ResourceRequest>();
        using Instance instance = f.Template.Instantiate("mine", new StoreLimits
        {
            Limiter = (in ResourceRequest request) =>
            {
                asked.Add(request);
                return request.Desired != 5 << 16;
            },
        });
        Assert.Equal(2, asked.Count);
        Assert.Equal((ResourceKind.Memory, 0L, 2L << 16, 10L << 16), (asked[0].Kind, asked[0].Current, asked[0].Desired, asked[0].Maximum));
        Assert.Equal((ResourceKind.Table, 0L, 5L, 50L), (asked[1].Kind, asked[1].Current, asked[1].Desired, asked[1].Maximum));
        asked.Clear();
        TypedFunction<int, int> grow = instance.GetFunction<int, int>("grow");
        Assert.Equal(2, grow.Invoke(1));
        Assert.Equal(-1, grow.Invoke(2));
        Assert.Equal(3, grow.Invoke(3));
        Assert.Equal(-1, grow.Invoke(100));
        Assert.Equal([(2L << 16, 3L << 16), (3L << 16, 5L << 16), (3L << 16, 6L << 16)], asked.Select(a => (a.Current, a.Desired)));
        Assert.All(asked, a => Assert.Equal("mine", a.State));
    }

    [Theory]
    [MemberData(nameof(Allocations))]
    public void A_limiter_that_throws_leaves_nothing_behind(AllocationStrategy allocation)
    {
        using Fixture f = new(allocation);
        long mappings = 0;
        for (int round = 0; round < 60; round++)
        {
            // At the first question, at the second (with one memory made already), and while the guest grows.
            for (int throwAt = 1; throwAt <= 3; throwAt++)
            {
                int questions = 0;
                var thrown = new InvalidDataException("limiter");
                Exception caught = Assert.Throws<InvalidDataException>(() =>
                {
                    using Instance instance = f.Template.Instantiate(limits: new StoreLimits { Limiter = (in ResourceRequest _) => ++questions == throwAt ? throw thrown : true });
                    instance.GetFunction<int, int>("grow").Invoke(1);
                });
                Assert.Same(thrown, caught);
            }
            using Instance next = f.Template.Instantiate();
            Assert.Equal(2, next.GetFunction<int>("size").Invoke());
            if (round == 20)
                mappings = CountMappings();
        }
        Assert.InRange(CountMappings() - mappings, -1000, 40);
        Assert.Equal(0, f.Engine.GetPoolStatistics().Instances.InUse);
    }

    [Fact]
    public void After_a_limiter_threw_in_a_guest_its_memory_is_as_before_and_usable()
    {
        using Fixture f = new(AllocationStrategy.OnDemand);
        bool angry = false;
        using var store = new Store(f.Engine) { Limits = new StoreLimits { Limiter = (in ResourceRequest _) => angry ? throw new InvalidDataException() : true } };
        Instance instance = f.Template.Instantiate(store);
        angry = true;
        Assert.Throws<InvalidDataException>(() => instance.GetFunction<int, int>("grow").Invoke(1));
        Assert.Throws<InvalidDataException>(() => instance.Memory.Grow(1));
        Assert.Equal(2, instance.GetFunction<int>("size").Invoke());
        Assert.Throws<InvalidDataException>(() => f.Template.Instantiate(store));
        angry = false;
        Assert.Equal(2, instance.GetFunction<int, int>("grow").Invoke(1));
    }

    [Fact]
    public void Fuel_is_counted_exactly()
    {
        using Fixture f = new(AllocationStrategy.Pooling);
        long Used(int n)
        {
            using Instance instance = f.Template.Instantiate();
            instance.Fuel = 1_000_000;
            Assert.Equal(n, instance.GetFunction<int, int>("count").Invoke(n));
            return 1_000_000 - instance.Fuel;
        }
        long one = Used(1);
        long each = Used(2) - one;
        Assert.InRange(each, 8, 10);
        foreach (int n in new[] { 3, 10, 1000, 12345 })
            Assert.Equal(one + (each * (n - 1)), Used(n));
        // Just enough, and one too few.
        foreach (int n in new[] { 1, 2, 500 })
        {
            long needed = one + (each * (n - 1));
            using Instance instance = f.Template.Instantiate();
            instance.Fuel = needed;
            Assert.Equal(n, instance.GetFunction<int, int>("count").Invoke(n));
            Assert.Equal(0, instance.Fuel);
            instance.Fuel = needed - 1;
            Assert.False(instance.GetFunction<int, int>("count").TryInvoke(n, out _, out Trap? trap));
            Assert.Equal(TrapCode.OutOfFuel, trap.Code);
        }
    }

    [Theory]
    [MemberData(nameof(Allocations))]
    public async Task A_runaway_guest_is_stopped_and_its_slot_serves_the_next(AllocationStrategy allocation)
    {
        using Fixture f = new(allocation, count: 1);
        for (int i = 0; i < 4; i++)
        {
            using (Instance instance = f.Template.Instantiate())
            {
                TypedAction spin = instance.GetAction("spin");
                switch (i)
                {
                    case 0:
                        instance.CallTimeout = TimeSpan.FromMilliseconds(20);
                        Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(spin.Invoke).Code);
                        Assert.Equal(1, instance.GetFunction<int>("one").Invoke());
                        await Assert.ThrowsAsync<TrapException>(async () => await spin.InvokeAsync());
                        break;
                    case 1:
                        using (var source = new CancellationTokenSource(20))
                            Assert.Throws<OperationCanceledException>(() => spin.Invoke(source.Token));
                        using (var source = new CancellationTokenSource(300))
                        {
                            Assert.False(spin.TryInvoke(out Trap? trap, source.Token));
                            Assert.Equal(TrapCode.Interrupted, trap.Code);
                        }
                        break;
                    case 2:
                        using (new Timer(_ => instance.Interrupt(), null, 20, Timeout.Infinite))
                            Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(spin.Invoke).Code);
                        break;
                    default:
                        instance.Fuel = 100_000;
                        Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(spin.Invoke).Code);
                        break;
                }
            }
            using Instance next = f.Template.Instantiate();
            Assert.Equal(Timeout.InfiniteTimeSpan, next.CallTimeout);
            Assert.Equal(1, next.GetFunction<int>("one").Invoke());
            Assert.Equal(100_000, next.GetFunction<int, int>("count").Invoke(100_000));
        }
    }

    [Fact]
    public async Task A_call_whose_time_runs_out_while_it_is_suspended_ends()
    {
        using Fixture f = new(AllocationStrategy.Pooling, count: 1);
        using Module module = Module.FromText(f.Engine, """(module (import "e" "f" (func $f)) (func (export "run") (call $f)))""");
        var never = new TaskCompletionSource();
        using InstanceTemplate template = new Linker(f.Engine).DefineFunction("e", "f", () => new ValueTask(never.Task)).Prepare(module);
        using (Instance instance = template.Instantiate())
        {
            instance.CallTimeout = TimeSpan.FromMilliseconds(20);
            TrapException trap = await Assert.ThrowsAsync<TrapException>(async () => await instance.GetAction("run").InvokeAsync(TestContext.Current.CancellationToken));
            Assert.Equal(TrapCode.Interrupted, trap.Code);
        }
        template.Instantiate().Dispose();
        never.SetResult();
    }

    private static long CountMappings() => File.ReadLines("/proc/self/maps").LongCount();

    private sealed class Fixture : IDisposable
    {
        private readonly Module _module;

        public Fixture(AllocationStrategy allocation, int count = 10)
        {
            Engine = new Engine(new EngineOptions
            {
                AllocationStrategy = allocation,
                EnableInterruption = true,
                EnableFuel = true,
                Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = count } },
            });
            _module = Module.FromText(Engine, Text);
            Template = new Linker(Engine).Prepare(_module);
        }

        public Engine Engine { get; }

        public InstanceTemplate Template { get; }

        public void Dispose()
        {
            Template.Dispose();
            _module.Dispose();
            Engine.Dispose();
        }
    }
}

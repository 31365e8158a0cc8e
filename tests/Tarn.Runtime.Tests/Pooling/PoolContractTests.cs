// The contract of the pools, each sentence at n and at n + 1: sizes, reservations, growth, totals, what the system refuses, and what does not count.
using System.Text.RegularExpressions;
using CsCheck;
using Tarn.Pooling;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class PoolContractTests
{
    private const string Various = """
        (module
          (import "e" "f" (func $f (result i32)))
          (memory (export "memory") 1) (table (export "t") 3 funcref)
          (global (mut i32) (i32.const 7)) (global (mut i64) (i64.const 8))
          (func $g (result i32) (i32.const 1))
          (data (i32.const 100) "hello") (elem (i32.const 1) $g $f)
          (export "g" (func $g)))
        """;

    [Fact]
    public void An_instance_fits_a_slot_of_exactly_its_size_and_none_that_is_smaller()
    {
        string message = Assert.Throws<InstantiationException>(() => Make(Various, new InstanceLimits { Count = 1, Size = 128, MemoryPages = 1, TableElements = 3 })).Message;
        int needed = int.Parse(Regex.Match(message, @"needs (\d+) bytes").Groups[1].Value);
        Make(Various, new InstanceLimits { Count = 1, Size = needed, MemoryPages = 1, TableElements = 3 });
        Assert.Contains(
            $"needs {needed} bytes and a slot has {needed - 1} (InstanceLimits.Size)",
            Assert.Throws<InstantiationException>(() => Make(Various, new InstanceLimits { Count = 1, Size = needed - 1, MemoryPages = 1, TableElements = 3 })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_shares_of_a_size_that_does_not_fit_add_up()
    {
        string message = Assert.Throws<InstantiationException>(() => Make(Various, new InstanceLimits { Count = 1, Size = 128 })).Message;
        int needed = int.Parse(Regex.Match(message, @"needs (\d+) bytes").Groups[1].Value);
        MatchCollection shares = Regex.Matches(message, @"(\d+) for (?:\d+ )?(functions|globals|memories|tables|types|segments|the header)");
        Assert.Equal(["functions", "globals", "memories", "tables", "types", "segments", "the header"], shares.Select(s => s.Groups[2].Value));
        Assert.Equal(needed, shares.Sum(s => int.Parse(s.Groups[1].Value)));
        Assert.Equal([64, 32, 16, 16, 0], shares.Take(5).Select(s => int.Parse(s.Groups[1].Value)));
    }

    [Theory]
    [InlineData(160, true)]
    [InlineData(161, false)]
    public void Pages_beyond_the_reservation_are_refused_when_the_engine_is_built(int pages, bool fits)
    {
        EngineOptions options = Options(new InstanceLimits { Count = 2, MemoryPages = pages }) with { MemoryStrategy = MemoryStrategy.Checked };
        options = options with { Pooling = options.Pooling with { MemoryReservation = 160 << 16 } };
        if (fits)
            new Engine(options).Dispose();
        else
            Assert.Contains("does not fit MemoryReservation", Assert.Throws<ArgumentException>(() => new Engine(options)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1L << 32, true)]
    [InlineData((1L << 32) - 65536, false)]
    public void Guarded_memories_need_a_reservation_of_all_that_32_bits_reach(long reservation, bool fits)
    {
        EngineOptions options = Options(new InstanceLimits { Count = 2 });
        options = options with { Pooling = options.Pooling with { MemoryReservation = reservation } };
        if (fits)
            new Engine(options).Dispose();
        else
            Assert.Contains("guarded memories need 4294967296", Assert.Throws<ArgumentException>(() => new Engine(options)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(memory (export \"memory\") 2)", 5, "InstanceLimits.MemoryPages = 5")]
    [InlineData("(memory (export \"memory\") 2 9)", 5, "InstanceLimits.MemoryPages = 5")]
    [InlineData("(memory (export \"memory\") 2 4)", 4, "its declared maximum")]
    public void Memory_growth_ends_at_the_least_of_the_limits_and_says_which(string memory, int most, string limit)
    {
        using Engine engine = new(Options(new InstanceLimits { Count = 1, MemoryPages = 5 }));
        using Module module = Module.FromText(engine, $"""(module {memory} (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))""");
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        TypedFunction<int, int> grow = instance.GetFunction<int, int>("grow");
        Assert.Equal(-1, grow.Invoke(most - 1));
        Assert.Equal(2, grow.Invoke(most - 3));
        Assert.Equal(most - 1, instance.Memory.Grow(1));
        Assert.Equal(-1, grow.Invoke(1));
        Assert.Equal(most, grow.Invoke(0));
        string message = Assert.Throws<InvalidOperationException>(() => instance.Memory.Grow(1)).Message;
        Assert.Contains($"may have {most} pages at most ({limit})", message, StringComparison.Ordinal);
        Assert.False(instance.Memory.TryGrow(long.MaxValue, out _));
    }

    [Theory]
    [InlineData("(table (export \"t\") 2 funcref)", 6, "InstanceLimits.TableElements = 6")]
    [InlineData("(table (export \"t\") 2 9 funcref)", 6, "InstanceLimits.TableElements = 6")]
    [InlineData("(table (export \"t\") 2 4 funcref)", 4, "its declared maximum")]
    public void Table_growth_ends_at_the_least_of_the_limits_and_says_which(string table, int most, string limit)
    {
        using Engine engine = new(Options(new InstanceLimits { Count = 1, TableElements = 6 }));
        using Module module = Module.FromText(engine, $"""(module {table} (func (export "grow") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0))))""");
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        TypedFunction<int, int> grow = instance.GetFunction<int, int>("grow");
        Assert.Equal(-1, grow.Invoke(most - 1));
        Assert.Equal(2, grow.Invoke(most - 2));
        Assert.Equal(-1, grow.Invoke(1));
        Assert.Equal(-1, grow.Invoke(-1));
        string message = Assert.Throws<InvalidOperationException>(() => instance.GetTable("t").Grow(1, Value.NullFunction)).Message;
        Assert.Contains($"may have {most} at most ({limit})", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("table")]
    public void Totals_bound_a_pool_where_they_are_less_than_the_count(string pool)
    {
        EngineOptions options = Options(new InstanceLimits { Count = 3, MemoryPages = 1, TableElements = 3 });
        options = options with { Pooling = pool == "memory" ? options.Pooling with { TotalMemories = 2 } : options.Pooling with { TotalTables = 2 } };
        using var engine = new Engine(options);
        using Module module = Module.FromText(engine, "(module (memory 1) (table 1 funcref))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Instance[] all = [template.Instantiate(), template.Instantiate()];
        PoolExhaustedException e = Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        Assert.Equal((pool, 2L), (e.Pool, e.Limit));
        Assert.Contains(pool == "memory" ? "PoolingOptions.TotalMemories = 2" : "PoolingOptions.TotalTables = 2", e.Message, StringComparison.Ordinal);
        var allocator = (PooledAllocator)engine.Allocator;
        // What the failed instantiation had taken is back.
        Assert.Equal(1, allocator.FreeContexts);
        foreach (Instance instance in all)
            instance.Dispose();
        template.Instantiate().Dispose();
    }

    [Fact]
    public void Imported_memories_and_tables_do_not_count()
    {
        using Engine engine = new(Options(new InstanceLimits { Count = 1, Memories = 0, Tables = 0, MemoryPages = 1, TableElements = 1 }));
        using Module module = Module.FromText(engine, """
            (module (import "e" "m" (memory 3)) (import "e" "t" (table 20 funcref))
              (func (export "size") (result i32) (i32.add (memory.size) (table.size 0))))
            """);
        using var store = new Store(engine);
        Linker linker = new Linker(engine).Define("e", "m", store.CreateMemory(new MemoryType(3))).Define("e", "t", store.CreateTable(new TableType(ValueKind.FuncRef, 20)));
        Assert.Equal(23, linker.Instantiate(store, module).GetFunction<int>("size").Invoke());
        using Module defines = Module.FromText(engine, "(module (memory 0))");
        Assert.Contains("InstanceLimits.Memories", Assert.Throws<InstantiationException>(() => new Linker(engine).Prepare(defines).Instantiate()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reservation_that_does_not_fit_names_the_pool_the_bytes_the_limits_and_what_would_fit()
    {
        Assert.SkipWhen(ExecutionSwitch.IsPortable, ExecutionSwitch.Reason);
        PoolReservationException e = Assert.Throws<PoolReservationException>(() => new Engine(Options(new InstanceLimits { Count = 1_000_000 })));
        Assert.Equal("memory", e.Pool);
        Assert.Equal(1_000_000 * ((1UL << 32) + (32 << 20)), e.RequestedBytes);
        // What is free of 47 bits changes as other tests come and go; PoolProcessTests use the count.
        Assert.InRange(e.LargestCount, 1000, (int)((1UL << 47) / ((1UL << 32) + (32 << 20))));
        Assert.Contains("InstanceLimits.Count = 1000000 × Memories = 1", e.Message, StringComparison.Ordinal);
        Assert.Contains($"the largest InstanceLimits.Count that fits now is {e.LargestCount}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_system_refuses_says_which_count_it_would_grant()
    {
        Assert.SkipWhen(ExecutionSwitch.IsPortable, ExecutionSwitch.Reason);
        const ulong Granted = 1UL << 36;
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        scope.RefuseReservationsAbove = Granted;
        PoolReservationException e = Assert.Throws<PoolReservationException>(() => new Engine(Options(new InstanceLimits { Count = 100 })));
        Assert.Equal("memory", e.Pool);
        Assert.Equal((int)(Granted / ((1UL << 32) + (32 << 20))), e.LargestCount);
        Assert.Contains($"that fits now is {e.LargestCount}", e.Message, StringComparison.Ordinal);
        new Engine(Options(new InstanceLimits { Count = e.LargestCount })).Dispose();
        Assert.Throws<PoolReservationException>(() => new Engine(Options(new InstanceLimits { Count = e.LargestCount + 1 })));

        // Two memories for each instance: half as many.
        PoolReservationException two = Assert.Throws<PoolReservationException>(() => new Engine(Options(new InstanceLimits { Count = 100, Memories = 2 })));
        Assert.Equal(e.LargestCount / 2, two.LargestCount);
        new Engine(Options(new InstanceLimits { Count = two.LargestCount, Memories = 2 })).Dispose();
    }

    [Fact]
    public void No_limits_whatever_make_arithmetic_overflow_or_the_process_fail()
    {
        Gen<int> number = from bits in Gen.Int[0, 31] from value in Gen.Int select bits == 0 ? 0 : (int)((uint)value >> (32 - bits));
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        scope.RefuseReservationsAbove = 1UL << 40;
        Gen.Select(number, Gen.Long, number, number, number, number).Sample(
            n =>
            {
                var limits = new InstanceLimits { Count = n.Item1, Size = n.Item2 >> (n.Item1 & 63), Tables = n.Item3, TableElements = n.Item4, Memories = n.Item5, MemoryPages = n.Item6 };
                foreach (MemoryStrategy strategy in Enum.GetValues<MemoryStrategy>())
                {
                    EngineOptions options = Options(limits) with { MemoryStrategy = strategy };
                    bool sound = options.Validate().Count == 0;
                    try
                    {
                        new Engine(options).Dispose();
                        Assert.True(sound);
                    }
                    catch (ArgumentException)
                    {
                        Assert.False(sound);
                    }
                    catch (PoolReservationException e)
                    {
                        Assert.True(sound);
                        Assert.True(e.LargestCount < n.Item1, e.Message);
                    }
                }
            },
            iter: 300,
            threads: 1);
    }

    [Fact]
    public void The_default_pools_commit_next_to_nothing()
    {
        long before = Resident();
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling });
        using Module module = Module.FromText(engine, "(module (memory 160) (table 10000 funcref))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        var all = new Instance[InstanceLimits.Default.Count];
        for (int i = 0; i < all.Length; i++)
            all[i] = template.Instantiate();
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        long used = Resident() - before;
        foreach (Instance instance in all)
            instance.Dispose();
        // A thousand instances of 10 MiB each; a container of 512 MiB has room for .NET besides. Other tests run at the same time.
        Assert.InRange(used, long.MinValue, 256L << 20);
    }

    [Fact]
    public void What_a_deep_call_left_of_a_stack_is_given_back()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        EngineOptions options = Options(new InstanceLimits { Count = 1, MemoryPages = 1 });
        using Engine engine = new(options with { Pooling = options.Pooling with { StackSize = 8 << 20, StackKeepResident = 64 << 10 } });
        using Module module = Module.FromText(engine, """
            (module (func $f (export "f") (param i32) (result i32)
              (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Assert.Equal((0, 0), (Discards(template, 10, scope), Discards(template, 200, scope)));
        Assert.Equal(1, Discards(template, 50_000, scope));
        // Once is enough: shallow calls find nothing left to do.
        Assert.Equal(0, Discards(template, 200, scope));
        Assert.Equal(1, Discards(template, 50_000, scope));

        static int Discards(InstanceTemplate template, int depth, FaultyMemory.Scope scope)
        {
            using (Instance instance = template.Instantiate())
            {
                Assert.Equal(depth, instance.GetFunction<int, int>("f").Invoke(depth));
                scope.Calls = 0;
            }
            return scope.Calls;
        }
    }

    [Fact]
    public void A_disposed_instance_is_returned_once_however_often_it_is_disposed()
    {
        using Engine engine = new(Options(new InstanceLimits { Count = 2, MemoryPages = 1 }));
        using Module module = Module.FromText(engine, "(module (memory 1))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int round = 0; round < 200; round++)
        {
            Instance instance = template.Instantiate();
            Parallel.For(0, 4, _ => instance.Dispose());
            Instance[] both = [template.Instantiate(), template.Instantiate()];
            Assert.NotSame(both[0].Data, both[1].Data);
            Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
            both[0].Dispose();
            both[1].Dispose();
        }
    }

    [Fact]
    [OutlivesEngine]
    public async Task What_outlives_its_engine_goes_on_working_and_the_pool_ends_with_the_last_of_it()
    {
        var engine = new Engine(Options(new InstanceLimits { Count = 4, MemoryPages = 2, TableElements = 3 }));
        var pool = (PooledAllocator)engine.Allocator;
        using Module module = Module.FromText(engine, """
            (module (import "e" "f" (func $f (result i32))) (memory (export "memory") 1) (table 3 funcref)
              (func (export "run") (result i32) (i32.store (i32.const 4096) (i32.const 1)) (i32.add (call $f) (i32.load (i32.const 4096)))))
            """);
        var gate = new TaskCompletionSource<int>();
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => new ValueTask<int>(1)).Prepare(module);
        using InstanceTemplate waiting = new Linker(engine).DefineFunction("e", "f", () => new ValueTask<int>(gate.Task)).Prepare(module);
        template.Instantiate().Dispose();
        Instance first = template.Instantiate();
        Instance second = waiting.Instantiate();
        var store = new Store(engine);
        Instance third = template.Instantiate(store);
        Task<int> call = second.GetFunction<int>("run").InvokeAsync(TestContext.Current.CancellationToken).AsTask();
        engine.Dispose();
        Assert.False(pool.IsReleased);
        Assert.Throws<ObjectDisposedException>(() => template.Instantiate());
        Assert.Throws<ObjectDisposedException>(() => new Store(engine));
        Assert.Equal(2, first.GetFunction<int>("run").Invoke());
        Assert.Equal(2, third.GetFunction<int>("run").Invoke());
        first.Memory.AsSpan().Fill(1);
        gate.SetResult(4);
        Assert.Equal(5, await call);
        first.Dispose();
        second.Dispose();
        Assert.False(pool.IsReleased);
        Assert.Equal(2, third.GetFunction<int>("run").Invoke());
        store.Dispose();
        Assert.True(pool.IsReleased);
        engine.Dispose();
        first.Dispose();
    }

    [Theory]
    [InlineData(MemoryStrategy.Guarded)]
    [InlineData(MemoryStrategy.Checked)]
    public void Slots_of_no_bytes_are_slots_like_others(MemoryStrategy strategy)
    {
        using var engine = new Engine(Options(new InstanceLimits { Count = 2, MemoryPages = 0, TableElements = 0 }) with { MemoryStrategy = strategy });
        for (int i = 0; i < 4; i++)
        {
            using Module module = Module.FromText(engine, """(module (memory (export "memory") 0) (table (export "t") 0 funcref))""");
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance one = template.Instantiate();
            using Instance two = template.Instantiate();
            Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
            Assert.False(one.Memory.TryGrow(1, out _));
            Assert.Throws<InvalidOperationException>(() => two.GetTable("t").Grow(1, Value.NullFunction));
        }
    }

    [Fact]
    public void A_call_that_finds_no_stack_says_so_and_one_that_comes_later_has_it()
    {
        EngineOptions options = Options(new InstanceLimits { Count = 3, MemoryPages = 1 });
        using var engine = new Engine(options with { Pooling = options.Pooling with { TotalStacks = 1 } });
        using Module module = Module.FromText(engine, """
            (module (import "e" "f" (func $f)) (func (export "run") (call $f)) (func (export "one") (result i32) (i32.const 1)))
            """);
        Instance? other = null;
        PoolExhaustedException? exhausted = null;
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () =>
        {
            exhausted = Assert.Throws<PoolExhaustedException>(() => other!.GetFunction<int>("one").Invoke());
        }).Prepare(module);
        using Instance instance = template.Instantiate();
        other = template.Instantiate();
        for (int i = 0; i < 3; i++)
        {
            instance.GetAction("run").Invoke();
            Assert.Equal(("stack", 1L), (exhausted!.Pool, exhausted.Limit));
            Assert.Equal(1, other.GetFunction<int>("one").Invoke());
        }
        other.Dispose();
    }

    private static long Resident() => long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;

    private static EngineOptions Options(InstanceLimits limits) =>
        new() { AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = limits } };

    private static void Make(string text, InstanceLimits limits)
    {
        using var engine = new Engine(Options(limits));
        using Module module = Module.FromText(engine, text);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        template.Instantiate().Dispose();
    }
}

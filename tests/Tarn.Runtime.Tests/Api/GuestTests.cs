// Guests that run: traps with their backtraces, hostile guests, stopping, fuel, laziness, artifacts. The host survives all of it and the next
// call finds everything in order.
namespace Tarn.Runtime.Tests.Api;

public sealed class GuestTests
{
    private const string Program = """
        (module $demo
          (import "e" "host" (func $host (param i32) (result i32)))
          (memory (export "memory") 1 4) (table 4 funcref) (elem (i32.const 1) $add)
          (type $binary (func (param i32 i32) (result i32)))
          (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
          (func $inner (param i32) (result i32) (i32.load offset=8 (local.get 0)))
          (func (export "load") (param i32) (result i32) (call $inner (local.get 0)))
          (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
          (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
          (func (export "spin") (loop (br 0)))
          (func (export "count") (param i32) (local i32) (loop (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0)))))
          (func (export "indirect") (param i32) (result i32) (call_indirect (type $binary) (i32.const 2) (i32.const 3) (local.get 0)))
          (func (export "callhost") (param i32) (result i32) (i32.mul (i32.const 10) (call $host (local.get 0))))
          (func (export "tail") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 42)) (else (return_call 13 (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "unreachable") unreachable))
        """;

    public static TheoryData<MemoryStrategy, CompilationMode, AllocationStrategy> Configurations
    {
        get
        {
            var data = new TheoryData<MemoryStrategy, CompilationMode, AllocationStrategy>();
            foreach (MemoryStrategy memory in Enum.GetValues<MemoryStrategy>())
            {
                foreach (CompilationMode mode in Enum.GetValues<CompilationMode>())
                {
                    foreach (AllocationStrategy allocation in Enum.GetValues<AllocationStrategy>())
                        data.Add(memory, mode, allocation);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Calls_return_what_they_should(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using Instance i = Instantiate(engine, Program);
        Assert.Equal(5, i.GetFunction<int, int, int>("add").Invoke(2, 3));
        Assert.Equal((2.5, 7), i.GetFunction<int, double, (double, int)>("swap").Invoke(7, 2.5));
        Assert.Equal(5, i.GetFunction<int, int>("indirect").Invoke(1));
        Assert.Equal(60, i.GetFunction<int, int>("callhost").Invoke(5));
        i.GetAction<int, int>("store").Invoke(100, 77);
        Assert.Equal(77, i.Memory.Read<int>(100));
        Assert.Equal(77, i.GetFunction<int, int>("load").Invoke(92));
        Assert.Equal(1, i.GetFunction<int, int>("grow").Invoke(3));
        Assert.Equal(-1, i.GetFunction<int, int>("grow").Invoke(1));
        i.GetAction<int, int>("store").Invoke((4 * 65536) - 4, 5);
        Assert.Equal(5, i.Memory.Read<int>((4 * 65536) - 4));
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Traps_are_told_apart_and_leave_the_instance_usable(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using Instance i = Instantiate(engine, Program);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(TrapCode.Unreachable, Code(() => i.GetAction("unreachable").Invoke()));
            Assert.Equal(TrapCode.IntegerDivideByZero, Code(() => i.GetFunction<int, int, int>("div").Invoke(1, 0)));
            Assert.Equal(TrapCode.IntegerOverflow, Code(() => i.GetFunction<int, int, int>("div").Invoke(int.MinValue, -1)));
            Assert.Equal(TrapCode.StackExhausted, Code(() => i.GetFunction<int, int>("deep").Invoke(0)));
            Assert.Equal(TrapCode.UninitializedElement, Code(() => i.GetFunction<int, int>("indirect").Invoke(0)));
            Assert.Equal(TrapCode.UndefinedElement, Code(() => i.GetFunction<int, int>("indirect").Invoke(4)));
            foreach (int wild in new[] { 65533, 65536, 1 << 20, int.MaxValue, int.MinValue, -4, -1 })
            {
                Assert.Equal(TrapCode.MemoryOutOfBounds, Code(() => i.GetFunction<int, int>("load").Invoke(wild - 8)));
                Assert.Equal(TrapCode.MemoryOutOfBounds, Code(() => i.GetAction<int, int>("store").Invoke(wild, 1)));
            }
            Assert.Equal(5, i.GetFunction<int, int, int>("add").Invoke(2, 3));
        }
    }

    [Fact]
    public void A_backtrace_names_functions_and_offsets()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, CompilationMode.Eager, AllocationStrategy.OnDemand);
        using Instance i = Instantiate(engine, Program);
        TrapException e = Assert.Throws<TrapException>(() => i.GetFunction<int, int>("load").Invoke(70000));
        Assert.Equal(["inner", "load"], e.GuestBacktrace.Select(f => f.FunctionName));
        Assert.All(e.GuestBacktrace, f => Assert.Equal("demo", f.ModuleName));
        Assert.True(e.GuestBacktrace[0].WasmOffset < e.GuestBacktrace[1].WasmOffset);
        Assert.Equal((70008UL, 65536UL), (e.Trap.Address, e.Trap.MemorySize));
        Assert.StartsWith("out of bounds memory access at address 0x11178 of a memory of 65536 bytes\n   at demo!inner @ 0x", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backtrace_crosses_calls_of_the_host()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, CompilationMode.Eager, AllocationStrategy.OnDemand);
        Instance? instance = null;
        using Module module = Module.FromText(engine, Program);
        instance = new Linker(engine).DefineFunction("e", "host", (int a) => instance!.GetFunction<int, int>("load").Invoke(a)).Prepare(module).Instantiate();
        TrapException e = Assert.Throws<TrapException>(() => instance.GetFunction<int, int>("callhost").Invoke(1 << 20));
        Assert.Equal(["inner", "load", "callhost"], e.GuestBacktrace.Select(f => f.FunctionName));
        Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
        instance.Dispose();
    }

    [Fact]
    public void TryInvoke_reports_a_trap_without_throwing()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, CompilationMode.Eager, AllocationStrategy.OnDemand);
        using Instance i = Instantiate(engine, Program);
        TypedFunction<int, int, int> div = i.GetFunction<int, int, int>("div");
        Assert.True(div.TryInvoke(6, 3, out int result, out _));
        Assert.Equal(2, result);
        Assert.False(div.TryInvoke(6, 0, out _, out Trap? trap));
        Assert.Equal(TrapCode.IntegerDivideByZero, trap.Code);

        // Not even inside: nothing is thrown on this thread.
        int thread = Environment.CurrentManagedThreadId;
        int thrown = 0;
        void Count(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs e) => thrown += Environment.CurrentManagedThreadId == thread ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            Assert.False(div.TryInvoke(6, 0, out _, out trap));
            Assert.Equal(0, thrown);
            Assert.Throws<TrapException>(() => div.Invoke(6, 0));
            Assert.NotEqual(0, thrown);
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }
    }

    [Fact]
    public void A_million_tail_calls_take_no_stack()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, CompilationMode.Eager, AllocationStrategy.OnDemand);
        using Instance i = Instantiate(engine, Program);
        Assert.Equal(42, i.GetFunction<int, int>("tail").Invoke(1_000_000));
    }

    [Fact]
    public void A_guest_that_spins_is_stopped_by_its_token_and_its_instance_serves_on()
    {
        using var engine = new Engine(new EngineOptions { EnableInterruption = true });
        using Instance i = Instantiate(engine, Program);
        TypedAction spin = i.GetAction("spin");
        for (int round = 0; round < 3; round++)
        {
            // Long enough for the call to have begun, on the busiest of machines.
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            OperationCanceledException e = Assert.Throws<OperationCanceledException>(() => spin.Invoke(source.Token));
            Assert.Equal(source.Token, e.CancellationToken);
            Assert.Equal(TrapCode.Interrupted, Assert.IsType<TrapException>(e.InnerException).Code);
            Assert.Equal(5, i.GetFunction<int, int, int>("add").Invoke(2, 3));
        }
    }

    [Fact]
    public void A_guest_is_stopped_from_another_thread()
    {
        using var engine = new Engine(new EngineOptions { EnableInterruption = true });
        using Instance i = Instantiate(engine, Program);
        using var timer = new Timer(_ => i.Interrupt(), null, 20, Timeout.Infinite);
        Assert.Equal(TrapCode.Interrupted, Code(() => i.GetAction("spin").Invoke()));
    }

    [Theory]
    [InlineData("(func $a (export \"run\") (return_call $b)) (func $b (return_call $a))")]
    [InlineData("(func $leaf) (func (export \"run\") (loop $l (call $leaf) (br $l)))")]
    [InlineData("(func $f (export \"run\") (param i32) (loop $l (local.set 0 (i32.const -401)) (loop $m (br_if $m (local.tee 0 (i32.add (local.get 0) (i32.const 4))))) (br $l)))")]
    [InlineData("(func $f (export \"run\") (param i32) (loop $l (local.set 0 (i32.const -400)) (loop $m (br_if $m (local.tee 0 (i32.add (local.get 0) (i32.const 4))))) (br $l)))")]
    [InlineData("(func $f (export \"run\") (param i32) (if (i32.ne (local.get 0) (i32.const 40)) (then (call $f (i32.add (local.get 0) (i32.const 1))) (call $f (i32.add (local.get 0) (i32.const 1))))))")]
    public void Every_way_to_go_on_for_ever_can_be_stopped(string functions)
    {
        using var engine = new Engine(new EngineOptions { EnableInterruption = true });
        using Instance i = Instantiate(engine, $"(module {functions})");
        using var timer = new Timer(_ => i.Interrupt(), null, 20, 20);
        Function run = i.GetFunction("run");
        Value[] arguments = new Value[run.Type.Parameters.Length];
        Array.Fill(arguments, 0);
        Assert.Equal(TrapCode.Interrupted, Code(() => run.Invoke(arguments)));
    }

    [Fact]
    public void A_pooled_slot_whose_guest_was_stopped_serves_the_next()
    {
        using var engine = new Engine(new EngineOptions { EnableInterruption = true, AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1 } } });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "host", (int a) => a).Prepare(module);
        for (int round = 0; round < 3; round++)
        {
            using Instance i = template.Instantiate();
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
            Assert.Throws<OperationCanceledException>(() => i.GetAction("spin").Invoke(source.Token));
        }
        using Instance last = template.Instantiate();
        Assert.Equal(5, last.GetFunction<int, int, int>("add").Invoke(2, 3));
    }

    [Fact]
    public void Fuel_runs_out_where_it_should()
    {
        using var engine = new Engine(new EngineOptions { EnableFuel = true });
        using Instance i = Instantiate(engine, Program);
        TypedAction<int> count = i.GetAction<int>("count");
        i.Fuel = 1_000_000;
        count.Invoke(10);
        long ten = 1_000_000 - i.Fuel;
        i.Fuel = 1_000_000;
        count.Invoke(11);
        long one = 1_000_000 - i.Fuel - ten;
        i.Fuel = 1_000_000;
        count.Invoke(110);
        Assert.Equal(ten + (100 * one), 1_000_000 - i.Fuel);
        i.Fuel = 500;
        Assert.Equal(TrapCode.OutOfFuel, Code(() => count.Invoke(int.MaxValue)));
        i.Fuel = 1_000_000;
        count.Invoke(10);
    }

    [Fact]
    public void Stack_exhaustion_under_the_host_unwinds_to_the_outermost_call()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, CompilationMode.Eager, AllocationStrategy.OnDemand);
        Instance? instance = null;
        using Module module = Module.FromText(engine, Program);
        instance = new Linker(engine).DefineFunction("e", "host", (int a) => instance!.GetFunction<int, int>("deep").Invoke(a)).Prepare(module).Instantiate();
        Assert.Equal(TrapCode.StackExhausted, Code(() => instance.GetFunction<int, int>("callhost").Invoke(0)));
        Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
        instance.Dispose();
    }

    [Fact]
    public void An_artifact_runs_without_compiling_and_is_refused_elsewhere()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, CompilationMode.Eager, AllocationStrategy.OnDemand);
        byte[] artifact;
        using (Module module = Module.FromText(engine, Program))
            artifact = module.Serialize();
        using (Module loaded = Module.Deserialize(engine, artifact))
        {
            using Instance i = new Linker(engine).DefineFunction("e", "host", (int a) => a + 1).Prepare(loaded).Instantiate();
            Assert.Equal(60, i.GetFunction<int, int>("callhost").Invoke(5));
        }
        using Engine other = Make(MemoryStrategy.Checked, CompilationMode.Eager, AllocationStrategy.OnDemand);
        Assert.Contains("another engine", Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(other, artifact)).Message, StringComparison.Ordinal);
        byte[] damaged = (byte[])artifact.Clone();
        damaged[^20] ^= 1;
        Assert.Contains("damaged", Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(engine, damaged)).Message, StringComparison.Ordinal);
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(engine, artifact.AsSpan(0, 30)));
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(engine, "\0asm"u8));
    }

    [Theory]
    [InlineData(ResetStrategy.Learned)]
    [InlineData(ResetStrategy.Decommit)]
    [InlineData(ResetStrategy.Copy)]
    public void What_a_guest_wrote_anywhere_is_gone_for_the_next(ResetStrategy reset)
    {
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1, MemoryPages = 8 }, ResetStrategy = reset, MemoryKeepResident = 3 * 4096 },
        });
        using Module module = Module.FromText(engine, """
            (module (memory (export "memory") 2 8) (global $g (mut i64) (i64.const 3)) (data (i32.const 4090) "across the page")
              (func (export "scribble") (param i32 i32) (local i32)
                (drop (memory.grow (i32.const 2)))
                (loop
                  (i64.store (local.get 0) (i64.const -1))
                  (local.set 0 (i32.add (local.get 0) (local.get 1)))
                  (br_if 0 (i32.lt_u (local.get 0) (i32.const 262136))))
                (global.set $g (i64.const 9)))
              (func (export "sum") (result i64) (local i32 i64)
                (loop
                  (local.set 1 (i64.add (local.get 1) (i64.load8_u (local.get 0))))
                  (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.mul (memory.size) (i32.const 65536)))))
                (i64.add (local.get 1) (global.get $g))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        long fresh;
        using (Instance first = template.Instantiate())
            fresh = first.GetFunction<long>("sum").Invoke();
        Assert.Equal("across the page".Sum(c => c) + 3, fresh);
        var random = new Random(1);
        for (int round = 0; round < 60; round++)
        {
            using (Instance i = template.Instantiate())
                i.GetAction<int, int>("scribble").Invoke(random.Next(4096), random.Next(8, 60_000));
            using Instance next = template.Instantiate();
            Assert.Equal(2, next.Memory.Pages);
            Assert.Equal(fresh, next.GetFunction<long>("sum").Invoke());
        }
    }

    [Fact]
    public void A_pooled_memory_that_was_grown_ends_where_it_should_for_the_next()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1 } } });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "host", (int a) => a).Prepare(module);
        for (int round = 0; round < 3; round++)
        {
            using (Instance i = template.Instantiate())
            {
                Assert.Equal(1, i.GetFunction<int, int>("grow").Invoke(1));
                i.GetAction<int, int>("store").Invoke(70000, 1);
            }
            using Instance next = template.Instantiate();
            Assert.Equal(TrapCode.MemoryOutOfBounds, Code(() => next.GetAction<int, int>("store").Invoke(70000, 1)));
        }
    }

    [Fact]
    public void Threads_run_their_own_instances_while_the_collector_runs()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 8 } } });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "host", (int a) =>
        {
            if (a % 50 == 0)
                GC.Collect(0);
            return a + 1;
        }).Prepare(module);
        Parallel.For(0, 4, thread =>
        {
            for (int n = 0; n < 1000; n++)
            {
                using Instance i = template.Instantiate();
                Assert.Equal((n + 1) * 10, i.GetFunction<int, int>("callhost").Invoke(n));
                i.GetAction<int, int>("store").Invoke(n * 4, n);
                Assert.Equal(n, i.Memory.Read<int>(n * 4));
                if (n % 7 == 0)
                    Assert.False(i.GetFunction<int, int>("load").TryInvoke(1 << 28, out _, out _));
            }
        });
    }

    private static Engine Make(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation) =>
        new(new EngineOptions { MemoryStrategy = memory, CompilationMode = mode, AllocationStrategy = allocation });

    private static Instance Instantiate(Engine engine, string text)
    {
        using Module module = Module.FromText(engine, text);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "host", (int a) => a + 1).Prepare(module);
        return template.Instantiate();
    }

    private static TrapCode Code(Action action) => Assert.Throws<TrapException>(action).Code;
}

// Guests that throw to do harm: without end, from the end of the stack, more than the host has room for, through handlers of frames that were left, over the end of their store's life.
namespace Tarn.Runtime.Tests.Exceptions;

public sealed class ExceptionAttackTests
{
    // A storm: nothing grows, and the stack is where it was.
    [Theory]
    [MemberData(nameof(ExceptionTests.Configurations), MemberType = typeof(ExceptionTests))]
    public void A_storm_of_exceptions_leaves_nothing_behind(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = ExceptionTests.Make(memory, mode, allocation);
        using Instance i = ExceptionTests.Instantiate(engine, """
            (module (tag $e (param i32))
              (func $deep (param i32 i32)
                (if (i32.eqz (local.get 0)) (then (throw $e (local.get 1))))
                (call $deep (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
              (func (export "storm") (param i32 i32) (result i32) (local $sum i32)
                (loop $again
                  (block $caught (result i32)
                    (try_table (catch $e $caught) (call $deep (local.get 1) (local.get 0)))
                    (unreachable))
                  (local.set $sum (i32.add (local.get $sum)))
                  (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get $sum)))
            """);
        TypedFunction<int, int, int> storm = i.GetFunction<int, int, int>("storm");
        Assert.Equal(5050, storm.Invoke(100, 2000));
        Assert.Equal(500 * 501 / 2, storm.Invoke(500, 3));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(20_000 * 20_001 / 2, storm.Invoke(20_000, 1));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Fact]
    public void A_storm_is_stopped_like_any_guest()
    {
        using var engine = new Engine(new EngineOptions { EnableFuel = true, EnableInterruption = true });
        using var store = new Store(engine);
        using Module module = Module.FromText(engine, """
            (module (tag $e)
              (func $throw (throw $e))
              (func (export "run") (loop $again (block $caught (try_table (catch $e $caught) (call $throw)) (unreachable)) (br $again))))
            """);
        Instance i = new Linker(engine).Instantiate(store, module);
        store.Fuel = 10_000;
        Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => i.GetAction("run").Invoke()).Code);
        store.Fuel = long.MaxValue;
        using var stop = new CancellationTokenSource(50);
        Assert.Throws<OperationCanceledException>(() => i.GetFunction("run").Invoke([], [], stop.Token));
        store.CallTimeout = TimeSpan.FromMilliseconds(50);
        Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(() => i.GetAction("run").Invoke()).Code);
    }

    // What the guest keeps is counted, by the bytes that it takes; what it drops is not.
    [Fact]
    public void References_to_exceptions_are_limited()
    {
        using var engine = new Engine(new EngineOptions { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { TableElements = 100_000 } } });
        const string Text = """
            (module (tag $e (param i64 i64 i64 i64))
              (table $kept 100000 exnref)
              (func $throw (throw $e (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
              (func $catch (result exnref)
                (block $caught (result exnref)
                  (try_table (catch_all_ref $caught) (call $throw))
                  (unreachable)))
              (func (export "clear") (table.fill $kept (i32.const 0) (ref.null exn) (i32.const 100000)))
              (func (export "drop") (param i32)
                (loop $again
                  (drop (call $catch))
                  (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
              (func (export "take") (param i32) (result i32) (local $taken i32)
                (loop $again
                  (table.set $kept (local.get $taken) (call $catch))
                  (local.set $taken (i32.add (local.get $taken) (i32.const 1)))
                  (br_if $again (i32.lt_u (local.get $taken) (local.get 0))))
                (local.get $taken)))
            """;
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int life = 0; life < 3; life++)
        {
            using Instance i = template.Instantiate(limits: new StoreLimits { MaximumExceptionBytes = 10 * (96 + 64) });
            TypedFunction<int, int> take = i.GetFunction<int, int>("take");
            Assert.Equal(10, take.Invoke(10));
            TrapException refused = Assert.Throws<TrapException>(() => take.Invoke(11));
            Assert.Equal(TrapCode.AllocationTooLarge, refused.Code);
            Assert.Contains("MaximumExceptionBytes = 1600", refused.Message, StringComparison.Ordinal);
            i.GetAction("clear").Invoke();
            Assert.Equal(10, take.Invoke(10));
        }
        using Instance unlimited = template.Instantiate();
        Assert.Equal(100_000, unlimited.GetFunction<int, int>("take").Invoke(100_000));
        unlimited.GetAction<int>("drop").Invoke(1_000_000);
        Assert.Throws<ArgumentOutOfRangeException>(() => new StoreLimits { MaximumExceptionBytes = -1 });
    }

    // One exception, thrown again from ever deeper, wrapped in others: a chain as long as the stack allows, which is let go whole.
    [Theory]
    [MemberData(nameof(ExceptionTests.Configurations), MemberType = typeof(ExceptionTests))]
    public void Chains_of_exceptions_that_carry_each_other_hold(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = ExceptionTests.Make(memory, mode, allocation);
        using Instance i = ExceptionTests.Instantiate(engine, """
            (module
              (tag $leaf (param i64))
              (tag $wrap (param exnref i64))
              (func $nest (param i32) (local $x exnref)
                (if (i32.eqz (local.get 0)) (then (throw $leaf (i64.const 42))))
                (block $caught (result exnref)
                  (try_table (catch_all_ref $caught) (call $nest (i32.sub (local.get 0) (i32.const 1))))
                  (unreachable))
                (local.set $x)
                (throw $wrap (local.get $x) (i64.extend_i32_u (local.get 0))))
              (func (export "run") (param i32) (result i64) (local $x exnref) (local $v i64) (local $sum i64)
                (block $first (result exnref)
                  (try_table (catch_all_ref $first) (call $nest (local.get 0)))
                  (unreachable))
                (local.set $x)
                (loop $unwrap
                  (block $leaf (result i64)
                    (block $wrap (result exnref i64)
                      (try_table (catch $leaf $leaf) (catch $wrap $wrap) (throw_ref (local.get $x)))
                      (unreachable))
                    (local.set $v) (local.set $x)
                    (local.set $sum (i64.add (local.get $sum) (local.get $v)))
                    (br $unwrap))
                  (local.set $sum (i64.add (local.get $sum))))
                (local.get $sum)))
            """);
        TypedFunction<int, long> run = i.GetFunction<int, long>("run");
        foreach (int depth in (int[])[0, 1, 7, 2000])
            Assert.Equal(42 + ((long)depth * (depth + 1) / 2), run.Invoke(depth));
    }

    // Objects that only a handler looks at, objects that an exception carries, exceptions that carry exceptions with objects: the collector moves all of them at every allocation.
    [Theory]
    [InlineData(CompilationMode.Eager)]
    [InlineData(CompilationMode.Lazy)]
    public void Managed_objects_survive_a_moving_collector_on_their_way_to_a_handler(CompilationMode mode)
    {
        using var engine = new Engine(new EngineOptions { CompilationMode = mode, HeapStress = HeapStress.Move });
        using Instance i = ExceptionTests.Instantiate(engine, """
            (module
              (type $node (struct (field $value i32) (field $next (ref null $node))))
              (tag $e (param (ref $node) i32))
              (tag $wrap (param exnref (ref null $node)))
              (func $make (param i32) (result (ref $node)) (struct.new $node (local.get 0) (struct.new $node (i32.mul (local.get 0) (i32.const 2)) (ref.null $node))))
              (func $sum (param (ref null $node)) (result i32)
                (i32.add (struct.get $node $value (local.get 0)) (struct.get $node $value (struct.get $node $next (local.get 0)))))
              (func $throw (param i32) (local (ref $node))
                (local.set 1 (call $make (i32.add (local.get 0) (i32.const 100))))
                (drop (call $make (i32.const 1)))
                (throw $e (local.get 1) (local.get 0)))
              (func $between (param i32) (local (ref $node))
                (local.set 1 (call $make (i32.const 7)))
                (call $throw (local.get 0))
                (drop (call $sum (local.get 1))))
              (func $again (param i32) (local $kept (ref $node)) (local $x exnref)
                (local.set $kept (call $make (i32.add (local.get 0) (i32.const 1000))))
                (block $caught (result exnref)
                  (try_table (catch_all_ref $caught) (call $between (local.get 0)))
                  (return))
                (local.set $x)
                (drop (call $make (i32.const 2)))
                (throw $wrap (local.get $x) (local.get $kept)))
              (func (export "run") (param i32) (result i32)
                (local $own (ref $node)) (local $x exnref) (local $kept (ref null $node)) (local $thrown (ref null $node)) (local $n i32)
                (local.set $own (call $make (i32.add (local.get 0) (i32.const 10000))))
                (block $outer (result exnref (ref null $node))
                  (try_table (catch $wrap $outer) (call $again (local.get 0)))
                  (unreachable))
                (local.set $kept) (local.set $x)
                (drop (call $make (i32.const 3)))
                (block $inner (result (ref $node) i32)
                  (try_table (catch $e $inner) (throw_ref (local.get $x)))
                  (unreachable))
                (local.set $n) (local.set $thrown)
                (drop (call $make (i32.const 4)))
                (i32.add (i32.add (call $sum (local.get $own)) (call $sum (local.get $kept))) (i32.add (call $sum (local.get $thrown)) (local.get $n)))))
            """);
        TypedFunction<int, int> run = i.GetFunction<int, int>("run");
        for (int k = 0; k < 50; k++)
            Assert.Equal((3 * (k + 10000)) + (3 * (k + 1000)) + (3 * (k + 100)) + k, run.Invoke(k));
    }

    // A reference outlives the frame that threw and the instance that did; what was caught in a call is thrown again in a later one.
    [Fact]
    public void An_exception_outlives_its_frames_and_its_instance()
    {
        using var engine = new Engine();
        using var store = new Store(engine);
        var linker = new Linker(engine);
        using Module thrower = Module.FromText(engine, """(module (tag $e (export "e") (param i32 f32)) (func (export "f") (param i32) (throw $e (local.get 0) (f32.const 0.5))))""");
        Instance first = linker.DefineModule(store, "m", thrower);
        using Module keeper = Module.FromText(engine, """
            (module (import "m" "e" (tag $e (param i32 f32))) (import "m" "f" (func $f (param i32)))
              (table $kept 10 exnref)
              (func (export "keep") (param i32)
                (block $caught (result exnref) (try_table (catch_all_ref $caught) (call $f (local.get 0))) (unreachable))
                (drop)
                (table.set $kept (local.get 0)
                  (block $again (result exnref) (try_table (catch_all_ref $again) (call $f (i32.mul (local.get 0) (i32.const 3)))) (unreachable))))
              (func (export "throw") (param i32) (throw_ref (table.get $kept (local.get 0))))
              (func (export "look") (param i32) (result i32)
                (block $caught (result i32 f32) (try_table (catch $e $caught) (throw_ref (table.get $kept (local.get 0)))) (unreachable))
                (drop)))
            """);
        Instance second = linker.Instantiate(store, keeper);
        for (int k = 0; k < 10; k++)
            second.GetAction<int>("keep").Invoke(k);
        first.Dispose();
        GC.Collect();
        for (int k = 9; k >= 0; k--)
        {
            Assert.Equal(3 * k, second.GetFunction<int, int>("look").Invoke(k));
            Assert.Equal(3 * k, Assert.Throws<GuestException>(() => second.GetAction<int>("throw").Invoke(k)).Payload[0].AsInt32());
        }
    }

    // A handler belongs to its frame: one that was left, by returning or by a tail call, catches nothing, and one within catches before those around.
    [Theory]
    [MemberData(nameof(ExceptionTests.Configurations), MemberType = typeof(ExceptionTests))]
    public void Handlers_of_frames_that_were_left_catch_nothing(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = ExceptionTests.Make(memory, mode, allocation);
        using Instance i = ExceptionTests.Instantiate(engine, """
            (module (tag $e (param i32))
              (type $f (func (param i32) (result i32)))
              (table funcref (elem $throw $left $tail $within))
              (func $throw (type $f) (throw $e (local.get 0)))
              (func $left (type $f)
                (block $caught (result i32) (try_table (catch $e $caught) (drop (call $nothing (local.get 0)))) (i32.const 0))
                (drop)
                (call $throw (local.get 0)))
              (func $nothing (type $f) (local.get 0))
              (func $tail (type $f)
                (block $caught (result i32) (try_table (catch $e $caught) (return_call_indirect (type $f) (local.get 0) (i32.const 0))) (unreachable))
                (i32.const -1000) (i32.add))
              (func $within (type $f)
                (block $caught (result i32)
                  (try_table (catch $e $caught)
                    (block $inner (result i32) (try_table (catch $e $inner) (drop (call $throw (local.get 0)))) (unreachable))
                    (drop)
                    (drop (call $throw (i32.add (local.get 0) (i32.const 100)))))
                  (unreachable)))
              (func (export "run") (param i32 i32) (result i32)
                (block $caught (result i32)
                  (try_table (catch $e $caught) (return (call_indirect (type $f) (local.get 1) (local.get 0))))
                  (unreachable))
                (i32.add (i32.const 10000))))
            """);
        TypedFunction<int, int, int> run = i.GetFunction<int, int, int>("run");
        Assert.Equal(10007, run.Invoke(0, 7));
        Assert.Equal(10007, run.Invoke(1, 7));
        Assert.Equal(10007, run.Invoke(2, 7));
        Assert.Equal(107, run.Invoke(3, 7));
    }

    // Whoever handles an exception may end the instance that threw it: the host function is the last to use it.
    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void An_instance_may_end_with_an_exception_on_its_way(AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = allocation });
        const string Text = """
            (module (import "e" "end" (func $end)) (tag $e (export "e") (param i32))
              (func (export "throw") (throw $e (i32.const 9)))
              (func (export "run") (result i32) (block $l (result i32) (try_table (catch $e $l) (call $end)) (i32.const 1))))
            """;
        using Module module = Module.FromText(engine, Text);
        Action body = () => { };
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "end", () => body()).Prepare(module);
        for (int round = 0; round < 20; round++)
        {
            Instance ending = template.Instantiate();
            body = () =>
            {
                GuestException thrown = Assert.Throws<GuestException>(() => ending.GetAction("throw").Invoke());
                ending.Dispose();
                throw thrown;
            };
            // It has ended, and its guest goes no further: what it would have caught comes out, or that it was stopped.
            Exception? outcome = Record.Exception(() => ending.GetFunction<int>("run").Invoke());
            Assert.True(outcome is null or GuestException or TrapException or ObjectDisposedException, outcome?.ToString());
            using Instance next = template.Instantiate();
            body = () => { };
            Assert.Equal(1, next.GetFunction<int>("run").Invoke());
        }
    }

    // Many values, and many handlers around each call: what is not refused works.
    [Theory]
    [InlineData(300, 40)]
    [InlineData(1000, 1)]
    [InlineData(1, 900)]
    public void Large_payloads_and_many_handlers_work(int values, int handlers)
    {
        string types = string.Concat(Enumerable.Repeat(" i64", values));
        string tries = string.Concat(Enumerable.Range(0, handlers).Select(_ => "(try_table (catch $other 0)"));
        using var engine = new Engine();
        using Instance i = ExceptionTests.Instantiate(engine, $$"""
            (module (tag $e (param{{types}})) (tag $other)
              (func $throw (param i64) (throw $e {{string.Concat(Enumerable.Range(0, values).Select(k => $"(i64.add (local.get 0) (i64.const {k}))"))}}))
              (func (export "run") (param i64) (result i64) (local $sum i64)
                (block $none
                  (block $caught (result{{types}})
                    (try_table (catch $e $caught)
                      {{tries}} (call $throw (local.get 0)) {{new string(')', handlers)}})
                    (unreachable))
                  {{string.Concat(Enumerable.Repeat("(local.set $sum (i64.add (local.get $sum)))", values))}}
                  (return (local.get $sum)))
                (unreachable)))
            """);
        Assert.Equal((5L * values) + ((long)values * (values - 1) / 2), i.GetFunction<long, long>("run").Invoke(5));
    }
}

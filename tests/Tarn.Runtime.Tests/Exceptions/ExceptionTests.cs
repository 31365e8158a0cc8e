// Exceptions between guests and hosts: what arrives where, with which values, in every configuration of code and allocation. What nobody may catch is here too.
using System.Runtime.Intrinsics;

namespace Tarn.Runtime.Tests.Exceptions;

public sealed class ExceptionTests
{
    public static TheoryData<MemoryStrategy, CompilationMode, AllocationStrategy> Configurations => Api.GuestTests.Configurations;

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Values_of_all_types_arrive(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using Instance i = Instantiate(engine, """
            (module
              (type $all (func (param i32 i64 f32 f64 v128 externref funcref exnref)))
              (tag $all (export "all") (type $all))
              (tag $none)
              (elem declare func $throw)
              (func $throw (param externref) (local $x exnref)
                (block $caught (result exnref)
                  (try_table (catch_all_ref $caught) (call $none))
                  (unreachable))
                (local.set $x)
                (throw $all (i32.const -1) (i64.const -2) (f32.const 3.5) (f64.const -4.25) (v128.const i64x2 5 6) (local.get 0) (ref.func $throw) (local.get $x)))
              (func $none (throw $none))
              (func $between (param externref) (call $throw (local.get 0)) (unreachable))
              (func (export "catch") (param externref) (result i32 i64 f32 f64 v128 externref funcref)
                (local i32 i64 f32 f64 v128 externref funcref exnref)
                (block $caught (result i32 i64 f32 f64 v128 externref funcref exnref)
                  (try_table (catch $all $caught) (call $between (local.get 0)))
                  (unreachable))
                (local.set 8) (local.set 7) (local.set 6) (local.set 5) (local.set 4) (local.set 3) (local.set 2) (local.set 1)
                (block $none
                  (try_table (catch $none $none) (throw_ref (local.get 8)))
                  (unreachable))
                (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7))
              (func (export "throw") (param externref) (call $between (local.get 0))))
            """);
        object given = new();
        Value[] results = i.GetFunction("catch").Invoke(Value.FromObject(given));
        Check(results);
        Assert.Equal(7, results.Length);
        GuestException thrown = Assert.Throws<GuestException>(() => i.GetFunction("throw").Invoke(Value.FromObject(given)));
        Check(thrown.Payload);
        Assert.Equal(ValueKind.ExnRef, thrown.Payload[7].Kind);
        Assert.False(thrown.Payload[7].IsNull);
        Assert.Equal(i.GetTag("all"), thrown.Tag);
        Assert.Equal(8, thrown.Tag.Type.Function.Parameters.Length);
        Assert.Equal(3, thrown.GuestBacktrace.Count);

        void Check(IReadOnlyList<Value> values)
        {
            Assert.Equal(-1, values[0].AsInt32());
            Assert.Equal(-2, values[1].AsInt64());
            Assert.Equal(3.5f, values[2].AsSingle());
            Assert.Equal(-4.25, values[3].AsDouble());
            Assert.Equal(Vector128.Create(5UL, 6).AsByte(), values[4].AsVector());
            Assert.Same(given, values[5].AsObject());
            Assert.False(values[6].IsNull);
        }
    }

    // More values than registers, in a function whose own values take all registers: those of the handler come back from frames that saved them.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void What_lives_on_in_a_handler_is_what_it_was(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        const int Count = 24;
        string locals = string.Join(' ', Enumerable.Range(0, Count).Select(k => $"(local $a{k} i64) (local $x{k} f64)"));
        string set = string.Join(' ', Enumerable.Range(0, Count).Select(k =>
            $"(local.set $a{k} (i64.mul (local.get $n) (i64.const {(k * 7) + 3}))) (local.set $x{k} (f64.convert_i64_s (i64.add (local.get $n) (i64.const {k}))))"));
        string sum = Enumerable.Range(0, Count).Aggregate("(i64.const 0)", (all, k) => $"(i64.add (i64.add {all} (local.get $a{k})) (i64.trunc_f64_s (local.get $x{k})))");
        string payload = string.Join(' ', Enumerable.Repeat("i64", Count));
        using Engine engine = Make(memory, mode, allocation);
        using Instance i = Instantiate(engine, $$"""
            (module
              (tag $e (param {{payload}}))
              (func $throw (param $n i64) {{locals}}
                {{set}}
                (throw $e {{string.Join(' ', Enumerable.Range(0, Count).Select(k => $"(local.get $a{k})"))}}))
              (func $busy (param $n i64) (param $depth i32) (result i64) {{locals}}
                {{set}}
                (if (i32.eqz (local.get $depth))
                  (then (call $throw (local.get $n)))
                  (else (local.set $n (call $busy (i64.add (local.get $n) (i64.const 1)) (i32.sub (local.get $depth) (i32.const 1))))))
                {{sum}})
              (func (export "run") (param $n i64) (param $depth i32) (result i64) {{locals}}
                (local $payload i64)
                {{set}}
                (block $caught (result {{payload}})
                  (try_table (catch $e $caught) (drop (call $busy (local.get $n) (local.get $depth))))
                  (unreachable))
                {{string.Join(' ', Enumerable.Repeat("(local.set $payload (i64.add (local.get $payload)))", Count))}}
                (i64.add (local.get $payload) {{sum}})))
            """);
        TypedFunction<long, int, long> run = i.GetFunction<long, int, long>("run");
        foreach (int depth in (int[])[0, 1, 2, 30])
        {
            foreach (long n in (long[])[0, 1, 1000, -77])
            {
                long own = Enumerable.Range(0, Count).Sum(k => (n * ((k * 7) + 3)) + n + k);
                long thrown = Enumerable.Range(0, Count).Sum(k => (n + depth) * ((k * 7) + 3));
                Assert.Equal(own + thrown, run.Invoke(n, depth));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Host_functions_throw_to_their_guests(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using var store = new Store(engine);
        Tag tag = store.CreateTag(new TagType(new FunctionType([ValueKind.I32, ValueKind.F64], [])));
        var linker = new Linker(engine);
        linker.Define("e", "tag", tag);
        // Three ways out of a guest: direct, with a caller, through the array of values.
        linker.DefineFunction("e", "direct", (int a) => a > 0 ? throw new GuestException(tag, a, 0.5) : a);
        linker.DefineFunction("e", "caller", (Caller _, int a) => a > 0 ? throw new GuestException(tag, a, 1.5) : a);
        linker.DefineFunction("e", "array", (uint a) => a > 0 ? throw new GuestException(tag, (int)a, 2.5) : a);
        string function(string name) => $$"""
              (func (export "{{name}}") (param i32) (result f64)
                (local $a i32) (local $b f64) (local $k i64)
                (local.set $k (i64.extend_i32_s (local.get 0)))
                (block $caught (result i32 f64)
                  (try_table (catch $e $caught) (drop (call ${{name}} (local.get 0))))
                  (return (f64.const -1)))
                (local.set $b) (local.set $a)
                (f64.add (local.get $b) (f64.convert_i64_s (i64.add (local.get $k) (i64.extend_i32_s (local.get $a))))))
            """;
        using Module module = Module.FromText(engine, $$"""
            (module
              (import "e" "tag" (tag $e (param i32 f64)))
              (import "e" "direct" (func $direct (param i32) (result i32)))
              (import "e" "caller" (func $caller (param i32) (result i32)))
              (import "e" "array" (func $array (param i32) (result i32)))
              {{function("direct")}} {{function("caller")}} {{function("array")}}
              (export "tag" (tag $e)))
            """);
        Instance i = linker.Instantiate(store, module);
        Assert.Equal(tag, i.GetTag("tag"));
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(80.5, i.GetFunction<int, double>("direct").Invoke(40));
            Assert.Equal(81.5, i.GetFunction<int, double>("caller").Invoke(40));
            Assert.Equal(82.5, i.GetFunction<int, double>("array").Invoke(40));
            Assert.Equal(-1, i.GetFunction<int, double>("direct").Invoke(0));
        }
    }

    // Guest, host, guest: the exception passes the host function as a C# exception, and the outer guest catches it by its tag, with a reference that is still the same exception.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void Exceptions_pass_through_the_host_and_through_instances(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using var store = new Store(engine);
        var linker = new Linker(engine);
        Instance inner = default!;
        var seen = new List<string>();
        linker.DefineFunction("e", "through", (int a) =>
        {
            try
            {
                return inner.GetFunction<int, int>("throw").Invoke(a);
            }
            catch (GuestException e) when (Note(e))
            {
                return 0;
            }
        });
        bool Note(GuestException e)
        {
            seen.Add(string.Join(',', e.GuestBacktrace.Select(f => f.FunctionName)));
            return e.Payload[0].AsInt32() == 2;
        }

        using Module first = Module.FromText(engine, """
            (module $inner (tag $e (export "tag") (param i32))
              (func $deep (param i32) (throw $e (local.get 0)))
              (func $throw (export "throw") (param i32) (result i32) (call $deep (local.get 0)) (i32.const 5)))
            """);
        inner = linker.DefineModule(store, "inner", first);
        using Module plain = Module.FromText(engine, """
            (module $plain (import "e" "through" (func $f (param i32) (result i32)))
              (func $through (export "through") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1))))
            """);
        linker.DefineModule(store, "plain", plain);
        using Module second = Module.FromText(engine, """
            (module $outer
              (import "inner" "tag" (tag $e (param i32)))
              (import "plain" "through" (func $through (param i32) (result i32)))
              (tag $other (param i32))
              (global $last (export "last") (mut exnref) (ref.null exn))
              (func $run (export "run") (param i32) (result i32) (local exnref)
                (block $other (result i32)
                  (block $caught (result i32 exnref)
                    (try_table (result i32) (catch $other $other) (catch_ref $e $caught) (call $through (local.get 0)))
                    (return (i32.add (i32.const 100))))
                  (local.tee 1) (global.set $last)
                  (block $again (result i32)
                    (try_table (catch $e $again) (throw_ref (local.get 1)))
                    (unreachable))
                  (return (i32.add)))
                (unreachable)))
            """);
        Instance outer = linker.Instantiate(store, second);
        Assert.Equal(6, outer.GetFunction<int, int>("run").Invoke(3));
        Assert.Equal(101, outer.GetFunction<int, int>("run").Invoke(2));
        Assert.Equal(8, outer.GetFunction<int, int>("run").Invoke(4));
        Assert.Equal("deep,throw,through,run", seen[0]);
        Assert.False(outer.GetGlobal("last").Value.IsNull);
    }

    // A function of another instance ends in a tail call to a third: the VM context of the frame that catches is none of those.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void A_handler_runs_in_its_own_instance(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using var store = new Store(engine);
        var linker = new Linker(engine);
        using Module c = Module.FromText(engine, """
            (module (tag (export "tag") (param i64)) (global $g (mut i64) (i64.const 3)) (func (export "f") (param i64) (throw 0 (i64.add (local.get 0) (global.get $g)))))
            """);
        using Module b = Module.FromText(engine, """
            (module (import "c" "f" (func $f (param i64))) (global $g (mut i64) (i64.const 20))
              (func (export "f") (param i64) (return_call $f (i64.add (local.get 0) (global.get $g)))))
            """);
        using Module a = Module.FromText(engine, """
            (module (import "b" "f" (func $f (param i64))) (import "c" "tag" (tag $e (param i64))) (global $g (mut i64) (i64.const 100))
              (func $direct (param i64) (call $f (local.get 0)))
              (func (export "run") (param i64) (result i64)
                (block $caught (result i64)
                  (try_table (catch $e $caught) (call $direct (local.get 0)))
                  (unreachable))
                (i64.add (global.get $g)))
              (func $tail (param i64) (result i64)
                (block $caught (result i64)
                  (try_table (catch $e $caught) (return_call $lost (local.get 0)))
                  (unreachable)))
              (func $lost (param i64) (result i64) (call $direct (local.get 0)) (i64.const 0))
              (func (export "tail") (param i64) (result i64)
                (block $caught
                  (try_table (catch_all $caught) (drop (call $tail (local.get 0))))
                  (unreachable))
                (i64.const 77)))
            """);
        linker.DefineModule(store, "c", c);
        linker.DefineModule(store, "b", b);
        Instance i = linker.Instantiate(store, a);
        Assert.Equal(1123, i.GetFunction<long, long>("run").Invoke(1000));
        Assert.Equal(77, i.GetFunction<long, long>("tail").Invoke(1));
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Nothing_but_exceptions_is_caught(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        var options = new EngineOptions
        {
            MemoryStrategy = memory, CompilationMode = mode, AllocationStrategy = allocation, EnableFuel = true, EnableInterruption = true, StackSize = 1 << 20, Features = WasmFeatures.All & ~WasmFeatures.ComponentAsync,
        };
        using var engine = new Engine(options);
        using var store = new Store(engine);
        var linker = new Linker(engine);
        linker.DefineFunction("e", "fail", () => throw new InvalidTimeZoneException("the host's own"));
        linker.DefineFunction("e", "stop", (Caller caller) => caller.Store.Interrupt());
        string wrap(string name, string body) => $$"""
              (func ${{name}} {{body}})
              (func (export "{{name}}") (block $l (try_table (catch_all $l) (call ${{name}}))))
              (func (export "{{name}}-legacy") (try (do (call ${{name}})) (catch_all)))
            """;
        using Module module = Module.FromText(engine, $$"""
            (module (import "e" "fail" (func $host)) (import "e" "stop" (func $ask)) (memory 1)
              {{wrap("unreachable", "(unreachable)")}}
              {{wrap("divide", "(drop (i32.div_u (i32.const 1) (i32.const 0)))")}}
              {{wrap("load", "(drop (i32.load (i32.const -4)))")}}
              {{wrap("null", "(throw_ref (ref.null exn))")}}
              {{wrap("deep", "(call $deep) (call $deep)")}}
              {{wrap("fail", "(call $host)")}}
              {{wrap("spin", "(loop $l (br $l))")}}
              {{wrap("stop", "(call $ask) (loop $l (br $l))")}}
              (func (export "fine") (result i32) (i32.const 1)))
            """);
        Instance i = linker.Instantiate(store, module);
        foreach (string suffix in (string[])["", "-legacy"])
        {
            store.Fuel = 1_000_000;
            Expect("unreachable", TrapCode.Unreachable);
            Expect("divide", TrapCode.IntegerDivideByZero);
            Expect("load", TrapCode.MemoryOutOfBounds);
            Expect("null", TrapCode.NullReference);
            Expect("deep", TrapCode.StackExhausted);
            Assert.Throws<InvalidTimeZoneException>(() => i.GetFunction("fail" + suffix).Invoke());
            Expect("stop", TrapCode.Interrupted);
            Expect("spin", TrapCode.OutOfFuel);
            Assert.Equal(0, store.Fuel);
            store.Fuel = 1_000_000;
            Assert.Equal(1, i.GetFunction<int>("fine").Invoke());

            void Expect(string name, TrapCode code) => Assert.Equal(code, Assert.Throws<TrapException>(() => i.GetFunction(name + suffix).Invoke()).Code);
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task Guests_wait_within_a_try_and_catch_what_comes(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, mode, allocation);
        using var store = new Store(engine);
        Tag tag = store.CreateTag(new TagType(new FunctionType([ValueKind.I32], [])));
        var linker = new Linker(engine);
        linker.Define("e", "tag", tag);
        linker.DefineFunction("e", "wait", async (int a) =>
        {
            await Task.Yield();
            return a switch { 1 => throw new GuestException(tag, 40), 2 => throw new InvalidTimeZoneException("no"), _ => a };
        });
        using Module module = Module.FromText(engine, """
            (module (import "e" "tag" (tag $e (param i32))) (import "e" "wait" (func $wait (param i32) (result i32)))
              (func $between (param i32) (result i32) (i32.add (call $wait (local.get 0)) (i32.const 1)))
              (func (export "run") (param i32) (result i32) (local $k i32)
                (local.set $k (i32.mul (local.get 0) (i32.const 1000)))
                (block $caught (result i32)
                  (try_table (catch $e $caught)
                    (return (i32.add (local.get $k) (call $between (local.get 0)))))
                  (unreachable))
                (i32.add (local.get $k))))
            """);
        Instance i = linker.Instantiate(store, module);
        TypedFunction<int, int> run = i.GetFunction<int, int>("run");
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(1040, await run.InvokeAsync(1));
            Assert.Equal(3004, await run.InvokeAsync(3));
            await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await run.InvokeAsync(2));
        }
    }

    [Fact]
    public void A_thread_that_blocks_for_the_host_gets_its_exception()
    {
        using var engine = new Engine(new EngineOptions { BlockOnPendingHostFunctions = true });
        using var store = new Store(engine);
        Tag tag = store.CreateTag(new TagType(new FunctionType([], [])));
        var linker = new Linker(engine);
        linker.Define("e", "tag", tag);
        linker.DefineFunction("e", "wait", async () =>
        {
            await Task.Yield();
            throw new GuestException(tag);
        });
        using Module module = Module.FromText(engine, """
            (module (import "e" "tag" (tag $e)) (import "e" "wait" (func $wait))
              (func (export "run") (result i32)
                (block $caught (try_table (catch $e $caught) (call $wait)) (return (i32.const 1)))
                (i32.const 2)))
            """);
        Assert.Equal(2, linker.Instantiate(store, module).GetFunction<int>("run").Invoke());
    }

    [Fact]
    public void Exceptions_of_one_instance_are_none_of_anothers_business()
    {
        using var engine = new Engine();
        const string Text = """
            (module (import "e" "f" (func $f)) (tag $e (export "tag"))
              (func (export "throw") (throw $e))
              (func (export "run") (result i32) (block $l (try_table (catch_all $l) (call $f)) (return (i32.const 1))) (i32.const 2)))
            """;
        using Module module = Module.FromText(engine, Text);
        Action body = () => { };
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => body()).Prepare(module);
        using Instance one = template.Instantiate();
        using Instance other = template.Instantiate();
        body = () => one.GetAction("throw").Invoke();
        Assert.Equal(2, one.GetFunction<int>("run").Invoke());
        Assert.Throws<GuestException>(() => other.GetFunction<int>("run").Invoke());
        // One that was kept over the end of its life means nothing to the next, even if that has the same slot.
        GuestException kept = Assert.Throws<GuestException>(() => other.GetAction("throw").Invoke());
        Tag stale = other.GetTag("tag");
        body = () => throw kept;
        Assert.Throws<GuestException>(() => one.GetFunction<int>("run").Invoke());
        other.Dispose();
        using Instance next = template.Instantiate();
        Assert.Throws<GuestException>(() => next.GetFunction<int>("run").Invoke());
        Assert.Throws<ObjectDisposedException>(() => new GuestException(stale));
        Assert.Throws<ArgumentException>(() => new GuestException(next.GetTag("tag"), 1));
    }

    [Fact]
    public void An_uncaught_exception_says_what_and_where()
    {
        using var engine = new Engine();
        using Instance i = Instantiate(engine, """(module $m (tag $e (param i32 f64)) (func $f (throw $e (i32.const 7) (f64.const 1.5))) (func (export "run") (call $f)))""");
        GuestException thrown = Assert.Throws<GuestException>(() => i.GetAction("run").Invoke());
        Assert.StartsWith("the guest threw an exception (i32:7, f64:1.5)\n   at ", thrown.Message);
        Assert.Equal(["f", "run"], thrown.GuestBacktrace.Select(f => f.FunctionName ?? "run"));
        Assert.False(i.GetFunction("run").IsNull);
        Assert.Throws<GuestException>(() => i.GetFunction("run").TryInvoke([], [], out _));
    }

    [Fact]
    public void A_try_table_without_clauses_is_a_block()
    {
        using var engine = new Engine();
        using Instance i = Instantiate(engine, """
            (module (tag $e (param i32))
              (func $throw (throw $e (i32.const 4)))
              (func (export "in") (result i32)
                (block $caught (result i32)
                  (try_table (catch $e $caught) (try_table (call $throw)))
                  (unreachable)))
              (func (export "out") (result i32) (try_table (result i32) (call $throw) (i32.const 1))))
            """);
        Assert.Equal(4, i.GetFunction<int>("in").Invoke());
        Assert.Throws<GuestException>(() => i.GetFunction<int>("out").Invoke());
    }

    [Fact]
    public void Compiled_modules_keep_their_handlers()
    {
        using var engine = new Engine();
        using Module module = Module.FromText(engine, """
            (module (tag $a (param i32)) (tag $b (param i32))
              (func $f (param i32) (if (i32.eqz (local.get 0)) (then (throw $a (i32.const 10)))) (throw $b (i32.const 20)))
              (func (export "run") (param i32) (result i32)
                (block $outer (result i32)
                  (try_table (catch $b $outer)
                    (block $inner (result i32)
                      (try_table (catch $a $inner) (call $f (local.get 0)))
                      (unreachable))
                    (return (i32.add (i32.const 1))))
                  (unreachable))
                (i32.add (i32.const 2))))
            """);
        using Module loaded = Module.Deserialize(engine, module.Serialize());
        using InstanceTemplate template = new Linker(engine).Prepare(loaded);
        using Instance i = template.Instantiate();
        Assert.Equal(11, i.GetFunction<int, int>("run").Invoke(0));
        Assert.Equal(22, i.GetFunction<int, int>("run").Invoke(1));
    }

    internal static Engine Make(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation) =>
        new(new EngineOptions { MemoryStrategy = memory, CompilationMode = mode, AllocationStrategy = allocation });

    internal static Instance Instantiate(Engine engine, string text)
    {
        using Module module = Module.FromText(engine, text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        return template.Instantiate();
    }
}

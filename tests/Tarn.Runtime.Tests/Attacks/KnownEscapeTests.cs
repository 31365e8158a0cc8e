// Ways by which a guest once got out of its sandbox or took the host down with it, by number, never to come back. Some of them end the process if they do.

namespace Tarn.Runtime.Tests.Attacks;

public sealed class KnownEscapeTests
{
    public static TheoryData<MemoryStrategy, CompilationMode, AllocationStrategy> Configurations => Api.GuestTests.Configurations;

    // 1. An exchange that succeeds left the upper half of what was expected in the register of its result, and addresses are made of all 64 bits.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void Compare_exchange_of_32_bits_gives_32_bits(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions { MemoryStrategy = memory, CompilationMode = mode, AllocationStrategy = allocation, Features = WasmFeatures.All });
        using Instance i = Instantiate(engine, """
            (module (memory 1 1) (data (i32.const 0) "\2a\00\00\00") (data (i32.const 0x2a) "\07")
              (func (export "load") (param $x i64) (result i32)
                (i32.load8_u (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.wrap_i64 (local.get $x)) (i32.const 42))))
              (func (export "extend") (param $x i64) (result i64)
                (i64.extend_i32_u (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.wrap_i64 (local.get $x)) (i32.const 42))))
              (func (export "narrow") (param $x i64) (result i64)
                (i64.atomic.rmw32.cmpxchg_u (i32.const 0) (local.get $x) (i64.const 42))))
            """);
        foreach (long upper in (long[])[0, 1L << 32, 0x10_0000_0000, long.MinValue, 0x7FFF_FFFFL << 32])
        {
            Assert.Equal(42, i.GetFunction<long, long>("extend").Invoke(upper + 42));
            Assert.Equal(42, i.GetFunction<long, long>("narrow").Invoke(upper + 42));
            Assert.Equal(7, i.GetFunction<long, int>("load").Invoke(upper + 42));
        }
    }

    // 2. A division below a branch on its divisor needs no check. It was moved out of the loop nevertheless, above the branch, and the processor's own fault ended the process.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void Divisions_stay_below_what_guards_them(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions { MemoryStrategy = memory, CompilationMode = mode, AllocationStrategy = allocation });
        foreach (string type in (string[])["i32", "i64"])
        {
            foreach (string operation in (string[])["div_u", "div_s", "rem_u", "rem_s"])
            {
                string divide = $"(local.set $s ({type}.add (local.get $s) ({type}.{operation} (local.get $a) (local.get $d))))";
                string isZero = $"({type}.eqz (local.get $d))";
                string[] bodies =
                [
                    $"(if (i32.eqz {isZero}) (then {divide}))",
                    $"(if {isZero} (then) (else {divide}))",
                    $"(block $skip (br_if $skip {isZero}) {divide})",
                    $"(block $skip (br_if $skip {isZero}) (loop $inner {divide} (br_if $inner (i32.eqz (local.tee $k (i32.eqz (local.get $k)))))))",
                ];
                foreach (string body in bodies)
                {
                    using Instance i = Instantiate(engine, $$"""
                        (module (func (export "f") (param $a {{type}}) (param $d {{type}}) (param $n i32) (result {{type}}) (local $s {{type}}) (local $k i32)
                          (loop $l {{body}} (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                          (local.get $s)))
                        """);
                    Value[] result = new Value[1];
                    Value[] Arguments(int divisor, int rounds) => type == "i32" ? [7, divisor, rounds] : [7L, (long)divisor, rounds];
                    Assert.True(i.GetFunction("f").TryInvoke(Arguments(0, 3), result, out _));
                    Assert.Equal(0L, type == "i32" ? result[0].AsInt32() : result[0].AsInt64());
                    Assert.True(i.GetFunction("f").TryInvoke(Arguments(2, 1), result, out _));
                    Assert.Equal(operation[0] == 'd' ? 3L : 1L, type == "i32" ? result[0].AsInt32() : result[0].AsInt64());
                }
            }
        }
    }

    // 3. A guest that calls itself by way of a host function uses the thread's stack too, and that one's end is the process's.
    [Theory]
    [InlineData(256 << 10, 1 << 20)]
    [InlineData(1536 << 10, 8 << 20)]
    public void Recursion_through_the_host_ends_in_a_trap(int threadStack, int guestStack)
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = guestStack });
        var linker = new Linker(engine);
        TypedFunction<int, int> again = default;
        int deepest = 0;
        linker.DefineFunction("e", "again", (int depth) => again.Invoke(deepest = depth));
        using Module module = Module.FromText(engine, """
            (module (import "e" "again" (func $again (param i32) (result i32)))
              (func (export "f") (param i32) (result i32) (call $again (i32.add (local.get 0) (i32.const 1))))
              (func (export "g") (result i32) (i32.const 5)))
            """);
        using InstanceTemplate template = linker.Prepare(module);
        using Instance i = template.Instantiate();
        again = i.GetFunction<int, int>("f");
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(() => again.Invoke(0)), threadStack);
        thread.Start();
        thread.Join();
        Assert.Equal(TrapCode.StackExhausted, Assert.IsType<TrapException>(failure).Code);
        Assert.True(deepest > 10, $"{deepest}");
        Assert.Equal(5, i.GetFunction<int>("g").Invoke());
    }

    // 4. A short copy from address 0 was loads without an index, which were taken for loads within the memory at its smallest and moved out of the loop, above the copy's own checks.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void Copies_load_nothing_before_their_checks(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions
        {
            MemoryStrategy = memory,
            CompilationMode = mode,
            AllocationStrategy = allocation,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 2, Memories = 2 } },
        });
        foreach (string type in (string[])["i32", "i64"])
        {
            using Instance i = Instantiate(engine, $$"""
                (module (memory $a (export "a") {{type}} 1 1) (memory $b {{type}} 0 1)
                  (func (export "guarded") (param $copies i32) (param $n i32) (result i32)
                    (loop $l
                      (if (local.get $copies) (then (memory.copy $a $b ({{type}}.const 0) ({{type}}.const 0) ({{type}}.const 64))))
                      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                    (i32.const 7))
                  (func (export "ordered") (param $n i32)
                    (loop $l
                      (i32.store8 $a ({{type}}.const 100) (local.get $n))
                      (memory.copy $a $b ({{type}}.const 0) ({{type}}.const 0) ({{type}}.const 8))
                      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
                """);
            Assert.Equal(7, i.GetFunction<int, int, int>("guarded").Invoke(0, 3));
            Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => i.GetFunction<int, int, int>("guarded").Invoke(1, 3)).Code);
            Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => i.GetAction<int>("ordered").Invoke(5)).Code);
            Assert.Equal(5, i.GetMemory("a").AsSpan()[100]);
        }
    }

    // 5. A module that was loaded was compiled once more when it was serialised, without knowing that its tail calls leave it: after a call that ended in another instance the
    //    caller kept that one's context, and read its globals and memory.
    [Theory]
    [MemberData(nameof(Configurations))]
    public void Code_that_was_loaded_and_saved_knows_that_its_tail_calls_leave(MemoryStrategy memory, CompilationMode mode, AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions { MemoryStrategy = memory, CompilationMode = mode, AllocationStrategy = allocation });
        using Module secret = Module.FromText(engine, """
            (module (memory (export "memory") 1) (data (i32.const 0) "\2a\2a\2a\2a")
              (global $g (mut i32) (i32.const 0x5EC2E7))
              (func (export "f") (global.set $g (i32.add (global.get $g) (i32.const 1)))))
            """);
        using Module original = Module.FromText(engine, """
            (module (import "a" "f" (func $f)) (memory (export "memory") 1) (data (i32.const 0) "\07")
              (global $g (mut i32) (i32.const 7))
              (func $t (return_call $f))
              (func (export "h") (result i32 i32) (call $t) (global.get $g) (i32.load8_u (i32.const 0))))
            """);
        using Module loaded = Module.Deserialize(engine, original.Serialize());
        using Module again = Module.Deserialize(engine, loaded.Serialize());
        foreach (Module module in (Module[])[original, loaded, again])
        {
            using var store = new Store(engine);
            var linker = new Linker(engine);
            linker.DefineModule(store, "a", secret);
            Instance i = linker.Instantiate(store, module);
            Assert.Equal((7, 7), i.GetFunction<(int, int)>("h").Invoke());
        }
    }

    private static Instance Instantiate(Engine engine, string text)
    {
        using Module module = Module.FromText(engine, text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        return template.Instantiate();
    }
}

// Faults that other runtimes have had, as tests: each is a way in which one tenant could have seen or harmed another. Guarded and checked
// memories, and a slot whose last user left as much behind as it could.
namespace Tarn.Runtime.Tests.Pooling;

public sealed class IsolationTests
{
    public static TheoryData<MemoryStrategy> Strategies => [MemoryStrategy.Guarded, MemoryStrategy.Checked];

    // CVE-2022-39393 (Wasmtime): a module without an image found the heap image of the module before it.
    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_module_without_data_does_not_see_the_image_of_the_module_before_it(MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy);
        using Module with = Module.FromText(engine, """(module (memory (export "memory") 1) (data (i32.const 0) "secret") (data (i32.const 60000) "secret"))""");
        using Module without = Module.FromText(engine, """(module (memory (export "memory") 1))""");
        using InstanceTemplate first = new Linker(engine).Prepare(with);
        using InstanceTemplate second = new Linker(engine).Prepare(without);
        for (int i = 0; i < 5; i++)
        {
            first.Instantiate().Dispose();
            using Instance instance = second.Instantiate();
            Assert.Equal(65536, instance.Memory.AsSpan().Count((byte)0));
        }
    }

    // CVE-2022-39392 (Wasmtime): memories of no pages in a pool, whose neighbours were accessible.
    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_memory_of_no_pages_reaches_nothing(MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy, new InstanceLimits { Count = 3, MemoryPages = 0 });
        using Module module = Module.FromText(engine, """
            (module (memory 0)
              (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
              (func (export "store") (param i32) (i32.store (local.get 0) (i32.const 1)))
              (func (export "grow") (result i32) (memory.grow (i32.const 1))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Instance[] all = [template.Instantiate(), template.Instantiate(), template.Instantiate()];
        foreach (Instance instance in all)
        {
            Assert.Equal(-1, instance.GetFunction<int>("grow").Invoke());
            foreach (int address in new[] { 0, 1, 4095, 4096, 65536, int.MaxValue, -1, -4 })
            {
                Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => instance.GetFunction<int, int>("load").Invoke(address)).Code);
                Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => instance.GetAction<int>("store").Invoke(address)).Code);
            }
            instance.Dispose();
        }
    }

    // CVE-2021-39219's cousin, and the fault fixed with Wasmtime's reuse of slots: after growth the pages stayed accessible for the next instance.
    [Theory]
    [MemberData(nameof(Strategies))]
    public void What_one_instance_grew_into_is_out_of_bounds_for_the_next(MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy);
        using Module module = Module.FromText(engine, """
            (module (memory (export "memory") 1)
              (func (export "use") (param i32) (drop (memory.grow (local.get 0))) (i32.store (i32.const 200000) (i32.const -1)))
              (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int i = 0; i < 20; i++)
        {
            using (Instance instance = template.Instantiate())
            {
                instance.GetAction<int>("use").Invoke(3);
                if (i % 3 == 0)
                    instance.Memory.AsSpan().Fill(0xAA);
            }
            using Instance next = template.Instantiate();
            foreach (int address in new[] { 65536, 131071, 200000, (4 << 16) - 1 })
                Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => next.GetFunction<int, int>("load").Invoke(address)).Code);
            Assert.Equal(1, next.Memory.Grow(3));
            Assert.Equal(4 << 16, next.Memory.AsSpan().Count((byte)0));
        }
    }

    // CVE-2023-26489 (Wasmtime): effective addresses of 33 bits, computed in 32 or scaled by an addressing mode.
    [Theory]
    [MemberData(nameof(Strategies))]
    public void Index_and_offset_together_do_not_wrap_around(MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy, new InstanceLimits { Count = 3 });
        string[] loads = ["i32.load8_u", "i32.load16_u", "i32.load", "f64.load", "i64.load32_u", "i64.load"];
        foreach (string load in loads)
        {
            string drop = $"(drop ({load} offset=OFFSET (local.get 0)))";
            string scaled = $"(drop ({load} offset=OFFSET (i32.shl (local.get 0) (i32.const 3))))";
            string functions = string.Concat(new[] { "4294967295", "4294967288", "2147483648", "33554432", "65536", "65529" }.Select((offset, i) =>
                $"(func (export \"f{i}\") (param i32) {drop.Replace("OFFSET", offset, StringComparison.Ordinal)}) (func (export \"s{i}\") (param i32) {scaled.Replace("OFFSET", offset, StringComparison.Ordinal)})"));
            using Module module = Module.FromText(engine, $"(module (memory 1) {functions})");
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            // Neighbours on both sides, so that a wild address would hit something.
            Instance[] all = [template.Instantiate(), template.Instantiate(), template.Instantiate()];
            for (int i = 0; i < 6; i++)
            {
                foreach (int index in new[] { -1, -8, int.MinValue, int.MaxValue, 65536, 0x1FFFFFFF, 8 })
                {
                    // The last offset and a small index are the one pair that may lie within: eight bytes at most, at 65529 + 8.
                    Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => all[1].GetAction<int>($"f{i}").Invoke(index)).Code);
                    if ((uint)index << 3 > 0)
                        Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => all[1].GetAction<int>($"s{i}").Invoke(index)).Code);
                }
            }
            foreach (Instance instance in all)
                instance.Dispose();
        }
    }

    // CVE-2022-24791 and others: references to host objects outlived the instance that held them.
    [Theory]
    [MemberData(nameof(Strategies))]
    public void Host_objects_are_let_go_with_the_instance_that_held_them(MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy);
        using Module module = Module.FromText(engine, """
            (module (table $t (export "t") 2 externref) (global $g (export "g") (mut externref) (ref.null extern))
              (func (export "keep") (param externref) (table.set $t (i32.const 0) (local.get 0)) (global.set $g (local.get 0))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        WeakReference kept = Use(template);
        using Instance next = template.Instantiate();
        Assert.True(next.GetTable("t").Get(0).IsNull);
        Assert.True(next.GetGlobal("g").Value.IsNull);
        for (int i = 0; i < 10 && kept.IsAlive; i++)
            GC.Collect();
        Assert.False(kept.IsAlive);
    }

    // An instantiation that fails halfway: the slot's next user must see nothing of it.
    [Theory]
    [MemberData(nameof(Strategies))]
    public void An_instantiation_that_fails_halfway_leaves_nothing_behind(MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy);
        using Module trapsInStart = Module.FromText(engine, """
            (module (memory (export "memory") 1) (data (i32.const 10) "secret") (global $g (mut i32) (i32.const 1))
              (func $s (memory.fill (i32.const 0) (i32.const 255) (i32.const 65536)) (drop (memory.grow (i32.const 2))) unreachable) (start $s))
            """);
        using Module segmentTooFar = Module.FromText(engine, """(module (memory 1) (data (i32.const 10) "secret") (data (i32.const 65535) "xx"))""");
        using Module throwsInStart = Module.FromText(engine, """
            (module (import "e" "f" (func $f)) (memory 1) (data (i32.const 10) "secret") (func $s (i32.store (i32.const 0) (i32.const -1)) (call $f)) (start $s))
            """);
        using Module plain = Module.FromText(engine, """(module (memory (export "memory") 1))""");
        Linker linker = new Linker(engine).DefineFunction("e", "f", void () => throw new InvalidTimeZoneException("on purpose"));
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(TrapCode.Unreachable, Assert.Throws<TrapException>(() => linker.Prepare(trapsInStart).Instantiate()).Code);
            Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => linker.Prepare(segmentTooFar).Instantiate()).Code);
            Assert.Throws<InvalidTimeZoneException>(() => linker.Prepare(throwsInStart).Instantiate());
            using Instance instance = linker.Prepare(plain).Instantiate();
            Assert.Equal(65536, instance.Memory.AsSpan().Count((byte)0));
        }
    }

    // A guest that touches every other page, to use up the process's mappings.
    [Fact]
    public void A_guest_that_strides_through_its_memory_does_not_use_up_mappings()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, new InstanceLimits { Count = 100 });
        using Module module = Module.FromText(engine, """
            (module (memory (export "memory") 160)
              (func (export "stride") (local $at i32)
                (loop $again
                  (i32.store (local.get $at) (i32.const -1))
                  (local.set $at (i32.add (local.get $at) (i32.const 8192)))
                  (br_if $again (i32.lt_u (local.get $at) (i32.const 10485760))))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        int before = File.ReadLines("/proc/self/maps").Count();
        var all = new Instance[50];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = template.Instantiate();
            all[i].GetAction("stride").Invoke();
        }
        // 1280 pages each, every other one: a mapping for each would be 128,000. Other tests run at the same time.
        Assert.InRange(File.ReadLines("/proc/self/maps").Count() - before, int.MinValue, 10_000);
        foreach (Instance instance in all)
            instance.Dispose();
        using Instance next = template.Instantiate();
        Assert.Equal(160 * 65536, next.Memory.AsSpan().Count((byte)0));
    }

    private static WeakReference Use(InstanceTemplate template)
    {
        var secret = new object();
        using Instance instance = template.Instantiate();
        instance.GetAction<object>("keep").Invoke(secret);
        return new WeakReference(secret);
    }

    private static Engine Make(MemoryStrategy strategy) => Make(strategy, new InstanceLimits { Count = 1, MemoryPages = 4 });

    private static Engine Make(MemoryStrategy strategy, InstanceLimits limits) => new(new EngineOptions
    {
        AllocationStrategy = AllocationStrategy.Pooling,
        MemoryStrategy = strategy,
        Pooling = new PoolingOptions { Limits = limits },
    });
}

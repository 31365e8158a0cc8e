// "An instance of a snapshot equals the instance that it was taken of", and a slot that is used again equals both: as bytes (the encoding of the whole state holds every byte of every memory, every
// global, every table element and every segment) and in what it does. Then what refuses a snapshot.
using System.Runtime.Intrinsics;
using Tarn.Runtime.Tests.Pooling;
using Tarn.Snapshots;
using Tarn.Stores;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.Snapshots;

public sealed class SnapshotTests
{
    private const string Text = """
        (module
          (type $f (func (result i32)))
          (import "host" "next" (func $next (result i32)))
          (memory (export "memory") 1 20)
          (table $t (export "t") 2 9 funcref)
          (global $g (export "g") (mut i64) (i64.const 1))
          (global $v (export "v") (mut v128) (v128.const i64x2 1 2))
          (global $x (export "x") (mut f32) (f32.const 1.5))
          (global $c (export "c") i32 (i32.const 7))
          (global $p (mut funcref) (ref.null func))
          (data (i32.const 16) "active")
          (data $d "passive")
          (data $e "dropped")
          (elem $s func $one $next)
          (func $one (result i32) (i32.const 1))
          (func (export "init")
            (drop (memory.grow (i32.const 4)))
            (i64.store (i32.const 200000) (i64.const -1))
            (i32.store8 (i32.const 16) (i32.const 0x41))
            (memory.fill (i32.const 4096) (i32.const 7) (i32.const 130000))
            (data.drop $e)
            (global.set $g (i64.const 77))
            (global.set $v (v128.const i64x2 -1 5))
            (global.set $x (f32.const -0.25))
            (global.set $p (ref.func $one))
            (drop (table.grow $t (ref.null func) (i32.const 2)))
            (table.init $t $s (i32.const 2) (i32.const 0) (i32.const 2)))
          (func (export "call") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0)))
          (func (export "callp") (result i32) (table.set $t (i32.const 0) (global.get $p)) (call_indirect $t (type $f) (i32.const 0)))
          (func (export "passive") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 7)))
          (func (export "dropped") (memory.init $e (i32.const 0) (i32.const 0) (i32.const 7)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))
        """;

    public static TheoryData<AllocationStrategy, ResetStrategy, MemoryStrategy, int> Configurations
    {
        get
        {
            var data = new TheoryData<AllocationStrategy, ResetStrategy, MemoryStrategy, int>();
            foreach (MemoryStrategy strategy in Enum.GetValues<MemoryStrategy>())
            {
                data.Add(AllocationStrategy.OnDemand, ResetStrategy.Default, strategy, 0);
                foreach (ResetStrategy reset in new[] { ResetStrategy.Learned, ResetStrategy.PageMapScan, ResetStrategy.Decommit, ResetStrategy.Copy })
                {
                    data.Add(AllocationStrategy.Pooling, reset, strategy, 1 << 20);
                    data.Add(AllocationStrategy.Pooling, reset, strategy, 2 * 4096);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void An_instance_of_a_snapshot_equals_the_one_it_was_taken_of(AllocationStrategy allocation, ResetStrategy reset, MemoryStrategy strategy, int keepResident)
    {
        using Engine engine = EngineOf(allocation, reset, strategy, keepResident, pages: 16);
        using Module module = Module.FromText(engine, Text);
        int calls = 0;
        using InstanceTemplate plain = new Linker(engine).DefineFunction("host", "next", () => ++calls).Prepare(module);
        using InstanceTemplate template = plain.Initialize(static instance => instance.GetFunction("init").Invoke());
        Assert.True(template.SnapshotBytes > 130_000);
        using Instance original = plain.Instantiate();
        original.GetFunction("init").Invoke();
        byte[] expected = StateOf(original);
        for (int life = 0; life < 6; life++)
        {
            using Instance instance = template.Instantiate();
            Assert.Equal(expected, StateOf(instance));
            Assert.Equal(5 * 65536, (int)instance.Memory.Length);
            Assert.Equal((77L, 7), (instance.GetGlobal("g").Value.AsInt64(), instance.GetGlobal("c").Value.AsInt32()));
            Assert.Equal((1, 1), (instance.GetFunction<int, int>("call").Invoke(2), instance.GetFunction<int>("callp").Invoke()));
            int before = calls;
            Assert.Equal(before + 1, instance.GetFunction<int, int>("call").Invoke(3));
            instance.GetFunction("passive").Invoke();
            Assert.Equal("passive", instance.Memory.ReadUtf8(0, 7));
            Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => instance.GetFunction("dropped").Invoke()).Code);
            // Beyond what the snapshot has: memory that was grown here is zero, in each life.
            Assert.Equal(5, instance.GetFunction<int, int>("grow").Invoke(3));
            Assert.Equal(0, instance.GetFunction<int, int>("load").Invoke(8 * 65536 - 4));
            TypedAction<int, int> store = instance.GetAction<int, int>("store");
            for (int at = 0; at < 8 * 65536; at += life % 2 == 0 ? 4096 : 65536)
                store.Invoke(at, -1);
            Global vector = instance.GetGlobal("v");
            vector.Value = Value.FromVector(Vector128<byte>.Zero);
            instance.GetTable("t").Grow(3, instance.GetFunction("grow"));
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Random_guests_continue_from_their_snapshots(AllocationStrategy allocation, ResetStrategy reset, MemoryStrategy strategy, int keepResident)
    {
        using FuzzRun run = FuzzRun.Start(typeof(SnapshotTests), nameof(Random_guests_continue_from_their_snapshots), 20261201 + (int)reset, $"{allocation}-{reset}-{strategy}-{keepResident}");
        using Engine engine = EngineOf(allocation, reset, strategy, keepResident, RandomGuest.MostPages);
        int taken = 0;
        int refused = 0;
        for (int m = 0; m < 24 || run.GoesOn; m++)
        {
            int seed = run.First + m;
            var random = new Random(seed);
            var guest = new RandomGuest(random);
            using Module module = Module.FromText(engine, guest.Text);
            using InstanceTemplate plain = new Linker(engine).Prepare(module);
            int first = random.Next();
            InstanceTemplate template;
            try
            {
                template = plain.Initialize(instance => guest.Run(instance, first, 12));
            }
            catch (SnapshotException e)
            {
                // Guests are given objects of the host now and then.
                Assert.Contains("object", e.Message, StringComparison.Ordinal);
                refused++;
                continue;
            }
            taken++;
            bool beginsElsewhere;
            using Module loaded = Module.Deserialize(engine, template.Serialize());
            using InstanceTemplate again = new Linker(engine).Prepare(loaded);
            Assert.True(loaded.HasSnapshot);
            Assert.Equal(template.Serialize(), loaded.Serialize());
            // A guest that traps at once has changed nothing: then the snapshot begins as the module does.
            using (Instance unchanged = plain.Instantiate())
            using (Instance changed = template.Instantiate())
                beginsElsewhere = !StateOf(unchanged).AsSpan().SequenceEqual(StateOf(changed));
            for (int life = 0; life < 5; life++)
            {
                int next = random.Next();
                string expected;
                byte[] state;
                byte[]? saved;
                using (Instance original = plain.Instantiate())
                {
                    guest.Run(original, first, 12);
                    state = StateOf(original);
                    saved = original.Save();
                    expected = guest.Run(original, next, 12);
                }
                using (Instance used = (life % 2 == 0 ? template : again).Instantiate())
                {
                    Assert.Equal(state, StateOf(used));
                    Same(expected, guest.Run(used, next, 12));
                }
                using (Instance restored = plain.Restore(saved))
                {
                    Assert.Equal(state, StateOf(restored));
                    Same(expected, guest.Run(restored, next, 12));
                }
                // A state that differs from the snapshot's, saved and restored.
                using Instance third = template.Instantiate();
                guest.Run(third, next, 6);
                if (TrySave(third) is not byte[] difference)
                    continue;
                byte[] later = StateOf(third);
                string continued = guest.Run(third, next + 1, 12);
                using Instance fourth = template.Restore(difference);
                Assert.Equal(later, StateOf(fourth));
                Same(continued, guest.Run(fourth, next + 1, 12));
                if (beginsElsewhere)
                    Assert.Throws<InvalidSnapshotException>(() => plain.Restore(difference));
            }
            template.Dispose();

            void Same(string expected, string actual) =>
                Assert.True(expected == actual, $"seed {seed}; {run.Keep(seed, System.Text.Encoding.UTF8.GetBytes(guest.Text))}:\n{guest.Text}\n--- expected\n{expected}\n--- actual\n{actual}");
        }
        Assert.True(taken >= 3, $"{taken} snapshots were taken, {refused} refused");
    }

    [Fact]
    public void A_start_function_runs_once()
    {
        using Engine engine = EngineOf(AllocationStrategy.Pooling, ResetStrategy.Default, MemoryStrategy.Guarded, 1 << 20, 16);
        using Module module = Module.FromText(engine, """
            (module (import "host" "count" (func $count)) (memory 1) (start $s) (func $s (call $count) (i32.store (i32.const 8) (i32.const 5)))
              (func (export "load") (result i32) (i32.load (i32.const 8))))
            """);
        int starts = 0;
        using InstanceTemplate plain = new Linker(engine).DefineFunction("host", "count", () => { starts++; }).Prepare(module);
        using InstanceTemplate template = plain.Initialize(static _ => { });
        byte[] saved;
        using (Instance instance = template.Instantiate())
        {
            Assert.Equal(5, instance.GetFunction<int>("load").Invoke());
            saved = instance.Save();
        }
        using (Instance instance = template.Restore(saved))
            Assert.Equal(5, instance.GetFunction<int>("load").Invoke());
        Assert.Equal(1, starts);
        using Module loaded = Module.Deserialize(engine, template.Serialize());
        using InstanceTemplate again = new Linker(engine).DefineFunction("host", "count", () => { starts++; }).Prepare(loaded);
        using (Instance instance = again.Instantiate())
            Assert.Equal(5, instance.GetFunction<int>("load").Invoke());
        Assert.Equal(1, starts);
    }

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void Memories_of_64_bits_and_several_memories_are_taken(AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = allocation,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 4, Memories = 3, MemoryPages = 32 } },
        });
        using Module module = Module.FromText(engine, """
            (module (memory $a i64 2) (memory $b 1) (memory $c (export "memory") i64 0 9)
              (func (export "init")
                (memory.fill $a (i64.const 0) (i32.const 3) (i64.const 131072))
                (i32.store $b (i32.const 65532) (i32.const 9))
                (drop (memory.grow $c (i64.const 5)))
                (i64.store $c (i64.const 300000) (i64.const 4)))
              (func (export "sum") (result i64)
                (i64.add (i64.load8_u $a (i64.const 131071)) (i64.add (i64.extend_i32_u (i32.load $b (i32.const 65532))) (i64.load $c (i64.const 300000))))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module).Initialize(static instance => instance.GetFunction("init").Invoke());
        for (int life = 0; life < 3; life++)
        {
            using Instance instance = template.Instantiate();
            Assert.Equal(16, instance.GetFunction<long>("sum").Invoke());
            instance.Memory.Write(300000, 0x55L);
        }
    }

    [Fact]
    public void What_is_not_the_instance_s_own_is_refused_with_the_reason()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, Features = WasmFeatures.All });
        Refused("element 0 of table 0 is a reference to an object", """(module (table (export "t") 1 externref))""", static i => i.GetTable("t").Set(0, Value.FromObject("host")));
        Refused("global 0 is a reference to an object", """(module (global (export "g") (mut externref) (ref.null extern)))""", static i =>
        {
            Global global = i.GetGlobal("g");
            global.Value = Value.FromObject(new object());
        });
        Refused("global 0 is a reference to an object", """(module (type $s (struct)) (global (mut (ref null $s)) (struct.new $s)))""", static _ => { });
        Refused("global 0 is a reference to an object", """(module (type $s (struct)) (global (ref $s) (struct.new $s)))""", static _ => { });
        Refused("element segment 0 holds managed objects", """(module (type $s (struct)) (elem (ref null $s) (struct.new $s)))""", static _ => { });
        Refused("element 0 of table 0 is a function of the host", """(module (table (export "t") 1 funcref))""", static i =>
        {
            i.GetTable("t").Set(0, Value.FromFunction(i.Store.CreateFunction(new FunctionType([], []), static (_, _, _) => { })));
        });
        Refused("a memory is shared", """(module (memory (export "memory") 1 1 shared))""", static _ => { });
        using (var shared = new SharedMemory(engine, new MemoryType(1, 1, isShared: true)))
        {
            using Module module = Module.FromText(engine, """(module (import "m" "m" (memory 1 1 shared)))""");
            using InstanceTemplate template = new Linker(engine).Define("m", "m", shared).Prepare(module);
            Assert.Contains("imports a memory", Assert.Throws<SnapshotException>(() => template.Initialize(static _ => { })).Message, StringComparison.Ordinal);
        }
        using (var store = new Store(engine))
        {
            using Module module = Module.FromText(engine, """(module (import "m" "m" (memory 1)))""");
            Memory memory = store.CreateMemory(new MemoryType(1));
            using InstanceTemplate template = new Linker(engine).Define("m", "m", memory).Prepare(module);
            Assert.Contains("belong to a store", Assert.Throws<SnapshotException>(() => template.Initialize(static _ => { })).Message, StringComparison.Ordinal);
        }
        using (Module module = Module.FromText(engine, "(module)"))
        {
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            Assert.Contains("the door is open", Assert.Throws<SnapshotException>(() => template.Initialize(static _ => { }, new Door())).Message, StringComparison.Ordinal);
        }

        void Refused(string reason, string text, Action<Instance> initialize)
        {
            using Module module = Module.FromText(engine, text);
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            Assert.Contains(reason, Assert.Throws<SnapshotException>(() => template.Initialize(initialize)).Message, StringComparison.Ordinal);
            using Instance instance = template.Instantiate();
            initialize(instance);
            Assert.Throws<SnapshotException>(instance.Save);
        }
    }

    [Fact]
    public async Task A_call_in_progress_or_suspended_is_refused()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using Module module = Module.FromText(engine, """
            (module (import "host" "now" (func $now)) (import "host" "later" (func $later)) (func (export "now") (call $now)) (func (export "later") (call $later)))
            """);
        Instance? instance = null;
        var gate = new TaskCompletionSource();
        using InstanceTemplate template = new Linker(engine)
            .DefineFunction("host", "now", () => { instance!.Save(); })
            .DefineFunction("host", "later", async () => await gate.Task)
            .Prepare(module);
        instance = template.Instantiate();
        Assert.Contains("in progress", Assert.Throws<SnapshotException>(() => instance.GetFunction("now").Invoke()).Message, StringComparison.Ordinal);
        ValueTask pending = instance.GetAction("later").InvokeAsync();
        Assert.Contains("suspended", Assert.Throws<SnapshotException>(() => instance.Save()).Message, StringComparison.Ordinal);
        gate.SetResult();
        await pending;
        _ = instance.Save();
        instance.Dispose();
        Assert.Throws<ObjectDisposedException>(() => instance.Save());
    }

    [Fact]
    public void Limits_hold_for_instances_of_snapshots()
    {
        using Engine engine = EngineOf(AllocationStrategy.Pooling, ResetStrategy.Default, MemoryStrategy.Guarded, 1 << 20, 16);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate plain = new Linker(engine).DefineUnknownImportsAsTraps().Prepare(module);
        using InstanceTemplate template = plain.Initialize(static instance => instance.GetFunction("init").Invoke());
        var small = new StoreLimits { MaximumMemoryBytes = 65536 };
        Assert.Throws<InstantiationException>(() => template.Instantiate(limits: small));
        byte[] saved;
        using (Instance instance = template.Instantiate(limits: new StoreLimits { MaximumMemoryBytes = 5 * 65536 }))
            saved = instance.Save();
        Assert.Throws<InstantiationException>(() => template.Restore(saved, limits: small));
        using (Instance instance = plain.Instantiate())
        {
            instance.GetFunction("init").Invoke();
            saved = instance.Save();
        }
        Assert.Throws<InstantiationException>(() => plain.Restore(saved, limits: small));
        plain.Restore(saved, limits: new StoreLimits { MaximumMemoryBytes = 5 * 65536 }).Dispose();
    }

    /// <summary>Everything that an instance holds, as bytes.</summary>
    internal static byte[] StateOf(Instance instance)
    {
        using StoreUse use = instance.Enter();
        return StateEncoding.Encode(instance.Module.Wasm, null, StateDifference.Of(StateCapture.Capture(instance.Data)));
    }

    internal static Engine EngineOf(AllocationStrategy allocation, ResetStrategy reset, MemoryStrategy strategy, int keepResident, int pages)
    {
        Assert.SkipWhen(reset == ResetStrategy.PageMapScan && !Platform.VirtualMemory.Current.CanFindResident, "this kernel has no PAGEMAP_SCAN (Linux 6.7)");
        return new Engine(new EngineOptions
        {
            AllocationStrategy = allocation,
            MemoryStrategy = strategy,
            MaximumMemoryPages = pages,
            MaximumTableElements = RandomGuest.MostElements,
            StackSize = EngineOptions.MinimumStackSize,
            Pooling = new PoolingOptions
            {
                Limits = new InstanceLimits { Count = 3, Size = 4096, Tables = 2, TableElements = RandomGuest.MostElements, MemoryPages = pages },
                ResetStrategy = reset,
                MemoryKeepResident = Math.Max(keepResident, 4096),
                StackSize = EngineOptions.MinimumStackSize,
            },
        });
    }

    private static byte[]? TrySave(Instance instance)
    {
        try
        {
            return instance.Save();
        }
        catch (SnapshotException)
        {
            return null;
        }
    }

    private sealed class Door : ISnapshotState
    {
        public string DescribeUnsavedState() => "the door is open";
    }
}

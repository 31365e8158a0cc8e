// Shared memories as objects: who can import them, how long they live, how they grow, and what the host may do with their bytes.
namespace Tarn.Runtime.Tests.Threads;

public sealed class SharedMemoryTests
{
    private const string Guest = """
        (func (export "size") (result i32) (memory.size))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
        (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
        (func (export "add") (param i32 i32) (result i32) (i32.atomic.rmw.add (local.get 0) (local.get 1)))
        (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "init") (param i32) (memory.init $d (local.get 0) (i32.const 0) (i32.const 4)))
        (data (i32.const 16) "\01\02\03\04") (data $d "abcd")
        """;

    public static TheoryData<MemoryStrategy, AllocationStrategy> Configurations => SharedGuests.Configurations;

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Instances_of_several_stores_see_one_memory(MemoryStrategy memory, AllocationStrategy allocation)
    {
        using var guests = new SharedGuests(Guest, SharedGuests.Options(memory, allocation));
        using Instance one = guests.Instantiate();
        Assert.Equal(0x04030201, guests.Memory.Read<int>(16));
        guests.Memory.Write(16, 0);
        // Each instantiation writes its data segments.
        using Instance two = guests.Instantiate();
        Assert.Equal(0x04030201, guests.Memory.Read<int>(16));
        one.GetAction<int, int>("store").Invoke(100, 42);
        Assert.Equal(42, two.GetFunction<int, int>("load").Invoke(100));
        Assert.Equal(42, two.GetFunction<int, int, int>("add").Invoke(100, 8));
        Assert.Equal(50, guests.Memory.AtomicLoad<int>(100));
        one.GetAction<int, int, int>("fill").Invoke(200, 7, 100);
        two.GetAction<int, int, int>("copy").Invoke(400, 250, 100);
        Assert.Equal(0x07070707, guests.Memory.Read<int>(446));
        Assert.Equal(0, guests.Memory.Read<int>(450));
        two.GetAction<int>("init").Invoke(500);
        Assert.Equal("abcd", guests.Memory.ReadUtf8(500, 4));
        Assert.Equal(1, one.GetFunction<int, int>("grow").Invoke(2));
        Assert.Equal(3, two.GetFunction<int>("size").Invoke());
        Assert.Equal(0, two.GetFunction<int, int>("load").Invoke((3 << 16) - 4));
        Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => two.GetFunction<int, int>("load").Invoke((3 << 16) - 3)).Code);
        Assert.Equal(-1, two.GetFunction<int, int>("grow").Invoke(2));
        Assert.Equal((3L, 3L << 16), (guests.Memory.Pages, guests.Memory.Length));
        Assert.Equal(3, guests.Memory.Grow(1));
        Assert.Equal(4, one.GetFunction<int>("size").Invoke());
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void A_memory_lives_until_its_last_user_has_gone(MemoryStrategy memory, AllocationStrategy allocation)
    {
        using var guests = new SharedGuests(Guest, SharedGuests.Options(memory, allocation));
        Instance one = guests.Instantiate();
        Instance two = guests.Instantiate();
        guests.Memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => guests.Memory.Read<int>(0));
        Assert.Throws<ObjectDisposedException>(() => guests.Memory.Length);
        Assert.Throws<ObjectDisposedException>(() => guests.Memory.Grow(1));
        one.GetAction<int, int>("store").Invoke(100, 42);
        one.Dispose();
        Assert.False(guests.Memory.Core.IsFreed);
        Assert.Equal(42, two.GetFunction<int, int>("load").Invoke(100));
        two.Dispose();
        Assert.True(guests.Memory.Core.IsFreed);
        Assert.Throws<ObjectDisposedException>(() => guests.Instantiate());
        Assert.Throws<ObjectDisposedException>(() => new Linker(guests.Engine).Define("e", "m", guests.Memory));
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void An_exported_memory_outlives_its_instance_and_fits_other_stores(MemoryStrategy memory, AllocationStrategy allocation)
    {
        EngineOptions options = SharedGuests.Options(memory, allocation);
        using var engine = new Engine(options with { Features = options.Features | WasmFeatures.Threads });
        using Module defining = Module.FromText(engine, """
            (module (memory (export "memory") 1 3 shared) (data (i32.const 8) "hello\00")
              (func (export "size") (result i32) (memory.size)) (func (export "grow") (result i32) (memory.grow (i32.const 1))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(defining);
        using Module using_ = Module.FromText(engine, """
            (module (import "e" "memory" (memory 1 3 shared)) (func (export "size") (result i32) (memory.size)) (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
            """);
        SharedMemory kept;
        Instance other;
        using (Instance instance = template.Instantiate())
        using (Instance fresh = template.Instantiate())
        {
            kept = instance.GetSharedMemory("memory");
            Linker linker = new Linker(engine).DefineInstance("e", instance);
            using InstanceTemplate importing = linker.Prepare(using_);
            other = importing.Instantiate();
            Assert.Equal(1, other.GetFunction<int>("size").Invoke());
            Assert.Equal(1, instance.GetFunction<int>("grow").Invoke());
            Assert.Equal(2, other.GetFunction<int>("size").Invoke());
            Assert.Equal(1, fresh.GetFunction<int>("size").Invoke());
            Assert.True(linker.TryGetSharedMemory("e", "memory", out SharedMemory? found));
            Assert.Equal(2, found.Pages);
            found.Dispose();
            Assert.False(linker.TryGetMemory("e", "memory", out _));
            Assert.True(linker.TryGetType("e", "memory", out ExternType? described));
            Assert.Equal("(memory 2 3 shared)", described.ToString());
            Memory view = instance.Memory;
            Assert.Equal(("hello", "hell"), (view.ReadNullTerminatedUtf8(8), view.ReadUtf8(8, 4)));
            using SharedMemory same = view.ToShared();
            Assert.Same(same.Core, kept.Core);
        }
        kept.WriteUtf8(8, "bye");
        Assert.Equal('b', other.GetFunction<int, int>("load").Invoke(8));
        kept.Dispose();
        Assert.Equal('y', other.GetFunction<int, int>("load").Invoke(9));
        other.Dispose();
        Assert.True(kept.Core.IsFreed);
    }

    [Fact]
    public void Views_of_a_shared_memory_are_refused_and_copies_are_not()
    {
        using var guests = new SharedGuests("(export \"memory\" (memory 0))");
        using Instance instance = guests.Instantiate();
        Memory memory = instance.Memory;
        Assert.True(memory.IsShared);
        foreach (Action view in new Action[] { () => memory.AsSpan(), () => memory.AsSpan(0, 4), () => memory.Access(0, 4).Dispose(), () => memory.Access().Dispose() })
            Assert.Contains("CopyTo", Assert.Throws<InvalidOperationException>(view).Message, StringComparison.Ordinal);
        memory.Access(0, 0).Dispose();
        memory.Write(3, 0x0102030405060708);
        Assert.Equal(0x0102030405060708, memory.Read<long>(3));
        memory.Write(64, (1, 2L, 3));
        Assert.Equal((1, 2L, 3), memory.Read<(int, long, int)>(64));
        memory.CopyFrom(1000, [1, 2, 3]);
        byte[] copy = new byte[3];
        memory.CopyTo(1000, copy);
        Assert.Equal([1, 2, 3], copy);
        Assert.Equal(6, memory.WriteUtf8(2000, "grüß"));
        Assert.Equal("grüß", guests.Memory.ReadUtf8(2000, 6));
        string text = new('x', 1000);
        memory.WriteUtf8(3000, text);
        Assert.Equal(text, memory.ReadNullTerminatedUtf8(3000));
        guests.Memory.CopyFrom(60_000, Enumerable.Repeat((byte)1, 5536).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.ReadNullTerminatedUtf8(60_000));
        foreach (long offset in new[] { -1, 65536 - 3, 65537, long.MaxValue, long.MinValue })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read<int>(offset));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(offset, 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.CopyTo(offset, copy.Length > 0 ? new byte[4] : []));
            Assert.Throws<ArgumentOutOfRangeException>(() => guests.Memory.Read<int>(offset));
            Assert.Throws<ArgumentOutOfRangeException>(() => guests.Memory.Write(offset, 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => guests.Memory.CopyFrom(offset, new byte[4]));
            Assert.Throws<ArgumentOutOfRangeException>(() => guests.Memory.ReadUtf8(offset, 4));
            Assert.ThrowsAny<ArgumentException>(() => guests.Memory.AtomicLoad<int>(offset));
            Assert.ThrowsAny<ArgumentException>(() => guests.Memory.Notify(offset));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => guests.Memory.ReadUtf8(0, -1));
        Assert.Throws<ArgumentException>(() => guests.Memory.AtomicLoad<int>(2));
        Assert.Throws<ArgumentException>(() => guests.Memory.AtomicLoad<(int, int, int)>(0));
        Assert.Equal(0, guests.Memory.AtomicExchange<short>(8000, 7));
        Assert.Equal(7, guests.Memory.AtomicCompareExchange<short>(8000, 9, 7));
        Assert.Equal(9, guests.Memory.AtomicCompareExchange<short>(8000, 1, 7));
        Assert.Equal(9, guests.Memory.AtomicLoad<short>(8000));
        Assert.Equal(5, guests.Memory.AtomicAdd(8008, 5));
        Assert.Equal(4L, guests.Memory.AtomicAdd(8008, -1L));
        guests.Memory.AtomicStore(8016, double.Pi);
        Assert.Equal(double.Pi, guests.Memory.AtomicLoad<double>(8016));
    }

    [Fact]
    public void What_is_no_shared_memory_is_refused()
    {
        using var engine = new Engine(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads, MaximumMemoryPages = 100 });
        Assert.Throws<ArgumentException>(() => new SharedMemory(engine, new MemoryType(1, 2)));
        Assert.Contains("MaximumMemoryPages", Assert.Throws<InstantiationException>(() => new SharedMemory(engine, new MemoryType(101, 200, isShared: true))).Message, StringComparison.Ordinal);
        using var memory = new SharedMemory(engine, new MemoryType(1, 200, isShared: true));
        Assert.Equal((100L, 200L, 1L, 65536, false), (memory.GrowthLimit, memory.Maximum, memory.Minimum, memory.PageSize, memory.Is64));
        Assert.Contains("MaximumMemoryPages", Assert.Throws<InvalidOperationException>(() => memory.Grow(100)).Message, StringComparison.Ordinal);
        Assert.False(memory.TryGrow(long.MaxValue, out _));
        using Module unshared = Module.FromText(engine, "(module (import \"e\" \"m\" (memory 1 200)) (memory (export \"own\") 1))");
        LinkException e = Assert.Throws<LinkException>(() => new Linker(engine).Define("e", "m", memory).Prepare(unshared));
        Assert.Contains("shared", e.Message, StringComparison.Ordinal);
        using Module own = Module.FromText(engine, "(module (memory (export \"own\") 1))");
        using InstanceTemplate template = new Linker(engine).Prepare(own);
        using Instance instance = template.Instantiate();
        Assert.False(instance.TryGetSharedMemory("own", out _));
        Assert.Contains("not shared", Assert.Throws<ArgumentException>(() => instance.GetSharedMemory("own")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => instance.GetSharedMemory("none"));
        Assert.Throws<InvalidOperationException>(() => instance.Memory.ToShared());
        using var second = new Engine();
        Assert.Throws<ArgumentException>(() => new Linker(second).Define("e", "m", memory));
    }

    [Fact]
    public void A_pool_keeps_its_limit_and_takes_the_slot_back()
    {
        EngineOptions options = SharedGuests.Options(MemoryStrategy.Guarded, AllocationStrategy.Pooling);
        using var engine = new Engine(options with { Features = options.Features | WasmFeatures.Threads });
        using Module large = Module.FromText(engine, "(module (memory 65 100 shared))");
        using (InstanceTemplate template = new Linker(engine).Prepare(large))
            Assert.Contains("InstanceLimits.MemoryPages", Assert.Throws<InstantiationException>(() => template.Instantiate()).Message, StringComparison.Ordinal);
        using Module module = Module.FromText(engine, "(module (memory (export \"m\") 1 100 shared) (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0))))");
        using InstanceTemplate good = new Linker(engine).Prepare(module);
        for (int i = 0; i < 20; i++)
        {
            using Instance instance = good.Instantiate();
            Assert.Equal(-1, instance.GetFunction<int, int>("grow").Invoke(64));
            Assert.Equal(1, instance.GetFunction<int, int>("grow").Invoke(63));
            Assert.Equal(0, instance.Memory.Read<long>(0));
            instance.Memory.Write(0, -1L);
        }
        Assert.Equal((4, 0), (engine.GetPoolStatistics().Instances.Free, engine.GetPoolStatistics().Instances.Warm));
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Growth_by_several_threads_is_exact(MemoryStrategy memory, AllocationStrategy allocation)
    {
        const int pages = 60;
        const int threads = 4;
        using var guests = new SharedGuests(Guest, SharedGuests.Options(memory, allocation), new MemoryType(1, 1 + pages, isShared: true));
        Instance[] instances = [guests.Instantiate(), guests.Instantiate(), guests.Instantiate()];
        var seen = new int[1 + pages];
        int refused = 0;
        void Note(long before)
        {
            if (before < 0)
                Interlocked.Increment(ref refused);
            else
                Interlocked.Increment(ref seen[before]);
        }
        Action[] growers = [.. instances.Select(instance => (Action)(() =>
        {
            TypedFunction<int, int> grow = instance.GetFunction<int, int>("grow");
            TypedFunction<int, int> load = instance.GetFunction<int, int>("load");
            for (int i = 0; i < pages; i++)
            {
                int before = grow.Invoke(1);
                Note(before);
                // What was granted is there at once.
                if (before >= 0)
                    Assert.Equal(0, load.Invoke((before << 16) + 65532));
            }
        }))];
        SharedGuests.Together([.. growers, () =>
        {
            for (int i = 0; i < pages; i++)
                Note(guests.Memory.TryGrow(1, out long before) ? before : -1);
        }]);
        Assert.All(seen[1..], count => Assert.Equal(1, count));
        Assert.Equal((threads * pages) - pages, refused);
        Assert.Equal(1 + pages, guests.Memory.Pages);
        foreach (Instance instance in instances)
            instance.Dispose();
    }

    [Fact]
    public void Each_store_keeps_its_own_limit_when_others_grow_the_memory()
    {
        using var guests = new SharedGuests(Guest, type: new MemoryType(1, 1000, isShared: true));
        // The limiter of one store lets the other one grow before it answers: its answer is for a size that the memory no longer has.
        int asked = 0;
        TypedFunction<int, int> other = default;
        using Instance free = guests.Instantiate();
        other = free.GetFunction<int, int>("grow");
        using Instance bounded = guests.Instantiate(new StoreLimits
        {
            MaximumMemoryBytes = 10 << 16,
            Limiter = (in ResourceRequest request) =>
            {
                Assert.Equal(ResourceKind.Memory, request.Kind);
                if (asked++ == 0)
                    Assert.Equal(1, other.Invoke(6));
                return true;
            },
        });
        TypedFunction<int, int> grow = bounded.GetFunction<int, int>("grow");
        // 1 + 5 would be within the limit, 7 + 5 is not.
        Assert.Equal(-1, grow.Invoke(5));
        Assert.Equal(7, grow.Invoke(3));
        Assert.Equal(-1, grow.Invoke(1));
        Assert.Equal(10, other.Invoke(1));
    }

    [Fact]
    public void Memories_of_64_bits_and_of_small_pages_are_shared_too()
    {
        using var guests = new SharedGuests(
            """
            (func (export "size") (result i64) (memory.size))
            (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
            (func (export "load") (param i64) (result i64) (i64.atomic.load (local.get 0)))
            (func (export "add") (param i64 i64) (result i64) (i64.atomic.rmw.add (local.get 0) (local.get 1)))
            """,
            type: new MemoryType(1, 1L << 20, is64: true, isShared: true));
        using Instance one = guests.Instantiate();
        using Instance two = guests.Instantiate();
        Assert.True(guests.Memory.Is64);
        Assert.Equal(1, one.GetFunction<long, long>("grow").Invoke(1));
        Assert.Equal(2, two.GetFunction<long>("size").Invoke());
        Assert.Equal(0, two.GetFunction<long, long, long>("add").Invoke((2 << 16) - 8, 5));
        Assert.Equal(5, one.GetFunction<long, long>("load").Invoke((2 << 16) - 8));
        Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => one.GetFunction<long, long>("load").Invoke(2 << 16)).Code);
        Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => one.GetFunction<long, long>("load").Invoke(-8)).Code);

        using var engine = new Engine(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads | WasmFeatures.CustomPageSizes });
        using var small = new SharedMemory(engine, new MemoryType(10, 5000, isShared: true, pageSize: 1));
        using Module module = Module.FromText(engine, """
            (module (import "e" "m" (memory 10 5000 shared (pagesize 1)))
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))) (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
            """);
        using InstanceTemplate template = new Linker(engine).Define("e", "m", small).Prepare(module);
        using Instance instance = template.Instantiate();
        Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => instance.GetFunction<int, int>("load").Invoke(10)).Code);
        Assert.Equal(10, small.Grow(4100));
        Assert.Equal(0, instance.GetFunction<int, int>("load").Invoke(4109));
        Assert.Equal(4110, instance.GetFunction<int, int>("grow").Invoke(890));
        Assert.Equal((5000L, 5000L), (small.Length, small.Pages));
    }

    [Fact]
    public void A_forgotten_memory_is_freed()
    {
        (WeakReference handle, Memories.SharedMemoryCore core) = Forget();
        for (int i = 0; i < 20 && !core.IsFreed; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.True(core.IsFreed);
        Assert.False(handle.IsAlive);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static (WeakReference Handle, Memories.SharedMemoryCore Core) Forget()
    {
        using var engine = new Engine();
        var memory = new SharedMemory(engine, new MemoryType(1, 2, isShared: true));
        return (new WeakReference(memory), memory.Core);
    }
}

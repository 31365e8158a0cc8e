// Little address space: what is reserved is what limits say, and where the system refuses that, what there is.
namespace Tarn.Runtime.Tests.Pooling;

public sealed class AddressSpaceTests
{
    private const string Growing = """
        (module (memory (export "m") 1) (table 1 funcref)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "growtable") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))
        """;

    [Fact]
    public void A_checked_memory_reserves_what_the_stores_limits_allow()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Checked();
        using Module module = Module.FromText(engine, Growing);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        scope.RefuseReservationsAbove = 8 << 20;
        using Instance instance = template.Instantiate(null, new StoreLimits { MaximumMemoryBytes = (4 << 20) + 5, MaximumTableElements = 1000 });
        Assert.Equal(0, scope.Refused);
        Assert.Equal(1, instance.GetFunction<int, int>("grow").Invoke(63));
        Assert.Equal(-1, instance.GetFunction<int, int>("grow").Invoke(1));
        Assert.Equal(1, instance.GetFunction<int, int>("growtable").Invoke(999));
        Assert.Equal(-1, instance.GetFunction<int, int>("growtable").Invoke(1));
    }

    [Fact]
    public void A_checked_memory_and_a_table_make_do_with_what_there_is_and_say_so()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Checked();
        using Module module = Module.FromText(engine, Growing);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        scope.RefuseReservationsAbove = 5 << 20;
        using Instance instance = template.Instantiate();
        Assert.True(scope.Refused > 0);
        Assert.Equal(1, instance.GetFunction<int, int>("grow").Invoke(50));
        Assert.Equal(-1, instance.GetFunction<int, int>("grow").Invoke(40));
        InvalidOperationException e = Assert.ThrowsAny<InvalidOperationException>(() => instance.Memory.Grow(40));
        Assert.Contains("the address space that the process had left", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, instance.GetFunction<int, int>("growtable").Invoke(300_000));
        Assert.Equal(-1, instance.GetFunction<int, int>("growtable").Invoke(1_000_000));
    }

    [Fact]
    public void A_memory_of_which_not_even_the_minimum_fits_is_refused()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Checked();
        using Module module = Module.FromText(engine, "(module (memory 100))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        scope.RefuseReservationsAbove = 5 << 20;
        Assert.Contains("refuses a memory of 6553600 bytes", Assert.Throws<InstantiationException>(() => template.Instantiate()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1UL << 30)]
    [InlineData(3UL << 30)]
    [InlineData(12UL << 30)]
    [InlineData(1UL << 40)]
    [InlineData(0UL)]
    public void The_code_arena_takes_its_share_of_what_the_process_may_have(ulong limit)
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        scope.AddressSpaceLimit = limit;
        var arena = new Platform.CodeArena(Platform.VirtualMemory.Current, Execution.HostTarget.Current.Filler);
        ulong share = Math.Clamp(limit / 16, Platform.CodeArena.MinimumBytes, Platform.CodeArena.MaximumBytes);
        Assert.Equal(share, (ulong)arena.ReservedBytes);
        Platform.CodeBlock block = arena.Allocate((int)(share / 2));
        arena.Free(block);
    }

    [Fact]
    public void The_code_arena_takes_half_where_the_system_refuses_the_whole()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        scope.RefuseReservationsAbove = 100 << 20;
        var arena = new Platform.CodeArena(Platform.VirtualMemory.Current, Execution.HostTarget.Current.Filler);
        Assert.InRange(arena.ReservedBytes, 50 << 20, 100 << 20);
        scope.RefuseReservationsAbove = 1 << 20;
        Assert.Throws<Platform.PlatformException>(() => new Platform.CodeArena(Platform.VirtualMemory.Current, Execution.HostTarget.Current.Filler));
    }

    private static Engine Checked() => new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, MemoryStrategy = MemoryStrategy.Checked });
}

// The limits' contract (defaults, equality, printing) and that faulty options are all named at once.
namespace Tarn.Runtime.Tests.Options;

public sealed class OptionsTests
{
    [Fact]
    public void Limits_have_the_promised_defaults()
    {
        InstanceLimits limits = InstanceLimits.Default;
        Assert.Equal((1000, 1L << 20, 1, 10_000, 1, 160), (limits.Count, limits.Size, limits.Tables, limits.TableElements, limits.Memories, limits.MemoryPages));
        Assert.Equal(limits, new PoolingOptions().Limits);
    }

    [Fact]
    public void Limits_are_equal_by_value_and_print_themselves()
    {
        Assert.Equal(InstanceLimits.Default with { Count = 5 }, new InstanceLimits { Count = 5 });
        Assert.NotEqual(InstanceLimits.Default, new InstanceLimits { MemoryPages = 161 });
        Assert.Equal(
            "InstanceLimits { Count = 1000, Size = 1048576 bytes, Tables = 1, TableElements = 10000, Memories = 1, MemoryPages = 160 (64 KiB each) }",
            InstanceLimits.Default.ToString());
    }

    [Fact]
    public void Default_options_are_sound()
    {
        Assert.Empty(new PoolingOptions().Validate());
        Assert.Empty(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling }.Validate());
    }

    [Fact]
    public void All_faults_are_reported_at_once()
    {
        var options = new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            MemoryStrategy = MemoryStrategy.Guarded,
            StackSize = 1,
            Pooling = new PoolingOptions
            {
                Limits = new InstanceLimits { Count = 0, Size = 1, MemoryPages = 100 },
                MemoryReservation = 65536,
                DecommitBatchSize = 0,
            },
        };
        IReadOnlyList<string> faults = options.Validate();
        Assert.Equal(6, faults.Count);
        Assert.Contains(faults, f => f.Contains("guarded memories need 4294967296", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.StartsWith("StackSize", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("Limits.Count is 0", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("does not fit MemoryReservation", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(65536, true)]
    [InlineData(65537, false)]
    public void Memory_pages_end_at_four_gibibytes(int pages, bool sound) =>
        Assert.Equal(sound, new PoolingOptions { Limits = new InstanceLimits { MemoryPages = pages } }.Validate().Count == 0);

    [Theory]
    [InlineData(160, true)]
    [InlineData(161, false)]
    public void Memory_pages_must_fit_the_reservation(int pages, bool sound) =>
        Assert.Equal(sound, new PoolingOptions { Limits = new InstanceLimits { MemoryPages = pages }, MemoryReservation = 160 * 65536 }.Validate().Count == 0);

    [Theory]
    [InlineData(1 << 24, true)]
    [InlineData((1 << 24) + 1, false)]
    public void A_pool_has_sixteen_million_slots_at_most(int slots, bool sound)
    {
        Assert.Equal(sound, new PoolingOptions { Limits = new InstanceLimits { Count = slots } }.Validate().Count == 0);
        Assert.Equal(sound, new PoolingOptions { TotalMemories = slots }.Validate().Count == 0);
        Assert.Equal(sound, new PoolingOptions { TotalTables = slots }.Validate().Count == 0);
        Assert.Equal(sound, new PoolingOptions { TotalStacks = slots }.Validate().Count == 0);
    }

    [Theory]
    [InlineData(1L << 30, true)]
    [InlineData((1L << 30) + 1, false)]
    public void Instances_and_stacks_have_a_gibibyte_at_most(long bytes, bool sound)
    {
        Assert.Equal(sound, new PoolingOptions { Limits = new InstanceLimits { Size = bytes } }.Validate().Count == 0);
        Assert.Equal(sound, new PoolingOptions { StackSize = bytes }.Validate().Count == 0);
    }

    [Theory]
    [InlineData(128, EngineOptions.MinimumStackSize, true)]
    [InlineData(127, EngineOptions.MinimumStackSize, false)]
    [InlineData(128, EngineOptions.MinimumStackSize - 1, false)]
    public void Instances_and_stacks_have_a_least_size(long size, long stack, bool sound) =>
        Assert.Equal(sound, new PoolingOptions { Limits = new InstanceLimits { Size = size }, StackSize = stack }.Validate().Count == 0);
}

// Fuel by size: what a guest can make the machine do for one instruction is charged by how much it is, exactly, in any place and by any memory strategy; and nothing ever reads negative.

namespace Tarn.Runtime.Tests.Api;

public sealed class FuelTests
{
    private const long Plenty = 1L << 50;

    private const string Guest = """
        (module
          (import "host" "spend" (func $spend (param i64)))
          (memory (export "memory") 64 400) (table $t 1000 100000 funcref) (table $u 1000 funcref)
          (data $d "0123456789abcdef0123456789abcdef") (elem $e func $f $f $f $f $f $f $f $f $f $f)
          (type $wide (func (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
          (func $f)
          (func $wide (type $wide)
            i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0
            i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0
            i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0)
          (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 0) (local.get 0)))
          (func (export "copy") (param i32) (memory.copy (i32.const 0) (i32.const 64) (local.get 0)))
          (func (export "init") (param i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
          (func (export "grow") (param i32) (drop (memory.grow (local.get 0))))
          (func (export "tfill") (param i32) (table.fill $t (i32.const 0) (ref.null func) (local.get 0)))
          (func (export "tcopy") (param i32) (table.copy $t $u (i32.const 0) (i32.const 0) (local.get 0)))
          (func (export "tinit") (param i32) (table.init $t $e (i32.const 0) (i32.const 0) (local.get 0)))
          (func (export "tgrow") (param i32) (drop (table.grow $t (ref.null func) (local.get 0))))
          (func (export "fill constant") (param i32) (memory.fill (i32.const 0) (i32.const 0) (i32.const 16000)))
          (func (export "fill a lot") (param i32) (memory.fill (i32.const 0) (i32.const 0) (i32.const 2000000)))
          (func (export "fill a little") (param i32) (memory.fill (i32.const 0) (i32.const 0) (i32.const 48)))
          (func (export "call many") (param i32) (call $wide) return)
          (func (export "call none") (param i32) (call $f) return)
          (func (export "branch") (param i32) (call $drop (block (type $wide) (br_if 0 (call $wide) (local.get 0)))))
          (func $drop (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))
          (func (export "divide") (param i32) (drop (i32.div_u (i32.const 100) (local.get 0))))
          (func (export "spend") (param i32) (call $spend (i64.extend_i32_u (local.get 0)))))
        """;

    [Theory]
    [InlineData("fill", 160, 16_000, 990)]
    [InlineData("fill", 0, 15, 0)]
    [InlineData("copy", 160, 16_000, 990)]
    [InlineData("init", 0, 32, 2)]
    [InlineData("grow", 0, 3, 3 * 256)]
    [InlineData("tfill", 0, 1000, 500)]
    [InlineData("tcopy", 0, 1000, 500)]
    [InlineData("tinit", 0, 10, 5)]
    [InlineData("tgrow", 0, 1000, 500)]
    [InlineData("grow", 0, 100_000, 0)]
    [InlineData("grow", 0, -1, 0)]
    [InlineData("tgrow", 0, -1, 0)]
    [InlineData("fill constant", 1, 1, 0)]
    public void What_has_a_size_costs_by_size(string function, int few, int many, long difference)
    {
        foreach (var memory in (MemoryStrategy[])[MemoryStrategy.Guarded, MemoryStrategy.Checked])
        {
            foreach (var allocation in (AllocationStrategy[])[AllocationStrategy.OnDemand, AllocationStrategy.Pooling])
            {
                using var fixture = new Fixture(FuelCosts.Default, memory, allocation);
                Assert.Equal(difference, fixture.Cost(function, many) - fixture.Cost(function, few));
            }
        }
    }

    [Theory]
    [InlineData("fill constant", 1000 + 4)]
    [InlineData("fill a lot", 125_000 + 4)]
    [InlineData("fill a little", 3 + 4)]
    [InlineData("call none", 2)]
    [InlineData("call many", 30 + 2 + 14)]
    [InlineData("divide", 4)]
    public void Costs_are_exact(string function, long units)
    {
        using var fixture = new Fixture(FuelCosts.Default);
        Assert.Equal(units, fixture.Cost(function, 1));
    }

    [Fact]
    public void Branches_cost_by_what_they_carry_taken_or_not()
    {
        using var fixture = new Fixture(FuelCosts.Default);
        using var free = new Fixture(new FuelCosts { ValuesPerUnit = 0 });

        // Two calls and a branch, of thirty values each.
        Assert.Equal(3 * 14, fixture.Cost("branch", 0) - free.Cost("branch", 0));
        Assert.Equal(3 * 14, fixture.Cost("branch", 1) - free.Cost("branch", 1));
    }

    [Fact]
    public void Costs_are_the_embedders_to_set()
    {
        using var cheap = new Fixture(new FuelCosts { BytesPerUnit = 0, ElementsPerUnit = 0, GrownBytesPerUnit = 0, ValuesPerUnit = 0 });
        Assert.Equal(4, cheap.Cost("fill", 4_000_000));
        Assert.Equal(3, cheap.Cost("grow", 5));
        Assert.Equal(4, cheap.Cost("tfill", 1000));
        using var dear = new Fixture(new FuelCosts { BytesPerUnit = 1, ElementsPerUnit = 1, GrownBytesPerUnit = 1 }.With("i32.div_u", 25).With("memory.grow", 100).With("i32.const", 0));
        Assert.Equal(1_000_003 - 1, dear.Cost("fill", 1_000_000));
        Assert.Equal(65536 + 102, dear.Cost("grow", 1));
        Assert.Equal(27, dear.Cost("divide", 1));
        Assert.Equal(25, dear.Costs["i32.div_u"]);
        Assert.Equal(1, FuelCosts.Default["i32.div_u"]);
        Assert.Equal(0, FuelCosts.Default["block"]);
        Assert.Throws<ArgumentException>(() => FuelCosts.Default.With("i32.divide", 1));
        Assert.Throws<ArgumentException>(() => FuelCosts.Default.With("loop", 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FuelCosts.Default.With("i32.add", -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FuelCosts.Default.With("i32.add", FuelCosts.MaximumCost + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FuelCosts { BytesPerUnit = -1 });
    }

    [Fact]
    public void An_artifact_made_with_other_costs_is_not_loaded()
    {
        using var one = new Fixture(FuelCosts.Default);
        byte[] artifact = one.Module.Serialize();
        using (var same = new Engine(one.Options with { FuelCosts = new FuelCosts() }))
            Module.Deserialize(same, artifact).Dispose();
        foreach (FuelCosts costs in (FuelCosts[])[new FuelCosts { BytesPerUnit = 17 }, FuelCosts.Default.With("i32.add", 2)])
        {
            using var other = new Engine(one.Options with { FuelCosts = costs });
            Assert.ThrowsAny<Exception>(() => Module.Deserialize(other, artifact));
        }
    }

    [Theory]
    [InlineData("fill", 4_000_000)]
    [InlineData("tfill", 1000)]
    [InlineData("tgrow", 1000)]
    [InlineData("grow", 5)]
    [InlineData("spend", 100)]
    [InlineData("call many", 0)]
    public void Out_of_fuel_is_a_trap_and_leaves_nothing(string function, int argument)
    {
        using var fixture = new Fixture(FuelCosts.Default);
        long needed = fixture.Cost(function, argument);
        Instance instance = fixture.Instantiate();
        foreach (long fuel in (long[])[0, 1, needed / 2, needed - 1])
        {
            instance.Fuel = fuel;
            Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => instance.GetAction<int>(function).Invoke(argument)).Code);
            Assert.Equal(0, instance.Fuel);
        }

        instance.Dispose();
        using Instance fresh = fixture.Instantiate();
        fresh.Fuel = needed;
        fixture.Call(fresh, function, argument);
        Assert.Equal(0, fresh.Fuel);
    }

    [Fact]
    public void A_range_that_is_not_within_is_that_trap_and_not_out_of_fuel()
    {
        using var fixture = new Fixture(FuelCosts.Default);
        using Instance instance = fixture.Instantiate();
        foreach ((string function, TrapCode code) in ((string, TrapCode)[])[("fill", TrapCode.MemoryOutOfBounds), ("copy", TrapCode.MemoryOutOfBounds)])
        {
            instance.Fuel = 1000;
            Assert.Equal(code, Assert.Throws<TrapException>(() => fixture.Call(instance, function, -1)).Code);
        }
    }

    [Fact]
    public void A_store_without_a_running_guest_refuses_less_than_nothing()
    {
        using var engine = new Engine(new EngineOptions { EnableFuel = true, AllocationStrategy = AllocationStrategy.OnDemand });
        using var store = new Store(engine) { Fuel = 5 };
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Fuel = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.ConsumeFuel(-1));
        Assert.Equal(5, store.Fuel);
        store.ConsumeFuel(5);
        Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => store.ConsumeFuel(1)).Code);
        Assert.Equal(0, store.Fuel);
    }

    private sealed class Fixture : IDisposable
    {
        private readonly Engine _engine;
        private readonly InstanceTemplate _template;

        public Fixture(FuelCosts costs, MemoryStrategy memory = MemoryStrategy.Guarded, AllocationStrategy allocation = AllocationStrategy.OnDemand)
        {
            Options = new EngineOptions { EnableFuel = true, FuelCosts = costs, MemoryStrategy = memory, AllocationStrategy = allocation, Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 4, MemoryPages = 400, TableElements = 100_000, Tables = 2 } } };
            Costs = costs;
            _engine = new Engine(Options);
            Module = Module.FromText(_engine, Guest);
            var linker = new Linker(_engine);
            linker.DefineFunction("host", "spend", (Caller caller, long units) => { caller.Store.Fuel -= units; });
            _template = linker.Prepare(Module);
        }

        public EngineOptions Options { get; }

        public FuelCosts Costs { get; }

        public Module Module { get; }

        public Instance Instantiate() => _template.Instantiate();

        public long Cost(string function, int argument)
        {
            using Instance instance = Instantiate();
            instance.Fuel = Plenty;
            Call(instance, function, argument);
            return Plenty - instance.Fuel;
        }

        public void Call(Instance instance, string function, int argument) => instance.GetAction<int>(function).Invoke(argument);

        public void Dispose()
        {
            Module.Dispose();
            _engine.Dispose();
        }
    }
}

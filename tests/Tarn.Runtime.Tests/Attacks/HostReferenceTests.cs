// Objects of the host that guests were given: the store's limits count those that a guest still holds, those that it dropped are let go, and a pooled slot keeps no room for many.
namespace Tarn.Runtime.Tests.Attacks;

public sealed class HostReferenceTests
{
    private const string Text = """
        (module (import "e" "make" (func $m (result externref)))
          (table $t 0 externref)
          (func (export "f") (param i32) (loop $l (drop (table.grow $t (call $m) (i32.const 1))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "drop") (param i32) (loop $l (drop (call $m)) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "keep") (param externref) (result externref) (local.get 0)))
        """;

    [Theory]
    [InlineData(AllocationStrategy.Pooling, false)]
    [InlineData(AllocationStrategy.Pooling, true)]
    [InlineData(AllocationStrategy.OnDemand, false)]
    [InlineData(AllocationStrategy.OnDemand, true)]
    public void A_limit_holds_at_n_and_at_one_more(AllocationStrategy allocation, bool typed)
    {
        using Engine engine = Make(allocation);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = Linker(engine, typed).Prepare(module);
        foreach (int n in (int[])[0, 1, 7, 8, 9, 1000])
        {
            using Instance instance = template.Instantiate(null, new StoreLimits { MaximumHostReferences = n });
            if (n > 0)
                instance.GetAction<int>("f").Invoke(n);
            Assert.False(instance.GetFunction("f").TryInvoke([1], [], out Trap? trap));
            Assert.Equal(TrapCode.AllocationTooLarge, trap.Code);
            Assert.Contains($"MaximumHostReferences = {n}", trap.Message, StringComparison.Ordinal);
            // Null costs nothing, nor does an object that is known.
            Assert.True(instance.GetFunction("keep").Invoke(Value.NullExtern)[0].IsNull);
            Assert.Equal(TrapCode.AllocationTooLarge, Assert.Throws<TrapException>(() => instance.GetFunction("keep").Invoke(Value.FromObject(new object()))).Code);
        }
        using Instance next = template.Instantiate();
        next.GetAction<int>("f").Invoke(3000);
    }

    [Fact]
    public void A_limiter_is_asked_as_their_room_doubles()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = Linker(engine, typed: true).Prepare(module);
        var asked = new List<(long Current, long Desired)>();
        using Instance instance = template.Instantiate("state", new StoreLimits
        {
            Limiter = (in ResourceRequest r) =>
            {
                if (r.Kind == ResourceKind.Table)
                    return true;
                Assert.Equal((ResourceKind.HostReferences, "state"), (r.Kind, r.State));
                asked.Add((r.Current, r.Desired));
                return r.Desired <= 32;
            },
        });
        Assert.False(instance.GetFunction("f").TryInvoke([100], [], out Trap? trap));
        Assert.Equal(TrapCode.AllocationTooLarge, trap.Code);
        Assert.Equal([(0, 8), (8, 16), (16, 32), (32, 64)], asked);
    }

    [Fact]
    public void A_slot_keeps_no_room_for_many()
    {
        using Engine engine = Make(AllocationStrategy.Pooling);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = Linker(engine, typed: false).Prepare(module);
        Instance instance = template.Instantiate();
        instance.GetAction<int>("f").Invoke(9_000);
        Tarn.Stores.ReferenceTable references = instance.Data.Store.References;
        Assert.Equal(9_000, references.Count);
        instance.Dispose();
        Assert.Equal(0, references.Count);
        Assert.InRange(references.Capacity, 0, 256);
        // A few are kept, since the next instance will have as many.
        instance = template.Instantiate();
        instance.GetAction<int>("f").Invoke(100);
        instance.Dispose();
        Assert.InRange(references.Capacity, 100, 256);
    }

    [Theory]
    [InlineData(AllocationStrategy.Pooling, 1)]
    [InlineData(AllocationStrategy.OnDemand, 1)]
    [InlineData(AllocationStrategy.OnDemand, 20)]
    public void What_a_guest_drops_does_not_count(AllocationStrategy allocation, int limit)
    {
        using Engine engine = Make(allocation);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = Linker(engine, typed: true).Prepare(module);
        using Instance instance = template.Instantiate(null, new StoreLimits { MaximumHostReferences = limit });
        instance.GetAction<int>("drop").Invoke(10_000);
        for (int i = 0; i < 100; i++)
            Assert.NotNull(instance.GetFunction("keep").Invoke(Value.FromObject(new object()))[0].AsObject());
        instance.GetAction<int>("f").Invoke(limit);
        Assert.False(instance.GetFunction("f").TryInvoke([1], [], out _));
    }

    [Fact]
    public void Dropped_objects_are_let_go_without_a_limit()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = Linker(engine, typed: true).Prepare(module);
        using Instance instance = template.Instantiate();
        instance.GetAction<int>("drop").Invoke(100_000);
        Assert.InRange(instance.Data.Store.References.Count, 1, 4096);
        instance.GetAction<int>("f").Invoke(5_000);
        instance.GetAction<int>("drop").Invoke(100_000);
        Assert.InRange(instance.Data.Store.References.Count, 5_000, 16_384);
    }

    private static Linker Linker(Engine engine, bool typed)
    {
        var linker = new Linker(engine);
        return typed
            ? linker.DefineFunction("e", "make", object () => new object())
            : linker.DefineFunction("e", "make", new FunctionType([], [ValueKind.ExternRef]), (_, _, r) => r[0] = Value.FromObject(new object()));
    }

    private static Engine Make(AllocationStrategy allocation) => new(new EngineOptions
    {
        AllocationStrategy = allocation,
        Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } },
    });
}

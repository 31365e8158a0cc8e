// A host function of one tenant keeps the store that it was called in, and uses it when the slot belongs to the next tenant. Whatever it does, the next tenant does not notice.
using System.Reflection;
using Tarn.Stores;

namespace Tarn.Runtime.Tests.Attacks;

/// <summary>Stores that were kept from an earlier life of a pool's slot.</summary>
public sealed class KeptStoreTests : IDisposable
{
    private readonly Engine _engine = new(new EngineOptions { EnableFuel = true, Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } } });
    private readonly Module _module;
    private readonly InstanceTemplate _template;
    private Store? _kept;

    public KeptStoreTests()
    {
        _module = Module.FromText(_engine, """
            (module
              (import "e" "keep" (func $keep))
              (memory (export "memory") 1)
              (func (export "keep") (call $keep))
              (func (export "count") (param i32) (result i32)
                (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (i32.const 7)))
            """);
        _template = new Linker(_engine).DefineFunction("e", "keep", (Caller caller) => { _kept = caller.Store; }).Prepare(_module);
    }

    public void Dispose()
    {
        _template.Dispose();
        _module.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void A_store_is_the_same_for_one_life_and_another_for_the_next()
    {
        Instance first = _template.Instantiate();
        first.GetAction("keep").Invoke();
        Store one = _kept!;
        first.GetAction("keep").Invoke();
        Assert.Same(one, _kept);
        first.Dispose();
        using Instance second = _template.Instantiate();
        second.GetAction("keep").Invoke();
        Assert.NotSame(one, _kept);
        Assert.Same(one.Core, _kept!.Core);
    }

    [Fact]
    public async Task A_store_that_was_kept_acts_on_nothing_of_the_next_tenant()
    {
        object secret = new();
        Store kept = Keep();
        using Instance next = _template.Instantiate(secret, new StoreLimits { Fuel = 1_000_000, CallTimeout = TimeSpan.FromMinutes(1) });
        Assert.Same(kept.Core, next.Core);
        Action[] attacks =
        [
            () => _ = kept.State, () => kept.State = "mine", () => _ = kept.Fuel, () => kept.Fuel = 0, () => kept.ConsumeFuel(1), () => _ = kept.Limits, () => kept.Limits = new StoreLimits(),
            () => _ = kept.CallTimeout, () => kept.CallTimeout = TimeSpan.FromMilliseconds(1), () => kept.CreateMemory(new MemoryType(1)), () => kept.CreateTable(new TableType(ValueKind.FuncRef, 1)),
            () => kept.CreateGlobal(new GlobalType(ValueKind.I32), 1), () => kept.CreateFunction(new FunctionType([], []), (_, _, _) => { }), () => _template.Instantiate(kept),
            () => new Linker(_engine).DefineUnknownImportsAsTraps().Instantiate(kept, _module), () => new Linker(_engine).DefineUnknownImportsAsTraps().DefineModule(kept, "m", _module),
        ];
        foreach (Action attack in attacks)
            Assert.Throws<ObjectDisposedException>(attack);
        kept.Interrupt();
        kept.Dispose();
        await kept.DisposeAsync();
        Assert.Equal(7, next.GetFunction<int, int>("count").Invoke(1000));
        next.GetAction("keep").Invoke();
        Assert.Same(secret, _kept!.State);
        Assert.Equal(TimeSpan.FromMinutes(1), next.CallTimeout);
        Assert.InRange(next.Fuel, 900_000, 999_999);
    }

    [Fact]
    public async Task Attacks_from_another_thread_meet_nobody()
    {
        Store kept = Keep();
        using var stop = new CancellationTokenSource();
        Task attack = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                kept.Interrupt();
                kept.Dispose();
                Assert.Throws<ObjectDisposedException>(() => kept.Fuel = 1);
                Assert.Throws<ObjectDisposedException>(() => kept.CreateMemory(new MemoryType(1)));
            }
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 2000; i++)
        {
            using Instance next = _template.Instantiate();
            Assert.Equal(7, next.GetFunction<int, int>("count").Invoke(100));
        }
        await stop.CancelAsync();
        await attack;
    }

    [Fact]
    public void A_slot_whose_generations_are_used_up_is_given_up()
    {
        Instance first = _template.Instantiate();
        StoreCore core = first.Core;
        Memory stale = first.Memory;
        first.Dispose();
        SetGeneration(core, int.MaxValue - 1);
        Instance last = _template.Instantiate();
        Assert.Same(core, last.Core);
        Assert.Equal(7, last.GetFunction<int, int>("count").Invoke(10));
        Memory lastMemory = last.Memory;
        last.Dispose();
        using Instance next = _template.Instantiate();
        Assert.NotSame(core, next.Store);
        Assert.Equal(7, next.GetFunction<int, int>("count").Invoke(10));
        Assert.Throws<ObjectDisposedException>(() => stale.Length);
        Assert.Throws<ObjectDisposedException>(() => lastMemory.Length);
        Assert.Throws<ObjectDisposedException>(() => last.Memory);
    }

    private Store Keep()
    {
        using Instance first = _template.Instantiate("first");
        first.GetAction("keep").Invoke();
        Assert.Equal("first", _kept!.State);
        return _kept;
    }

    // As if the slot had been used that often.
    private static void SetGeneration(StoreCore core, int generation)
    {
        FieldInfo gateField = typeof(ActivationScheduler).GetField("_gate", BindingFlags.Instance | BindingFlags.NonPublic)!;
        object gate = gateField.GetValue(core)!;
        gate.GetType().GetField("_generation", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(gate, generation);
        gateField.SetValue(core, gate);
    }
}

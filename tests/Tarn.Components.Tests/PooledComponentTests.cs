// Components in slots of a pool: a slot that is used again is what a fresh instance is, in every memory, table and global, and nothing of an earlier life reaches into a later one.
using System.Text;
using Tarn.Stores;

namespace Tarn.Components.Tests;

public sealed class PooledComponentTests
{
    // Two components beside each other in one: the first counts and remembers, the second has a memory, a table that another module writes, a start function, dropped segments and resources.
    private const string Busy = """
        (component
          (import "host" (func $host (param "x" u32) (result u32)))
          (component $inner
            (core module $m
              (memory (export "memory") 2 5)
              (global $count (mut i32) (i32.const 100))
              (data (i32.const 70000) "inner data")
              (func (export "count") (param i32) (result i32)
                (global.set $count (i32.add (global.get $count) (local.get 0)))
                (i32.store (i32.and (i32.mul (local.get 0) (i32.const 4)) (i32.const 0x1FFFC)) (global.get $count))
                (if (i32.and (local.get 0) (i32.const 8)) (then (drop (memory.grow (i32.const 1)))))
                (global.get $count)))
            (core instance $i (instantiate $m))
            (func (export "count") (param "x" u32) (result u32) (canon lift (core func $i "count"))))
          (instance $inner (instantiate $inner))
          (component $outer
          (import "host" (func $host (param "x" u32) (result u32)))
          (import "count" (func $count (param "x" u32) (result u32)))
          (core func $host' (canon lower (func $host)))
          (core func $count' (canon lower (func $count)))
          (core module $libc
            (memory (export "memory") 1)
            (table (export "table") 4 10 funcref)
            (global (export "g") (mut i64) (i64.const 5))
            (data (i32.const 8) "hello"))
          (core instance $libc (instantiate $libc))
          (type $r (resource (rep i32)))
          (core func $new (canon resource.new $r))
          (core func $rep (canon resource.rep $r))
          (core module $main
            (import "libc" "memory" (memory 1))
            (import "libc" "table" (table $t 4 funcref))
            (import "libc" "g" (global $g (mut i64)))
            (import "h" "host" (func $host (param i32) (result i32)))
            (import "h" "count" (func $count (param i32) (result i32)))
            (import "h" "new" (func $new (param i32) (result i32)))
            (import "h" "rep" (func $rep (param i32) (result i32)))
            (elem (i32.const 1) func $a $b)
            (elem $late func $b $a)
            (data $d "late data")
            (global $handle (mut i32) (i32.const 0))
            (func $a (result i32) (i32.const 1))
            (func $b (result i32) (i32.const 2))
            ;; Runs once for each instance: the image has what it wrote.
            (func $start (i32.store (i32.const 30000) (i32.const 77)) (global.set $g (i64.add (global.get $g) (i64.const 1))) (table.set $t (i32.const 3) (ref.func $b)))
            (start $start)
            (func (export "run") (param $x i32) (result i32)
              (i32.store (i32.and (i32.mul (local.get $x) (i32.const 52)) (i32.const 0xFFFC)) (i32.const -1))
              (global.set $g (i64.extend_i32_u (local.get $x)))
              (if (i32.and (local.get $x) (i32.const 1)) (then (table.set $t (i32.const 2) (ref.null func))))
              (if (i32.and (local.get $x) (i32.const 2)) (then (table.init $t $late (i32.const 0) (i32.const 0) (i32.const 2)) (elem.drop $late)))
              (if (i32.and (local.get $x) (i32.const 4)) (then (memory.init $d (i32.const 500) (i32.const 0) (i32.const 9)) (data.drop $d)))
              (if (i32.and (local.get $x) (i32.const 16)) (then (drop (memory.grow (i32.const 1)))))
              (if (i32.and (local.get $x) (i32.const 32)) (then (drop (table.grow $t (ref.func $a) (i32.const 2)))))
              (global.set $handle (call $new (local.get $x)))
              (i32.add (call $rep (global.get $handle)) (i32.add (call $count (local.get $x)) (call $host (local.get $x)))))
            (func (export "handle") (result i32) (call $new (i32.const 1)))
            (func (export "fail") unreachable))
          (core instance $i (instantiate $main
            (with "libc" (instance $libc))
            (with "h" (instance (export "host" (func $host')) (export "count" (func $count')) (export "new" (func $new)) (export "rep" (func $rep))))))
          (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run")))
          (func (export "handle") (result u32) (canon lift (core func $i "handle")))
          (func (export "fail") (canon lift (core func $i "fail"))))
          (instance $outer (instantiate $outer (with "host" (func $host)) (with "count" (func $inner "count"))))
          (export "run" (func $outer "run"))
          (export "handle" (func $outer "handle"))
          (export "fail" (func $outer "fail")))
        """;

    [Theory]
    [InlineData(ResetStrategy.Default, MemoryStrategy.Guarded)]
    [InlineData(ResetStrategy.Default, MemoryStrategy.Checked)]
    [InlineData(ResetStrategy.Copy, MemoryStrategy.Guarded)]
    [InlineData(ResetStrategy.Decommit, MemoryStrategy.Guarded)]
    public void A_slot_that_is_used_again_is_a_fresh_instance(ResetStrategy reset, MemoryStrategy memory)
    {
        using Engine pooled = CreatePool(1, reset, memory), fresh = Guests.CreateEngine();
        using Component component = Component.FromText(pooled, Busy), other = Component.FromText(fresh, Busy);
        ComponentTemplate template = Link(pooled).Prepare(component), freshTemplate = Link(fresh).Prepare(other);
        var random = new Random(7);
        for (int life = 0; life < 40; life++)
        {
            using ComponentInstance instance = template.Instantiate(), expected = freshTemplate.Instantiate();
            Assert.Equal(Describe(expected), Describe(instance));
            Assert.Equal(1U, instance.GetFunction("handle").Invoke()!.AsUInt32());
            Assert.Equal(1U, expected.GetFunction("handle").Invoke()!.AsUInt32());
            int calls = random.Next(6);
            for (int call = 0; call < calls; call++)
            {
                ComponentValue x = ComponentValue.FromUInt32((uint)random.Next(1 << 10));
                Assert.Equal(Run(expected, x), Run(instance, x));
            }

            Assert.Equal(Describe(expected), Describe(instance));
            if (random.Next(4) == 0 && !instance.HasTrapped)
                Assert.Throws<TrapException>(() => instance.GetFunction("fail").Invoke());
        }

        // One slot was bound, and everything else was used again.
        Assert.Equal(1, pooled.GetPoolStatistics().Bindings);
        Assert.Equal(40, pooled.GetPoolStatistics().Rents);
    }

    [Fact]
    public void What_was_kept_of_an_earlier_life_acts_on_nothing()
    {
        using Engine engine = CreatePool(1);
        using Component component = Component.FromText(engine, Busy);
        ComponentTemplate template = Link(engine).Prepare(component);
        ComponentInstance first = template.Instantiate();
        ComponentFunction kept = first.GetFunction("run");
        Store store = first.Store;
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kept.Invoke(ComponentValue.FromUInt32(1)));
        using ComponentInstance second = template.Instantiate();
        Assert.Throws<ObjectDisposedException>(() => kept.Invoke(ComponentValue.FromUInt32(1)));
        Assert.Throws<ObjectDisposedException>(() => store.State);
        first.Dispose();
        store.Dispose();
        store.Interrupt();
        Assert.Equal(1U + 101 + 1, second.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
    }

    [Fact]
    public async Task Each_life_has_its_own_state_and_the_functions_of_its_own_linker()
    {
        using Engine engine = CreatePool(1);
        using Component component = Component.FromText(engine, Busy);
        ComponentTemplate ten = new ComponentLinker(engine).DefineFunction("", "host", call => ComponentValue.FromUInt32(10 + call.GetState<StrongBox>().Value)).Prepare(component);
        ComponentTemplate hundred = new ComponentLinker(engine).DefineFunction("", "host", _ => ComponentValue.FromUInt32(100)).Prepare(component);
        for (uint life = 0; life < 4; life++)
        {
            using (ComponentInstance instance = ten.Instantiate(new StrongBox(life)))
                Assert.Equal(1U + 101 + 10 + life, instance.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
            using (ComponentInstance instance = hundred.Instantiate())
                Assert.Equal(1U + 101 + 100, instance.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
        }

        Assert.Equal(1, engine.GetPoolStatistics().Bindings);

        // An asynchronous import is bound in another way, in slots of its own.
        AsyncComponentHostCallback later = async call =>
        {
            await Task.Yield();
            return ComponentValue.FromUInt32(1000);
        };
        ComponentTemplate asynchronous = new ComponentLinker(engine).DefineFunction("", "host", later).Prepare(component);
        using ComponentInstance suspended = asynchronous.Instantiate();
        Assert.Equal(1U + 101 + 1000, (await suspended.GetFunction("run").InvokeAsync([ComponentValue.FromUInt32(1)]))!.AsUInt32());
    }

    [Fact]
    public void A_start_function_that_calls_the_host_runs_for_each_instance()
    {
        const string Impure = """
            (component
              (import "host" (func $host (param "x" u32) (result u32)))
              (core func $host' (canon lower (func $host)))
              (core module $m
                (import "h" "host" (func $host (param i32) (result i32)))
                (global $seed (mut i32) (i32.const 0))
                (func $start (global.set $seed (call $host (i32.const 0))))
                (start $start)
                (func (export "seed") (result i32) (global.get $seed)))
              (core instance $i (instantiate $m (with "h" (instance (export "host" (func $host'))))))
              (func (export "seed") (result u32) (canon lift (core func $i "seed"))))
            """;
        using Engine engine = CreatePool(1);
        using Component component = Component.FromText(engine, Impure);
        uint seed = 0;
        ComponentTemplate template = new ComponentLinker(engine).DefineFunction("", "host", _ => ComponentValue.FromUInt32(++seed)).Prepare(component);
        for (uint life = 1; life < 5; life++)
        {
            using ComponentInstance instance = template.Instantiate();
            Assert.Equal(life, instance.GetFunction("seed").Invoke()!.AsUInt32());
        }

        Assert.Equal(0, engine.GetPoolStatistics().Bindings);
    }

    [Fact]
    public void Limits_hold_in_a_slot_that_is_used_again()
    {
        using Engine engine = CreatePool(1, enableFuel: true);
        using Component component = Component.FromText(engine, Busy);
        ComponentLinker linker = Link(engine);
        long[] left = new long[3];
        for (int life = 0; life < left.Length; life++)
        {
            using ComponentInstance instance = linker.Prepare(component, new ComponentOptions { StoreLimits = new StoreLimits { Fuel = 1_000_000 } }).Instantiate();
            left[life] = instance.Store.Fuel;
            Assert.InRange(left[life], 1, 999_999);
            instance.GetFunction("run").Invoke(ComponentValue.FromUInt32(1));
            Assert.True(instance.Store.Fuel < left[life]);
        }

        // What the start function uses is paid for in every life.
        Assert.All(left, fuel => Assert.Equal(left[0], fuel));
        TrapException empty = Assert.Throws<TrapException>(() => linker.Prepare(component, new ComponentOptions { StoreLimits = new StoreLimits { Fuel = 1 } }).Instantiate());
        Assert.Equal(TrapCode.OutOfFuel, empty.Code);
        Assert.Throws<InstantiationException>(() => linker.Prepare(component, new ComponentOptions { StoreLimits = new StoreLimits { MaximumMemoryBytes = 1 << 16 } }).Instantiate());
        using ComponentInstance unlimited = linker.Prepare(component).Instantiate();
        Assert.True(unlimited.Store.Fuel > 1L << 60);
    }

    [Fact]
    public async Task Who_waits_for_a_slot_gets_one_in_turn()
    {
        using Engine engine = CreatePool(1);
        using Component component = Component.FromText(engine, Busy);
        ComponentTemplate template = Link(engine).Prepare(component);
        ComponentInstance holder = template.Instantiate();
        using CancellationTokenSource stop = new();
        Task<ComponentInstance> first = template.InstantiateAsync(cancellationToken: stop.Token).AsTask(), second = template.InstantiateAsync().AsTask(), third = template.InstantiateAsync().AsTask();
        Assert.False(first.IsCompleted);
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        holder.Dispose();
        using (ComponentInstance instance = await second.WaitAsync(TimeSpan.FromSeconds(20)))
        {
            Assert.False(third.IsCompleted);
            Assert.Equal(103U, instance.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
        }

        (await third.WaitAsync(TimeSpan.FromSeconds(20))).Dispose();
    }

    [Fact]
    public void Slots_that_idle_are_given_up_for_others()
    {
        using Engine engine = CreatePool(1);
        using Component one = Component.FromText(engine, Busy), two = Component.FromText(engine, Busy);
        ComponentTemplate first = Link(engine).Prepare(one), second = Link(engine).Prepare(two);
        for (int round = 0; round < 3; round++)
        {
            first.Instantiate().Dispose();
            second.Instantiate().Dispose();
        }

        Assert.True(engine.GetPoolStatistics().Evictions >= 4);
        using Module module = Module.FromText(engine, "(module (memory (export \"memory\") 3))");
        using InstanceTemplate plain = new Linker(engine).Prepare(module);
        plain.Instantiate().Dispose();
    }

    [Fact]
    public void A_pool_that_is_exhausted_allocates_on_demand_where_it_should()
    {
        using Engine engine = CreatePool(1, exhaustion: PoolExhaustion.AllocateOnDemand);
        using Component component = Component.FromText(engine, Busy);
        ComponentTemplate template = Link(engine).Prepare(component);
        using ComponentInstance first = template.Instantiate(), second = template.Instantiate();
        Assert.Equal(103U, first.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
        Assert.Equal(103U, second.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
    }

    [Fact]
    public void What_a_component_takes_comes_back_when_it_is_disposed()
    {
        using Engine engine = CreatePool(1);
        Component component = Component.FromText(engine, Busy);
        ComponentTemplate template = Link(engine).Prepare(component);
        ComponentInstance held = template.Instantiate();
        component.Dispose();
        Assert.Equal(103U, held.GetFunction("run").Invoke(ComponentValue.FromUInt32(1))!.AsUInt32());
        held.Dispose();
        PoolStatistics statistics = engine.GetPoolStatistics();
        Assert.Equal(statistics.Instances.Slots, statistics.Instances.Free);
        Assert.Equal(statistics.Memories.Slots, statistics.Memories.Free);
        Assert.Equal(statistics.Tables.Slots, statistics.Tables.Free);
    }

    // A trap is an outcome like others: a segment that has been dropped, an instance that can no longer be entered.
    private static string Run(ComponentInstance instance, ComponentValue x)
    {
        try
        {
            return instance.GetFunction("run").Invoke(x)!.ToString();
        }
        catch (Exception e) when (e is TrapException or ComponentTrapException)
        {
            return e.Message;
        }
    }

    private static ComponentLinker Link(Engine engine) => new ComponentLinker(engine).DefineFunction("", "host", call => call[0]);

    private static Engine CreatePool(
        int count, ResetStrategy reset = ResetStrategy.Default, MemoryStrategy memory = MemoryStrategy.Guarded, bool enableFuel = false, PoolExhaustion exhaustion = PoolExhaustion.Fail) =>
        new(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            MemoryStrategy = memory,
            EnableFuel = enableFuel,
            Pooling = PoolingOptions.ForComponents(count) with { ResetStrategy = reset, TotalMemories = 2 * count, TotalTables = count, Exhaustion = exhaustion },
        });

    // All that core instances hold: memories, tables, globals. References of functions are told by their module's function and not by their addresses.
    private static unsafe string Describe(ComponentInstance instance)
    {
        StringBuilder text = new();
        foreach (Instance core in instance.CoreInstances)
        {
            InstanceData data = core.Data;
            foreach (Memories.MemoryInstance memory in data.Memories)
                text.Append(memory.ByteLength).Append(' ').AppendLine(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(memory.BytesToRead(0, memory.ByteLength))));
            foreach (Tables.TableInstance table in data.Tables)
            {
                text.Append(table.Length).Append(':');
                for (ulong i = 0; i < table.Length; i++)
                    text.Append(table.Elements[i] == 0 ? " null" : " function");
                text.AppendLine();
            }

            for (int i = 0; i < data.Module.Wasm.Globals.Length; i++)
                text.Append(data.GlobalCell(i)->Low).Append(' ');
            text.AppendLine();
        }

        return text.ToString();
    }

    private sealed record StrongBox(uint Value);
}

// Safe code that uses one store from several threads at once: whatever the timing, the process goes on, one of them is refused with a typed exception or waits,
// and nothing of one instance is seen by the next. A second each; TARN_SOAK_SECONDS says otherwise.
using System.Globalization;

namespace Tarn.Runtime.Tests.Attacks;

public sealed class TwoThreadsTests
{
    private const string Program = """
        (module
          (import "e" "wait" (func $wait (param i32) (result i32)))
          (memory (export "memory") 1 8) (table (export "t") 4 64 externref) (global (export "g") (mut externref) (ref.null extern))
          (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "grow") (result i32) (memory.grow (i32.const 1)))
          (func (export "echo") (param externref) (result externref) (local.get 0))
          (func (export "wait") (result i32) (call $wait (i32.const 1)))
          (func (export "mark") (param i32) (loop $l (i32.store (i32.const 64) (i32.const 0x5EC2E7)) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
        """;

    private static readonly double s_seconds = double.Parse(Environment.GetEnvironmentVariable("TARN_SOAK_SECONDS") ?? "1", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void Calls_and_accesses_of_one_instance_by_several_threads_are_right_or_refused(AllocationStrategy allocation)
    {
        using Engine engine = Make(allocation, 4);
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "wait", (int a) => a).Prepare(module);
        using Instance instance = template.Instantiate();
        long end = Environment.TickCount64 + (long)(s_seconds * 1000);
        int refused = 0;
        int done = 0;
        Parallel.For(0, 3, new ParallelOptions { MaxDegreeOfParallelism = 3 }, number =>
        {
            var random = new Random(number);
            object mine = new();
            while (Environment.TickCount64 < end)
            {
                try
                {
                    Do(instance, random.Next(12), mine);
                    Interlocked.Increment(ref done);
                }
                catch (InvalidOperationException e) when (e.Message.StartsWith("Another thread", StringComparison.Ordinal) || e.Message.Contains("cannot grow", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref refused);
                }
                catch (TrapException e) when (e.Code == TrapCode.Interrupted)
                {
                    // Another thread asked for it.
                }
            }
        });
        Assert.True(done > 100, $"{done} done, {refused} refused");
        Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
    }

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public async Task Disposing_while_others_use_the_instance_ends_it_once(AllocationStrategy allocation)
    {
        using Engine engine = Make(allocation, 2);
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "wait", (int a) => a).Prepare(module);
        long end = Environment.TickCount64 + (long)(s_seconds * 1000);
        int rounds = 0;
        var random = new Random(7);
        while (Environment.TickCount64 < end)
        {
            rounds++;
            Instance instance = template.Instantiate();
            Assert.Equal(0, instance.Memory.Read<int>(64));
            using var started = new CountdownEvent(2);
            Task[] others =
            [
                Task.Run(() => UseUntilDisposed(instance, started, rounds)),
                Task.Run(() => UseUntilDisposed(instance, started, -rounds)),
            ];
            started.Wait();
            Thread.SpinWait(random.Next(3000));
            instance.Dispose();
            await Task.WhenAll(others);
        }
        Assert.True(rounds > 5);
    }

    // The host function goes on elsewhere and calls its guest while the instance is being disposed: the slot's next tenant must not see it.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposing_while_a_host_function_calls_back_never_shares_the_slot(bool cancelsFirst)
    {
        using Engine engine = Make(AllocationStrategy.Pooling, 1);
        TaskCompletionSource gate = new();
        var linker = new Linker(engine).DefineFunction("e", "wait", async (Caller caller, int a) =>
        {
            caller.TryGetFunction("mark", out Function mark);
            await gate.Task;
            caller.CancellationToken.ThrowIfCancellationRequested();
            await mark.InvokeAsync([2_000_000]);
            return a;
        });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = linker.Prepare(module);
        long end = Environment.TickCount64 + (long)(s_seconds * 1000);
        var random = new Random(3);
        while (Environment.TickCount64 < end)
        {
            gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var stop = new CancellationTokenSource();
            Instance instance = template.Instantiate();
            Task call = instance.GetFunction<int>("wait").InvokeAsync(stop.Token).AsTask();
            gate.SetResult();
            Thread.SpinWait(random.Next(3000));
            if (cancelsFirst)
            {
                await stop.CancelAsync();
                await EndsSomehow(call);
            }
            instance.Dispose();
            using (Instance next = await template.InstantiateAsync())
            {
                for (int i = 0; i < 100; i++)
                    Assert.Equal(0, next.Memory.Read<int>(64));
            }
            await EndsSomehow(call);
        }
    }

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void An_instance_whose_start_function_ends_it_is_not_the_next_tenants(AllocationStrategy allocation)
    {
        using Engine engine = Make(allocation, 1);
        using Module module = Module.FromText(engine, """(module (import "e" "end" (func $end)) (memory (export "memory") 1) (start $end))""");
        bool ends = true;
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "end", (Caller caller) =>
        {
            if (ends)
                caller.Store.Dispose();
        }).Prepare(module);
        Instance? first = null;
        try
        {
            first = template.Instantiate();
        }
        catch (TrapException e)
        {
            Assert.Equal(TrapCode.Interrupted, e.Code);
        }
        ends = false;
        using Instance next = template.Instantiate();
        if (first is not null)
            Assert.Throws<ObjectDisposedException>(() => first.Memory);
        first?.Dispose();
        Assert.Equal(0, next.Memory.Read<int>(0));
    }

    [Fact]
    public void An_access_that_is_disposed_twice_leaves_once()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, 1);
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "wait", (int a) => a).Prepare(module);
        Instance instance = template.Instantiate();
        Memory memory = instance.Memory;
        MemoryAccess one = memory.Access(0, 4);
        MemoryAccess copy = one;
        one.Dispose();
        one.Dispose();
        copy.Dispose();
        default(MemoryAccess).Dispose();
        using (MemoryAccess two = memory.Access(0, 4))
        {
            var disposing = new Thread(instance.Dispose);
            disposing.Start();
            while (IsAlive(memory))
                Thread.Yield();
            two.Span.Fill(7);
        }
    }

    [Fact]
    public async Task A_result_of_another_type_loses_no_slot()
    {
        using Engine engine = Make(AllocationStrategy.Pooling, 1);
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "wait", (int a) => a).Prepare(module);
        using (Instance instance = template.Instantiate())
            await Assert.ThrowsAsync<InvalidCastException>(async () => await instance.GetFunction<object, string>("echo").InvokeAsync(new List<int>(), TestContext.Current.CancellationToken));
        template.Instantiate().Dispose();
    }

    [Fact]
    public async Task Ends_from_two_threads_both_complete()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, 1);
        for (int round = 0; round < 2000; round++)
        {
            var store = new Store(engine);
            store.CreateMemory(new MemoryType(1, 1));
            await Task.WhenAll(Task.Run(async () => await store.DisposeAsync()), Task.Run(async () => await store.DisposeAsync())).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Guests_whose_threads_block_continue_in_the_order_of_their_frames()
    {
        using var engine = new Engine(new EngineOptions { BlockOnPendingHostFunctions = true });
        var gates = new TaskCompletionSource<int>[] { new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously) };
        using var first = new ManualResetEventSlim();
        using var second = new ManualResetEventSlim();
        var linker = new Linker(engine).DefineFunction("e", "wait", async (int a) =>
        {
            (a == 0 ? first : second).Set();
            return await gates[a].Task;
        });
        using Module module = Module.FromText(engine, """
            (module (import "e" "wait" (func $wait (param i32) (result i32)))
              (func (export "run") (param i32) (result i32) (i32.add (call $wait (local.get 0)) (i32.mul (local.get 0) (i32.const 1000)))))
            """);
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        TypedFunction<int, int> run = instance.GetFunction<int, int>("run");
        Task<int> outer = Task.Factory.StartNew(() => run.Invoke(0), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        first.Wait(TestContext.Current.CancellationToken);
        Task<int> inner = Task.Factory.StartNew(() => run.Invoke(1), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        second.Wait(TestContext.Current.CancellationToken);
        gates[0].SetResult(5);
        await Task.Delay(20, TestContext.Current.CancellationToken);
        gates[1].SetResult(7);
        Assert.Equal(5, await outer);
        Assert.Equal(1007, await inner);
    }

    [Fact]
    public async Task An_end_can_be_awaited()
    {
        using Engine engine = Make(AllocationStrategy.Pooling, 1);
        using var entered = new ManualResetEventSlim();
        using var leaves = new ManualResetEventSlim();
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "wait", (int a) =>
        {
            entered.Set();
            leaves.Wait();
            return a;
        }).Prepare(module);
        Instance instance = template.Instantiate();
        Task call = Task.Factory.StartNew(
            static i => ((Instance)i!).GetFunction<int>("wait").Invoke(), instance, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        entered.Wait(TestContext.Current.CancellationToken);
        Task disposing = instance.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);
        Assert.Throws<ObjectDisposedException>(() => instance.GetFunction("add"));
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        leaves.Set();
        await disposing;
        template.Instantiate().Dispose();
        await EndsSomehow(call);
    }

    [Fact]
    public async Task An_access_keeps_the_memory_until_it_ends()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, 1);
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "wait", (int a) => a).Prepare(module);
        Instance instance = template.Instantiate();
        Memory memory = instance.Memory;
        await OpenAndDispose(memory, instance);
        Assert.Throws<ObjectDisposedException>(() => memory.Length);
    }

    private static Task OpenAndDispose(Memory memory, Instance instance)
    {
        using MemoryAccess access = memory.Access(0, 65536);
        // The task waits for the access, which ends here.
        Task disposing = Task.Factory.StartNew(static i => ((Instance)i!).Dispose(), instance, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (IsAlive(memory))
            Thread.Yield();
        access.Span.Fill(1);
        return disposing;
    }

    private static bool IsAlive(Memory memory)
    {
        try
        {
            return memory.Length > 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static void UseUntilDisposed(Instance instance, CountdownEvent started, int seed)
    {
        var random = new Random(seed);
        object mine = new();
        started.Signal();
        while (true)
        {
            try
            {
                Do(instance, random.Next(12), mine);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (TrapException e) when (e.Code == TrapCode.Interrupted)
            {
                // The instance was disposed under it.
            }
            catch (InvalidOperationException)
            {
                // The other thread was inside, or it cannot grow any more.
            }
        }
    }

    private static void Do(Instance instance, int what, object mine)
    {
        switch (what)
        {
            case 0:
                Assert.Equal(50, instance.GetFunction<int, int>("deep").Invoke(50));
                break;
            case 1:
                Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
                break;
            case 2:
                Assert.Same(mine, instance.GetFunction<object, object>("echo").Invoke(mine));
                break;
            case 3:
                instance.GetFunction<int>("grow").Invoke();
                break;
            case 4:
                instance.Memory.TryGrow(1, out _);
                break;
            case 5:
                instance.GetTable("t").Set(1, Value.FromObject(mine));
                break;
            case 6:
                _ = instance.GetTable("t").Get(1);
                break;
            case 7:
                instance.GetGlobal("g").Value = Value.FromObject(mine);
                break;
            case 8:
                instance.Memory.Write(4096, 7);
                break;
            case 9:
                Assert.Equal([Value.FromInt32(9)], instance.GetFunction("add").Invoke(4, 5));
                break;
            case 10:
                instance.Interrupt();
                try
                {
                    instance.GetFunction<int, int>("deep").Invoke(100);
                }
                catch (TrapException e) when (e.Code == TrapCode.Interrupted)
                {
                }
                break;
            default:
                Assert.Equal(1, instance.GetFunction<int>("wait").Invoke());
                break;
        }
    }

    private static async Task EndsSomehow(Task call)
    {
        try
        {
            await call;
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or TrapException or InvalidOperationException)
        {
        }
    }

    private static Engine Make(AllocationStrategy allocation, int count) => new(new EngineOptions
    {
        EnableInterruption = true,
        AllocationStrategy = allocation,
        Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = count, MemoryPages = 16, TableElements = 100 } },
    });
}

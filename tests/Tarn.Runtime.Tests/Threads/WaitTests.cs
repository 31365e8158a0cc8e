// memory.atomic.wait and notify: what they return, in which order they wake, and that a guest that waits ends like any other, with a thread and without one.
using System.Diagnostics;

namespace Tarn.Runtime.Tests.Threads;

public sealed class WaitTests
{
    private const string Guest = """
        (import "e" "note" (func $note (param i32)))
        (func (export "wait32") (param i32 i32 i64) (result i32) (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
        (func (export "wait64") (param i32 i64 i64) (result i32) (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
        (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify (local.get 0) (local.get 1)))
        (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
        (func (export "wait-and-note") (param i32 i32)
          (drop (memory.atomic.wait32 (local.get 0) (i32.const 0) (i64.const -1))) (call $note (local.get 1)))
        (func (export "wait-often") (param i32) (result i32)
          (local $sum i32)
          (loop $l
            (local.set $sum (i32.add (local.get $sum) (i32.add (i32.const 10) (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1)))))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (local.get $sum))
        """;

    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);

    public static TheoryData<MemoryStrategy, AllocationStrategy> Configurations => SharedGuests.Configurations;

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task Results_are_those_of_the_instruction(MemoryStrategy memory, AllocationStrategy allocation)
    {
        using SharedGuests guests = Make(SharedGuests.Options(memory, allocation));
        using Instance instance = guests.Instantiate();
        TypedFunction<int, int, long, int> wait32 = instance.GetFunction<int, int, long, int>("wait32");
        TypedFunction<int, long, long, int> wait64 = instance.GetFunction<int, long, long, int>("wait64");
        TypedFunction<int, int, int> notify = instance.GetFunction<int, int, int>("notify");
        guests.Memory.Write(8, 0x1_0000_0002);
        foreach (long timeout in new[] { 0, 1, 3_000_000, -1, long.MaxValue, long.MinValue })
        {
            Assert.Equal(1, wait32.Invoke(8, 1, timeout));
            Assert.Equal(1, await wait32.InvokeAsync(8, 1, timeout));
            Assert.Equal(1, wait64.Invoke(8, 2, timeout));
            Assert.Equal(1, await wait64.InvokeAsync(8, 2, timeout));
        }
        foreach (long timeout in new[] { 0, 1, 3_000_000 })
        {
            Assert.Equal(2, wait32.Invoke(8, 2, timeout));
            Assert.Equal(2, await wait32.InvokeAsync(8, 2, timeout));
            Assert.Equal(2, wait64.Invoke(8, 0x1_0000_0002, timeout));
            Assert.Equal(2, await wait64.InvokeAsync(8, 0x1_0000_0002, timeout));
        }
        Assert.Equal(0, notify.Invoke(8, -1));
        Assert.Equal(0, guests.Memory.Core.Waiters.Count);
        // The last bytes, and what is beyond; an unaligned address is told first.
        Assert.Equal(2, wait32.Invoke(65532, 0, 0));
        Assert.Equal(2, wait64.Invoke(65528, 0, 0));
        Assert.Equal(0, notify.Invoke(65532, 1));
        foreach (int address in new[] { 65536, -8, -4, int.MinValue })
        {
            AssertTrap(TrapCode.MemoryOutOfBounds, () => wait32.Invoke(address, 0, 0));
            AssertTrap(TrapCode.MemoryOutOfBounds, () => notify.Invoke(address, 0));
        }
        AssertTrap(TrapCode.MemoryOutOfBounds, () => wait64.Invoke(65536, 0, 0));
        AssertTrap(TrapCode.UnalignedAtomic, () => wait64.Invoke(65532, 0, 0));
        AssertTrap(TrapCode.UnalignedAtomic, () => wait32.Invoke(65534, 0, 0));
        AssertTrap(TrapCode.UnalignedAtomic, () => notify.Invoke(-1, 0));
        TrapException e = await Assert.ThrowsAsync<TrapException>(() => wait32.InvokeAsync(65536, 0, -1).AsTask());
        Assert.Equal(TrapCode.MemoryOutOfBounds, e.Code);
    }

    [Fact]
    public async Task A_memory_that_is_not_shared_has_no_waiters()
    {
        using var engine = new Engine(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads });
        using Module module = Module.FromText(engine, """
            (module (memory 1)
              (func (export "wait") (param i32) (result i32) (memory.atomic.wait32 (local.get 0) (i32.const 1) (i64.const 0)))
              (func (export "notify") (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const 1))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance instance = template.Instantiate();
        TypedFunction<int, int> wait = instance.GetFunction<int, int>("wait");
        TrapException e = Assert.Throws<TrapException>(() => wait.Invoke(0));
        Assert.Equal((TrapCode.ExpectedSharedMemory, "wait"), (e.Code, e.Trap.Backtrace[0].FunctionName));
        Assert.Equal(TrapCode.ExpectedSharedMemory, (await Assert.ThrowsAsync<TrapException>(() => wait.InvokeAsync(0).AsTask())).Code);
        AssertTrap(TrapCode.UnalignedAtomic, () => wait.Invoke(1));
        AssertTrap(TrapCode.MemoryOutOfBounds, () => wait.Invoke(65536));
        Assert.Equal(0, instance.GetFunction<int, int>("notify").Invoke(0));
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task A_guest_is_woken_by_another_store_or_by_the_host(MemoryStrategy memory, AllocationStrategy allocation)
    {
        using SharedGuests guests = Make(SharedGuests.Options(memory, allocation));
        using Instance waiting = guests.Instantiate();
        using Instance notifying = guests.Instantiate();
        TypedFunction<int, int, long, int> wait = waiting.GetFunction<int, int, long, int>("wait32");
        TypedFunction<int, int, int> notify = notifying.GetFunction<int, int, int>("notify");
        for (int round = 0; round < 3; round++)
        {
            long timeout = round == 0 ? -1 : round == 1 ? long.MaxValue : 20_000_000_000;
            Task<int> onThread = Task.Run(() => wait.Invoke(64, 0, timeout));
            guests.AwaitWaiters(1);
            Assert.Equal(0, notify.Invoke(68, 1));
            Assert.Equal(0, notify.Invoke(64, 0));
            Assert.Equal(1, notify.Invoke(64, 1));
            Assert.Equal(0, await onThread.WaitAsync(s_long));

            Task<int> suspended = wait.InvokeAsync(64, 0, timeout).AsTask();
            Assert.False(suspended.IsCompleted);
            Assert.Equal(1, guests.Memory.Core.Waiters.Count);
            Assert.Equal(1, guests.Memory.Notify(64));
            Assert.Equal(0, await suspended.WaitAsync(s_long));
        }
        Task<AtomicWaitResult> host = Task.Run(() => guests.Memory.Wait(64, 0L, Timeout.InfiniteTimeSpan));
        guests.AwaitWaiters(1);
        Assert.Equal(1, notify.Invoke(64, 5));
        Assert.Equal(AtomicWaitResult.Woken, await host.WaitAsync(s_long));
        Assert.Equal(AtomicWaitResult.NotEqual, guests.Memory.Wait(64, 1, s_long));
        Assert.Equal(AtomicWaitResult.TimedOut, guests.Memory.Wait(64, 0, TimeSpan.FromMilliseconds(2)));
        using var stop = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => guests.Memory.Wait(64, 0, Timeout.InfiniteTimeSpan, stop.Token));
        Assert.Equal(0, guests.Memory.Core.Waiters.Count);
    }

    [Fact]
    public async Task Those_that_have_waited_longest_are_woken_first()
    {
        var order = new List<int>();
        using SharedGuests guests = Make(new EngineOptions(), number =>
        {
            lock (order)
                order.Add(number);
        });
        const int count = 40;
        Instance[] instances = [.. Enumerable.Range(0, count).Select(_ => guests.Instantiate())];
        var calls = new Task[count];
        for (int i = 0; i < count; i++)
        {
            Instance instance = instances[i];
            int number = i;
            // With a thread and without one, in one queue.
            calls[i] = i % 4 == 0
                ? Task.Factory.StartNew(() => instance.GetAction<int, int>("wait-and-note").Invoke(64, number), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                : instance.GetAction<int, int>("wait-and-note").InvokeAsync(64, number).AsTask();
            guests.AwaitWaiters(i + 1);
        }
        // One gives up in the middle of the queue.
        instances[7].Interrupt();
        await Assert.ThrowsAsync<TrapException>(() => calls[7].WaitAsync(s_long));
        instances[8].Interrupt();
        await Assert.ThrowsAsync<TrapException>(() => calls[8].WaitAsync(s_long));
        guests.AwaitWaiters(count - 2);
        foreach (int number in Enumerable.Range(0, count).Where(n => n is not (7 or 8)).Take(20))
        {
            Assert.Equal(1, guests.Memory.Notify(64, 1));
            await calls[number].WaitAsync(s_long);
        }
        Assert.Equal(count - 22, guests.Memory.Notify(64, count));
        await Task.WhenAll(calls.Where((_, n) => n is not (7 or 8))).WaitAsync(s_long);
        Assert.Equal(Enumerable.Range(0, count).Where(n => n is not (7 or 8)).Take(20), order.Take(20));
        Assert.Equal(count - 2, order.Count);
        foreach (Instance instance in instances)
            instance.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_that_waits_for_ever_ends_like_any_other(bool isAsync)
    {
        using SharedGuests guests = Make(new EngineOptions());
        foreach (string means in new[] { "deadline", "token", "interrupt", "dispose", "dispose asynchronously", "cancelled before" })
        {
            using Instance instance = guests.Instantiate(means == "deadline" ? new StoreLimits { CallTimeout = TimeSpan.FromMilliseconds(30) } : null);
            using var stop = new CancellationTokenSource();
            TypedFunction<int, int, long, int> wait = instance.GetFunction<int, int, long, int>("wait32");
            if (means == "cancelled before")
                await stop.CancelAsync();
            Task<int> call = isAsync
                ? wait.InvokeAsync(64, 0, -1, stop.Token).AsTask()
                : Task.Factory.StartNew(() => wait.Invoke(64, 0, -1, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (means is not ("deadline" or "cancelled before"))
                guests.AwaitWaiters(1);
            switch (means)
            {
                case "token":
                    await stop.CancelAsync();
                    break;
                case "interrupt":
                    instance.Interrupt();
                    break;
                case "dispose":
                    instance.Dispose();
                    break;
                case "dispose asynchronously":
                    await instance.DisposeAsync();
                    break;
            }
            Exception e = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(s_long));
            if (means is "token" or "cancelled before")
                Assert.IsAssignableFrom<OperationCanceledException>(e);
            else if (isAsync && means.StartsWith("dispose", StringComparison.Ordinal))
                Assert.IsType<ObjectDisposedException>(e);
            else
                Assert.Equal(TrapCode.Interrupted, Assert.IsType<TrapException>(e).Code);
            guests.AwaitWaiters(0);
            // And the store goes on, if it lives.
            if (means is "token" or "interrupt" or "deadline")
                Assert.Equal(1, wait.Invoke(64, 1, -1));
        }
    }

    [Fact]
    public async Task A_guest_goes_on_after_each_of_many_waits()
    {
        using SharedGuests guests = Make(new EngineOptions());
        using Instance instance = guests.Instantiate();
        const int count = 100;
        foreach (bool isAsync in new[] { false, true })
        {
            Task<int> call = isAsync
                ? instance.GetFunction<int, int>("wait-often").InvokeAsync(count).AsTask()
                : Task.Run(() => instance.GetFunction<int, int>("wait-often").Invoke(count));
            int woken = 0;
            var watch = Stopwatch.StartNew();
            while (!call.IsCompleted && watch.Elapsed < s_long)
                woken += (int)guests.Memory.Notify(64, 1);
            Assert.Equal(10 * count, await call);
            Assert.Equal(count, woken);
        }
    }

    [Fact]
    public async Task Waiting_asynchronously_holds_no_thread()
    {
        const int count = 3000;
        using SharedGuests guests = Make(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = 128 << 10 });
        int threads = Process.GetCurrentProcess().Threads.Count;
        Instance[] instances = [.. Enumerable.Range(0, count).Select(_ => guests.Instantiate())];
        Task<int>[] calls = [.. instances.Select((instance, i) => instance.GetFunction<int, int, long, int>("wait32").InvokeAsync(4 * (i % 1000), 0, -1).AsTask())];
        Assert.Equal(count, guests.Memory.Core.Waiters.Count);
        Assert.InRange(Process.GetCurrentProcess().Threads.Count, 0, threads + 50);
        // Some are dropped, some are told to stop, the others are woken.
        for (int i = 0; i < count; i += 10)
            instances[i].Dispose();
        for (int i = 1; i < count; i += 10)
            instances[i].Interrupt();
        Assert.Equal(count * 8 / 10, guests.Memory.Core.Waiters.Count);
        long woken = 0;
        for (int address = 0; address < 4000; address += 4)
            woken += guests.Memory.Notify(address);
        Assert.Equal(count * 8 / 10, woken);
        for (int i = 0; i < count; i++)
        {
            if (i % 10 == 0)
                await Assert.ThrowsAsync<ObjectDisposedException>(() => calls[i].WaitAsync(s_long));
            else if (i % 10 == 1)
                Assert.Equal(TrapCode.Interrupted, (await Assert.ThrowsAsync<TrapException>(() => calls[i].WaitAsync(s_long))).Code);
            else
                Assert.Equal(0, await calls[i].WaitAsync(s_long));
        }
        foreach (Instance instance in instances)
            instance.Dispose();
        Assert.Equal(0, guests.Memory.Core.Waiters.Count);
    }

    [Fact]
    public async Task Timeouts_do_not_come_early_and_are_exact_in_number()
    {
        using SharedGuests guests = Make(new EngineOptions());
        using Instance instance = guests.Instantiate();
        TypedFunction<int, int, long, int> wait = instance.GetFunction<int, int, long, int>("wait32");
        foreach (int milliseconds in new[] { 1, 5, 20 })
        {
            var watch = Stopwatch.StartNew();
            Assert.Equal(2, wait.Invoke(64, 0, milliseconds * 1_000_000L));
            Assert.True(watch.Elapsed >= TimeSpan.FromMilliseconds(milliseconds), $"{watch.Elapsed}");
            watch.Restart();
            Assert.Equal(2, await wait.InvokeAsync(64, 0, milliseconds * 1_000_000L));
            Assert.True(watch.Elapsed >= TimeSpan.FromMilliseconds(milliseconds), $"{watch.Elapsed}");
        }
        Assert.Equal(0, guests.Memory.Notify(64));
    }

    [Fact]
    public void Fuel_is_that_of_an_instruction_however_long_it_takes()
    {
        using SharedGuests guests = Make(new EngineOptions { EnableFuel = true });
        using Instance instance = guests.Instantiate();
        TypedFunction<int, int, long, int> wait = instance.GetFunction<int, int, long, int>("wait32");
        var used = new List<long>();
        foreach (long timeout in new[] { 0, 10_000_000 })
        {
            instance.Fuel = 1000;
            Assert.Equal(2, wait.Invoke(64, 0, timeout));
            used.Add(1000 - instance.Fuel);
        }
        Assert.Equal(used[0], used[1]);
        instance.Fuel = 0;
        AssertTrap(TrapCode.OutOfFuel, () => wait.Invoke(64, 0, -1));
    }

    [Fact]
    public async Task A_call_that_cannot_be_suspended_waits_with_its_thread()
    {
        Instance? inner = null;
        using SharedGuests guests = Make(
            new EngineOptions(),
            define: linker => linker.DefineFunction("e", "call", () => inner!.GetFunction<int, int, long, int>("wait32").InvokeAsync(64, 0, -1).AsTask().Result),
            import: "(import \"e\" \"call\" (func $call (result i32)))",
            function: "(func (export \"call\") (result i32) (call $call))");
        using Instance instance = guests.Instantiate();
        inner = instance;
        Task<int> call = Task.Run(() => instance.GetFunction<int>("call").Invoke());
        guests.AwaitWaiters(1);
        Assert.Equal(1, guests.Memory.Notify(64));
        Assert.Equal(0, await call.WaitAsync(s_long));
        call = Task.Run(() => instance.GetFunction<int>("call").Invoke());
        guests.AwaitWaiters(1);
        instance.Interrupt();
        await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(s_long));
        guests.AwaitWaiters(0);
    }

    private static SharedGuests Make(EngineOptions options, Action<int>? note = null, Action<Linker>? define = null, string import = "", string function = "") => new(import + Guest + function, options, define: linker =>
    {
        linker.DefineFunction("e", "note", note ?? (_ => { }));
        define?.Invoke(linker);
    });

    private static void AssertTrap(TrapCode code, Action action) => Assert.Equal(code, Assert.Throws<TrapException>(action).Code);
}

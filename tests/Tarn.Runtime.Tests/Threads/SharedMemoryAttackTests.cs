// Attacks on shared memories: guests and hosts that grow, end, stop and write at the worst moment. Whatever races, bounds hold, what is in use is not freed, and the process continues.
using System.Globalization;
using System.Text;

namespace Tarn.Runtime.Tests.Threads;

public sealed class SharedMemoryAttackTests
{
    private const string Guest = """
        (func (export "spin") (loop $l (br $l)))
        (func (export "write") (loop $l
          (i32.store (i32.const 100) (i32.xor (i32.load (i32.const 100)) (i32.const -1)))
          (i64.store (i32.const 104) (i64.xor (i64.load (i32.const 104)) (i64.const -1)))
          (br $l)))
        (func (export "wait") (result i32) (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
        (func (export "grow") (result i32) (memory.grow (i32.const 1)))
        ;; Reads at the end of the memory as it is known, over and over: never outside, never anything but zero.
        (func (export "read-last") (param $rounds i32) (result i32)
          (local $bad i32) (local $size i32)
          (loop $l
            (local.set $size (i32.shl (memory.size) (i32.const 16)))
            (local.set $bad (i32.or (local.get $bad) (i32.load (i32.sub (local.get $size) (i32.const 4)))))
            (local.set $bad (i32.or (local.get $bad) (i32.atomic.load (i32.sub (local.get $size) (i32.const 4)))))
            (br_if $l (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
          (local.get $bad))
        ;; Waits until the memory has so many pages, by its size alone.
        (func (export "await-size") (param $pages i32) (loop $l (br_if $l (i32.lt_u (memory.size) (local.get $pages)))))
        ;; Waits for a flag that the other one sets after it has grown, and reads what was grown.
        (func (export "await-flag") (param $at i32) (result i32)
          (drop (i32.load (i32.const 65532)))
          (loop $l (br_if $l (i32.eqz (i32.atomic.load (i32.const 8)))))
          (i32.load (local.get $at)))
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
        """;

    private static readonly double s_seconds = double.Parse(Environment.GetEnvironmentVariable("TARN_SOAK_SECONDS") ?? "0.5", CultureInfo.InvariantCulture);
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);

    public static TheoryData<MemoryStrategy, AllocationStrategy> Configurations => SharedGuests.Configurations;

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Growth_while_others_read_at_the_end(MemoryStrategy memory, AllocationStrategy allocation)
    {
        EngineOptions options = SharedGuests.Options(memory, allocation);
        using var guests = new SharedGuests(Guest, options, new MemoryType(1, 2000, isShared: true));
        using Instance reader = guests.Instantiate();
        using Instance grower = guests.Instantiate();
        using Instance waiter = guests.Instantiate();
        SharedGuests.Together(
            () => Assert.Equal(0, reader.GetFunction<int, int>("read-last").Invoke(300_000)),
            () =>
            {
                for (int i = 1; i < 1500; i++)
                    Assert.Equal(i, grower.GetFunction<int>("grow").Invoke());
            },
            () => waiter.GetAction<int>("await-size").Invoke(1000));
        Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => reader.GetFunction<int, int>("load").Invoke(1500 << 16)).Code);
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void What_was_grown_before_an_atomic_store_is_there_after_the_load_that_sees_it(MemoryStrategy memory, AllocationStrategy allocation)
    {
        for (int round = 0; round < 50; round++)
        {
            using var guests = new SharedGuests(Guest, SharedGuests.Options(memory, allocation), new MemoryType(1, 60, isShared: true));
            using Instance instance = guests.Instantiate();
            int at = ((round + 1) << 16) + 16;
            SharedGuests.Together(
                () => Assert.Equal(0x5EC2E7, instance.GetFunction<int, int>("await-flag").Invoke(at)),
                () =>
                {
                    guests.Memory.Grow(round + 1);
                    guests.Memory.Write(at, 0x5EC2E7);
                    guests.Memory.AtomicStore(8, 1);
                });
        }
    }

    [Fact]
    public async Task Ending_everything_in_any_order_while_guests_run_and_wait()
    {
        long end = Environment.TickCount64 + (long)(s_seconds * 2000);
        var random = new Random(17);
        while (Environment.TickCount64 < end)
        {
            var guests = new SharedGuests(Guest, SharedGuests.Options(MemoryStrategy.Guarded, AllocationStrategy.OnDemand));
            Instance[] instances = [.. Enumerable.Range(0, 4).Select(_ => guests.Instantiate())];
            string[] functions = ["spin", "write", "wait", "wait"];
            bool[] isAsync = [false, false, false, true];
            Task[] calls = [.. instances.Select((instance, i) => Task.Factory.StartNew(
                () =>
                {
                    try
                    {
                        if (isAsync[i])
                            return instance.GetFunction<int>("wait").InvokeAsync().AsTask();
                        if (functions[i] == "wait")
                            instance.GetFunction<int>("wait").Invoke();
                        else
                            instance.GetAction(functions[i]).Invoke();
                        return Task.CompletedTask;
                    }
                    catch (Exception e)
                    {
                        return Task.FromException(e);
                    }
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap())];
            if (random.Next(2) == 0)
                guests.AwaitWaiters(2);
            Task host = Task.Run(() =>
            {
                try
                {
                    while (true)
                    {
                        guests.Memory.Write(8, guests.Memory.Read<long>(0));
                        guests.Memory.TryGrow(0, out _);
                    }
                }
                catch (ObjectDisposedException)
                {
                    // As it has to end.
                }
            });
            Action[] ends = [.. instances.Select(instance => (Action)instance.Dispose), guests.Memory.Dispose];
            random.Shuffle(ends);
            if (random.Next(2) == 0)
            {
                foreach (Action action in ends)
                    action();
            }
            else
            {
                SharedGuests.Together(ends);
            }
            foreach (Task call in calls)
            {
                Exception e = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(s_long));
                Assert.True(e is ObjectDisposedException or TrapException { Code: TrapCode.Interrupted }, e.ToString());
            }
            await host.WaitAsync(s_long);
            Assert.Equal(0, guests.Memory.Core.Waiters.Count);
            Assert.True(SpinWait.SpinUntil(() => guests.Memory.Core.IsFreed, s_long));
            guests.Dispose();
        }
    }

    [Fact]
    public async Task Notifications_and_ends_at_the_same_moment_lose_no_waiter()
    {
        using var guests = new SharedGuests(Guest, SharedGuests.Options(MemoryStrategy.Guarded, AllocationStrategy.OnDemand));
        long end = Environment.TickCount64 + (long)(s_seconds * 2000);
        var random = new Random(3);
        int woken = 0;
        int stopped = 0;
        while (Environment.TickCount64 < end)
        {
            using Instance one = guests.Instantiate();
            using Instance two = guests.Instantiate();
            using var stop = new CancellationTokenSource();
            Task<int> first = random.Next(2) == 0 ? one.GetFunction<int>("wait").InvokeAsync(stop.Token).AsTask() : Task.Run(() => one.GetFunction<int>("wait").Invoke(stop.Token));
            guests.AwaitWaiters(1);
            Task<int> second = two.GetFunction<int>("wait").InvokeAsync().AsTask();
            guests.AwaitWaiters(2);
            Task<long> notified = Task.Run(() => guests.Memory.Notify(0, 1));
            Task stopping = random.Next(3) switch
            {
                0 => Task.Run(() => stop.Cancel(), CancellationToken.None),
                1 => Task.Run(() => one.Interrupt(), CancellationToken.None),
                _ => Task.Run(() => one.Dispose(), CancellationToken.None),
            };
            Assert.Equal(1, await notified);
            await stopping;
            try
            {
                Assert.Equal(0, await first.WaitAsync(s_long));
                woken++;
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException or TrapException { Code: TrapCode.Interrupted })
            {
                stopped++;
            }
            // One of the two took the notification. If it was the first, also if it was stopped at once, the second still waits.
            if (guests.Memory.Core.Waiters.Count == 1)
                Assert.Equal(1, guests.Memory.Notify(0, 1));
            Assert.Equal(0, await second.WaitAsync(s_long));
            Assert.Equal(0, guests.Memory.Core.Waiters.Count);
        }
        Assert.True(woken + stopped > 0);
    }

    // The host copies what it decides upon: a text whose length was checked is the text that is decoded, while a guest flips its bytes between one valid sequence and another.
    [Fact]
    public async Task What_the_host_reads_is_read_once()
    {
        using var guests = new SharedGuests(Guest + "(export \"memory\" (memory 0))");
        using Instance writer = guests.Instantiate();
        using Instance reader = guests.Instantiate();
        Memory memory = reader.Memory;
        Task writing = Task.Factory.StartNew(() => Assert.Throws<TrapException>(() => writer.GetAction("write").Invoke()), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long end = Environment.TickCount64 + (long)(s_seconds * 1000);
        var words = new HashSet<long>();
        while (Environment.TickCount64 < end)
        {
            // All or nothing: a word at a multiple of its size is read as one.
            long word = memory.Read<long>(104);
            Assert.True(word is 0 or -1, $"{word:x}");
            Assert.True(guests.Memory.Read<int>(100) is 0 or -1);
            words.Add(word);
            // 0xFF is no character: each byte is U+0000 or U+FFFD, and as many as were asked for, or fewer where bad ones are one sequence.
            string text = guests.Memory.ReadUtf8(100, 12);
            Assert.All(text, c => Assert.True(c is '\0' or '\uFFFD'));
            _ = guests.Memory.ReadUtf8(96, 32);
            Assert.InRange(Encoding.UTF8.GetByteCount(memory.ReadNullTerminatedUtf8(100)), 0, 3 * 12);
        }
        writer.Interrupt();
        await writing.WaitAsync(s_long);
        Assert.NotEmpty(words);
    }

    [Fact]
    public void A_memory_that_is_freed_while_another_store_lives_is_that_stores()
    {
        using var guests = new SharedGuests(Guest);
        Instance[] instances = [.. Enumerable.Range(0, 50).Select(_ => guests.Instantiate())];
        guests.Memory.Dispose();
        SharedGuests.Together(
            () =>
            {
                foreach (Instance instance in instances[..49])
                    instance.Dispose();
            },
            () =>
            {
                for (int i = 0; i < 100_000; i++)
                    Assert.Equal(0, instances[49].GetFunction<int, int>("load").Invoke(4));
            });
        Assert.False(guests.Memory.Core.IsFreed);
        instances[49].Dispose();
        Assert.True(guests.Memory.Core.IsFreed);
    }
}

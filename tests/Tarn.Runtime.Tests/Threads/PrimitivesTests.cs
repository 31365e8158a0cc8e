// What programs build of atomics, waiting and notifying: a mutex, a condition variable with a bounded queue, a barrier. Written by hand as C libraries have them, and run by guests in stores of their own:
// each with a thread, or suspended, or both mixed.
namespace Tarn.Runtime.Tests.Threads;

public sealed class PrimitivesTests
{
    // Mutex at 0: 0 free, 1 taken, 2 taken and waited for. What it protects, plain: the counter at 64; a queue of 8 elements at 256, head at 192, tail at 196, and two counters that
    // those wait on who find it empty (200) or full (204). A barrier at 512: how many have come, 516: which round it is.
    private const string Guest = """
        (func $lock
          (if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1))) (then (return)))
          (loop $again
            (if (i32.eqz (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2))) (then (return)))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))
            (br $again)))
        (func $unlock
          (if (i32.eq (i32.atomic.rmw.xchg (i32.const 0) (i32.const 0)) (i32.const 2))
            (then (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
        (func (export "count") (param $n i32)
          (loop $l
            (call $lock)
            (i64.store (i32.const 64) (i64.add (i64.load (i32.const 64)) (i64.const 1)))
            (i64.store (i32.const 72) (i64.add (i64.load (i32.const 72)) (i64.const 3)))
            (call $unlock)
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func $await (param $counter i32)
          (local $seen i32)
          (local.set $seen (i32.atomic.load (local.get $counter)))
          (call $unlock)
          (drop (memory.atomic.wait32 (local.get $counter) (local.get $seen) (i64.const -1)))
          (call $lock))
        (func $signal (param $counter i32)
          (drop (i32.atomic.rmw.add (local.get $counter) (i32.const 1)))
          (drop (memory.atomic.notify (local.get $counter) (i32.const -1))))
        (func (export "produce") (param $from i32) (param $n i32)
          (loop $l
            (call $lock)
            (block $room (loop $full
              (br_if $room (i32.lt_u (i32.sub (i32.load (i32.const 196)) (i32.load (i32.const 192))) (i32.const 8)))
              (call $await (i32.const 204))
              (br $full)))
            (i32.store (i32.add (i32.const 256) (i32.shl (i32.and (i32.load (i32.const 196)) (i32.const 7)) (i32.const 2))) (local.get $from))
            (i32.store (i32.const 196) (i32.add (i32.load (i32.const 196)) (i32.const 1)))
            (call $unlock)
            (call $signal (i32.const 200))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "consume") (param $n i32) (result i64)
          (local $sum i64)
          (loop $l
            (call $lock)
            (block $some (loop $empty
              (br_if $some (i32.ne (i32.load (i32.const 196)) (i32.load (i32.const 192))))
              (call $await (i32.const 200))
              (br $empty)))
            (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (i32.load (i32.add (i32.const 256) (i32.shl (i32.and (i32.load (i32.const 192)) (i32.const 7)) (i32.const 2)))))))
            (i32.store (i32.const 192) (i32.add (i32.load (i32.const 192)) (i32.const 1)))
            (call $unlock)
            (call $signal (i32.const 204))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (local.get $sum))
        ;; Adds to its own place, and checks after each round that all have.
        (func (export "rounds") (param $me i32) (param $all i32) (param $n i32) (result i32)
          (local $round i32) (local $i i32) (local $bad i32)
          (loop $l
            (i32.store (i32.add (i32.const 1024) (i32.shl (local.get $me) (i32.const 2))) (i32.add (local.get $round) (i32.const 1)))
            (call $barrier (local.get $all))
            (local.set $i (i32.const 0))
            (loop $check
              (local.set $bad (i32.add (local.get $bad) (i32.ne
                (i32.load (i32.add (i32.const 1024) (i32.shl (local.get $i) (i32.const 2)))) (i32.add (local.get $round) (i32.const 1)))))
              (br_if $check (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $all))))
            (call $barrier (local.get $all))
            (br_if $l (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (local.get $n))))
          (local.get $bad))
        (func $barrier (param $all i32)
          (local $round i32)
          (local.set $round (i32.atomic.load (i32.const 516)))
          (if (i32.eq (i32.add (i32.atomic.rmw.add (i32.const 512) (i32.const 1)) (i32.const 1)) (local.get $all))
            (then
              (i32.atomic.store (i32.const 512) (i32.const 0))
              (drop (i32.atomic.rmw.add (i32.const 516) (i32.const 1)))
              (drop (memory.atomic.notify (i32.const 516) (i32.const -1)))
              (return)))
          (loop $wait
            (drop (memory.atomic.wait32 (i32.const 516) (local.get $round) (i64.const -1)))
            (br_if $wait (i32.eq (i32.atomic.load (i32.const 516)) (local.get $round)))))
        """;

    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    public static TheoryData<MemoryStrategy, int, int> Configurations => new()
    {
        { MemoryStrategy.Guarded, 2, 0 },
        { MemoryStrategy.Checked, 3, 0 },
        { MemoryStrategy.Guarded, 0, 4 },
        { MemoryStrategy.Checked, 2, 2 },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task A_mutex_excludes(MemoryStrategy memory, int threads, int suspended)
    {
        const int count = 20_000;
        using SharedGuests guests = Make(memory);
        await RunAll(guests, threads, suspended, (instances, number, isAsync) => isAsync
            ? instances[number].GetAction<int>("count").InvokeAsync(count).AsTask()
            : Run(() => instances[number].GetAction<int>("count").Invoke(count)));
        Assert.Equal((count * (long)(threads + suspended), 3L * count * (threads + suspended)), (guests.Memory.Read<long>(64), guests.Memory.Read<long>(72)));
        Assert.Equal(0, guests.Memory.Core.Waiters.Count);
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task A_queue_hands_over_everything_once(MemoryStrategy memory, int threads, int suspended)
    {
        const int count = 2000;
        using SharedGuests guests = Make(memory);
        int all = threads + suspended;
        int pairs = (all + 1) / 2;
        var sums = new long[2 * pairs];
        // Pairs of one that produces and one that consumes.
        await RunAll(guests, threads == 0 ? 0 : 2 * pairs - suspended, threads == 0 ? 2 * pairs : suspended, async (instances, number, isAsync) =>
        {
            Instance instance = instances[number];
            if (number < pairs)
            {
                await (isAsync ? instance.GetAction<int, int>("produce").InvokeAsync(number * count, count).AsTask() : Run(() => instance.GetAction<int, int>("produce").Invoke(number * count, count)));
                return;
            }
            TypedFunction<int, long> consume = instance.GetFunction<int, long>("consume");
            sums[number] = isAsync ? await consume.InvokeAsync(count) : await Task.Factory.StartNew(() => consume.Invoke(count), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        });
        long n = (long)pairs * count;
        Assert.Equal(n * (n - 1) / 2, sums.Sum());
        Assert.Equal(0, guests.Memory.Core.Waiters.Count);
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public async Task A_barrier_lets_all_through_together(MemoryStrategy memory, int threads, int suspended)
    {
        const int rounds = 500;
        using SharedGuests guests = Make(memory);
        int all = threads + suspended;
        var bad = new int[all];
        await RunAll(guests, threads, suspended, async (instances, number, isAsync) =>
        {
            Instance instance = instances[number];
            TypedFunction<int, int, int, int> run = instance.GetFunction<int, int, int, int>("rounds");
            bad[number] = isAsync
                ? await run.InvokeAsync(number, all, rounds)
                : await Task.Factory.StartNew(() => run.Invoke(number, all, rounds), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        });
        Assert.All(bad, count => Assert.Equal(0, count));
        Assert.Equal(0, guests.Memory.Core.Waiters.Count);
    }

    private static SharedGuests Make(MemoryStrategy memory) => new(Guest, SharedGuests.Options(memory, AllocationStrategy.OnDemand));

    private static Task Run(Action action) => Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static async Task RunAll(SharedGuests guests, int threads, int suspended, Func<Instance[], int, bool, Task> run)
    {
        Instance[] instances = [.. Enumerable.Range(0, threads + suspended).Select(_ => guests.Instantiate())];
        // Those that are suspended begin on a thread of the pool each, else one would run to its end before the next begins.
        Task[] tasks = [.. instances.Select((_, i) => i < threads ? run(instances, i, false) : Task.Run(() => run(instances, i, true)))];
        await Task.WhenAll(tasks).WaitAsync(s_long);
        foreach (Instance instance in instances)
            instance.Dispose();
    }
}

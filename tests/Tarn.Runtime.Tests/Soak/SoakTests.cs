// Everything at once for a while: workers on two threads and more, random modules that come and go, traps, cancellations, growth, limiters that throw, suspensions that end in
// every way, and the garbage collector. Afterwards nothing may be left: no slot, no memory, no mapping, no code.
using System.Collections.Concurrent;
using System.Globalization;

namespace Tarn.Runtime.Tests.Soak;

[Collection(ProcessWideCollection.Name)]
public sealed class SoakTests
{
    // Fewer slots than workers: somebody always waits.
    private const int Count = 4;
    private const int Workers = 6;

    private readonly ConcurrentQueue<TaskCompletionSource<int>> _pending = new();
    private volatile bool _isOver;
    private long _operations;

    [Theory]
    [InlineData(MemoryStrategy.Guarded, ResetStrategy.Default)]
    [InlineData(MemoryStrategy.Checked, ResetStrategy.Copy)]
    public async Task Nothing_is_left_after_a_soak(MemoryStrategy memory, ResetStrategy reset)
    {
        double seconds = double.Parse(Environment.GetEnvironmentVariable("TARN_SOAK_SECONDS") ?? "10", CultureInfo.InvariantCulture) / 2;
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            MemoryStrategy = memory,
            EnableInterruption = true,
            EnableFuel = true,
            Pooling = new PoolingOptions
            {
                Limits = InstanceLimits.Default with { Count = Count, MemoryPages = 40, TableElements = 400 },
                ResetStrategy = reset,
                MaximumWarmSlots = Count,
            },
        });
        // Timers fire on the thread pool, which a few spinning guests would otherwise fill.
        ThreadPool.GetMinThreads(out int threads, out int ports);
        ThreadPool.SetMinThreads(Math.Max(threads, 2 * Workers), ports);
        var completer = new Thread(Complete) { IsBackground = true };
        completer.Start();
        var collector = new Thread(Collect) { IsBackground = true };
        collector.Start();
        // The first part warms up everything that is made once; the second is measured.
        await Run(engine, seconds * 0.4);
        Held held = Measure();
        PoolStatistics before = engine.GetPoolStatistics();
        await Run(engine, seconds * 0.6);
        _isOver = true;
        // This may be the completer's own thread, where the last guest went on.
        await Task.Yield();
        completer.Join();
        collector.Join();
        Held heldAfter = Measure();
        PoolStatistics after = engine.GetPoolStatistics();
        TestContext.Current.TestOutputHelper?.WriteLine($"{_operations} operations; {after.Rents} instances, {after.Waits} waits, {after.Faults} faults; {held} -> {heldAfter}");
        Assert.True(after.Rents > before.Rents);
        Assert.True(after.Waits > 0);
        foreach (PoolUsage usage in new[] { after.Instances, after.Memories, after.Tables })
            Assert.Equal((usage.Slots, 0), (usage.Free, usage.Warm));
        // Each processor may keep a stack for the next call.
        Assert.InRange(after.Stacks.InUse, 0, Math.Min(Count, Environment.ProcessorCount));
        Assert.Equal((0, 0), (after.Suspended, after.Waiting));
        // All modules are gone, and their code with them: each has two pages and more. A signature's stubs, a page, are made when it is first called and stay.
        Assert.InRange(heldAfter.Code - held.Code, -1_000_000, 32 << 10);
        Assert.InRange(heldAfter.Descriptors - held.Descriptors, -1000, 4);
        // Heaps of the runtime breathe; what leaks for each of thousands of instances does not fit in here.
        Assert.InRange(heldAfter.Mappings - held.Mappings, -100_000, 200);
        Assert.InRange(heldAfter.Managed - held.Managed, long.MinValue, 4L << 20);
        Assert.InRange(heldAfter.Resident - held.Resident, long.MinValue, 64L << 20);
    }

    private async Task Run(Engine engine, double seconds)
    {
        long end = Environment.TickCount64 + (long)(seconds * 1000);
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(i => Task.Run(() => Work(engine, i + Environment.TickCount, end))));
        while (engine.GetPoolStatistics().Suspended != 0)
            await Task.Delay(1);
    }

    private async Task Work(Engine engine, int seed, long end)
    {
        var random = new Random(seed);
        Linker linker = new Linker(engine)
            .DefineFunction("e", "sync", (Caller caller, int a) =>
            {
                if (a == 13)
                    throw new InvalidDataException("13");
                caller.Memory.Write(128, a);
                return caller.Memory.Read<int>(128) + 1;
            })
            .DefineFunction("e", "wait", (int a) =>
            {
                if (a % 4 == 0)
                    return new ValueTask<int>(a + 1);
                var source = new TaskCompletionSource<int>(a);
                _pending.Enqueue(source);
                return new ValueTask<int>(source.Task);
            });
        var modules = new SoakModule[5];
        for (int i = 0; i < modules.Length; i++)
            modules[i] = new SoakModule(engine, linker, random);
        while (Environment.TickCount64 < end)
        {
            int which = random.Next(modules.Length);
            if (random.Next(60) == 0)
            {
                modules[which].Dispose();
                modules[which] = new SoakModule(engine, linker, random);
            }
            SoakModule module = modules[which];
            StoreLimits? limits = random.Next(8) == 0 ? Limits(random.Next(4)) : null;
            Instance instance;
            try
            {
                // Whoever waits gets a slot, or one has been lost.
                instance = await module.Template.InstantiateAsync(limits: limits).AsTask().WaitAsync(TimeSpan.FromMinutes(2));
            }
            catch (InvalidDataException) when (limits is not null)
            {
                continue;
            }
            // A fresh slot, whatever the one before did to it.
            Assert.Equal((long)module.Pages << 16, instance.Memory.Length);
            Assert.Equal(0, instance.GetFunction<int, int>("read").Invoke(0));
            Assert.Equal(0, instance.GetFunction<int, int>("read").Invoke(128));
            Assert.InRange(instance.Fuel, long.MaxValue - 1000, long.MaxValue);
            await Use(instance, random);
            // Guests go on wherever their host functions complete, and so would we: that thread has others to serve.
            await Task.Yield();
            instance.Dispose();
            Interlocked.Increment(ref _operations);
        }
        foreach (SoakModule module in modules)
            module.Dispose();
    }

    private static StoreLimits Limits(int throwAt)
    {
        int asked = 0;
        return new StoreLimits { Limiter = (in ResourceRequest _) => asked++ == throwAt ? throw new InvalidDataException("limiter") : true };
    }

    private static async Task Use(Instance instance, Random random)
    {
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int value = random.Next(1, 1000);
            switch (random.Next(9))
            {
                case 0:
                    int at = random.Next(0, 65_000);
                    instance.GetAction<int, int>("write").Invoke(at, value);
                    Assert.Equal(value, instance.GetFunction<int, int>("read").Invoke(at));
                    break;
                case 1:
                    Assert.False(instance.GetFunction<int, int>("boom").TryInvoke(value % 4, out _, out Trap? trap));
                    TrapCode[] expected = [TrapCode.Unreachable, TrapCode.IntegerDivideByZero, TrapCode.MemoryOutOfBounds, TrapCode.StackExhausted];
                    Assert.Equal(expected[value % 4], trap.Code);
                    break;
                case 2:
                    try
                    {
                        long before = instance.Memory.Length >> 16;
                        int grown = instance.GetFunction<int, int>("grow").Invoke(value % 20);
                        Assert.True(grown == before || grown == -1);
                        if (grown >= 0)
                            instance.GetAction<int, int>("write").Invoke((int)instance.Memory.Length - 4, value);
                    }
                    catch (InvalidDataException e) when (e.Message == "limiter")
                    {
                    }
                    break;
                case 3 when value % 10 == 0:
                    using (var source = new CancellationTokenSource(1))
                        Assert.Throws<OperationCanceledException>(() => instance.GetAction("spin").Invoke(source.Token));
                    break;
                case 4 when value % 10 == 0:
                    long fuel = instance.Fuel;
                    instance.Fuel = value;
                    Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => instance.GetAction("spin").Invoke()).Code);
                    instance.Fuel = fuel;
                    break;
                case 5:
                    if (value % 7 == 0)
                        Assert.Throws<InvalidDataException>(() => instance.GetFunction<int, int>("host").Invoke(13));
                    else
                        Assert.Equal(value + 1001, instance.GetFunction<int, int>("host").Invoke(value + 1000));
                    break;
                case 6:
                    await Suspend(instance, value, random);
                    break;
                case 7:
                    using (var source = new CancellationTokenSource(value % 3))
                        await EndsSomehow(instance.GetFunction<int, int, int>("suspend").InvokeAsync(value % 50, value, source.Token).AsTask(), (value % 50 * 2) + value);
                    break;
                default:
                    Task<int> call = instance.GetFunction<int, int, int>("suspend").InvokeAsync(value % 50, value).AsTask();
                    if (value % 2 == 0)
                        await Task.Yield();
                    try
                    {
                        instance.Dispose();
                        await EndsSomehow(call, (value % 50 * 2) + value);
                        return;
                    }
                    catch (InvalidOperationException)
                    {
                        // It was just running.
                        await EndsSomehow(call, (value % 50 * 2) + value);
                    }
                    break;
            }
        }
    }

    private static async Task Suspend(Instance instance, int value, Random random)
    {
        int depth = random.Next(0, 200);
        try
        {
            int result = await instance.GetFunction<int, int, int>("suspend").InvokeAsync(depth, value);
            Assert.Equal(depth + value + 1 + value, result);
        }
        catch (InvalidOperationException e) when (e.Message == "failed")
        {
        }
        catch (TrapException e)
        {
            Assert.Fail(e.ToString());
        }
    }

    // Cancelled, disposed of, failed, or there in time.
    private static async Task EndsSomehow(Task<int> call, int least)
    {
        try
        {
            Assert.InRange(await call, least, least + 1000);
        }
        catch (OperationCanceledException)
        {
        }
        catch (ObjectDisposedException)
        {
        }
        catch (TrapException e) when (e.Code == TrapCode.Interrupted)
        {
            // It was just running when its instance was disposed.
        }
        catch (InvalidOperationException e) when (e.Message == "failed")
        {
        }
    }

    private void Complete()
    {
        var random = new Random(1);
        while (!_isOver || !_pending.IsEmpty)
        {
            if (!_pending.TryDequeue(out TaskCompletionSource<int>? source))
            {
                Thread.Sleep(0);
                continue;
            }
            if (random.Next(20) == 0)
                Thread.Sleep(1);
            int value = (int)source.Task.AsyncState!;
            if (random.Next(10) == 0)
                source.SetException(new InvalidOperationException("failed"));
            else
                source.SetResult(value + 1);
        }
    }

    private void Collect()
    {
        for (int i = 0; !_isOver; i++)
        {
            var garbage = new List<byte[]>();
            for (int k = 0; k < 100; k++)
                garbage.Add(new byte[1000 + k]);
            GC.KeepAlive(garbage);
            GC.Collect(i % 10 == 0 ? 2 : 0);
            Thread.Sleep(5);
        }
    }

    private static Held Measure()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        string[] statm = File.ReadAllText("/proc/self/statm").Split(' ');
        return new Held(
            File.ReadLines("/proc/self/maps").LongCount(),
            Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount(),
            Tarn.Execution.Machine.Current.Arena.CodeBytesInUse,
            GC.GetTotalMemory(forceFullCollection: true),
            long.Parse(statm[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }

    // What the process holds: all but the first two in bytes.
    private readonly record struct Held(long Mappings, long Descriptors, long Code, long Managed, long Resident);
}

// How many instances live in one process at once. Each is made, called to write its own number, and at the end called to read it back: an instance that shares
// a byte with another would be found out. Checked memories first: 100,000, then 1,000,000 (or the counts given). Then guarded ones: as many as the address
// space holds, found by asking for too many and taking the number that the error names; one more must fail with the same error.
// Figures: time to make an instance (first call included), and resident memory by the kernel's count, of which the managed part is shown.
using System.Diagnostics;
using System.Globalization;

namespace Tarn.Bench.Density;

internal sealed class DensityBenchmark : IBenchmark
{
    private const string Text = """
        (module
          (memory 1)
          (func (export "set") (param i64) (i64.store (i32.const 1000) (local.get 0)))
          (func (export "get") (result i64) (i64.load (i32.const 1000))))
        """;

    // What the module's VM context takes is 128 bytes; the rest is room for a module that is not a toy.
    private const int InstanceSize = 512;

    public string Verb => "density";

    public string Summary => "live instances in one process: time and resident bytes each, and proof that each works; words: counts; --part=checked|guarded";

    public int Run(BenchmarkArguments arguments)
    {
        string part = arguments.Text("part") ?? "";
        int[] counts = arguments.Words.Count > 0 ? [.. arguments.Words.Select(w => int.Parse(w, CultureInfo.InvariantCulture))] : [100_000, 1_000_000];
        Console.WriteLine("| memories | live instances | pools reserved in | made in | each | resident each | managed each | mappings | all read back in | disposed in |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        if (part is "" or "checked")
        {
            foreach (int count in counts)
                Live(MemoryStrategy.Checked, count);
        }
        if (part is "" or "guarded")
            Guarded();
        return 0;
    }

    private static void Guarded()
    {
        const int TooMany = 100_000;
        int most = 0;
        try
        {
            using Engine engine = Make(MemoryStrategy.Guarded, TooMany);
            Console.WriteLine($"{TooMany} guarded memories fit: the address space is larger than 47 bits");
            return;
        }
        catch (PoolReservationException e)
        {
            most = Math.Min(e.LargestCount, TooMany - 1);
        }
        // What was free when it was counted need not be free now.
        for (; ; )
        {
            try
            {
                Make(MemoryStrategy.Guarded, most).Dispose();
                break;
            }
            catch (PoolReservationException e)
            {
                most = e.LargestCount;
            }
        }
        Live(MemoryStrategy.Guarded, most);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nGuarded: {most:N0}, as many as the address space holds, a reservation of 4 GiB and a guard each."));
        try
        {
            using Engine engine = Make(MemoryStrategy.Guarded, most + 1);
            throw new InvalidOperationException("one more than the address space holds was granted");
        }
        catch (PoolReservationException e)
        {
            Console.WriteLine($"One more: {e.GetType().Name}: {e.Message}");
        }
    }

    private static Engine Make(MemoryStrategy strategy, int count) => new(new EngineOptions
    {
        AllocationStrategy = AllocationStrategy.Pooling,
        MemoryStrategy = strategy,
        Pooling = new PoolingOptions
        {
            Limits = new InstanceLimits { Count = count, Size = InstanceSize, Tables = 0, MemoryPages = 1 },
            DecommitBatchSize = 64,
            TotalStacks = Math.Min(count, 64),
            StackSize = EngineOptions.MinimumStackSize,
        },
    });

    private static void Live(MemoryStrategy strategy, int count)
    {
        long start = Stopwatch.GetTimestamp();
        using Engine engine = Make(strategy, count);
        double reserved = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        var instances = new Instance[count];
        GC.Collect();
        long resident = ResidentBytes();
        long managed = GC.GetTotalMemory(forceFullCollection: false);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            instances[i] = template.Instantiate();
            instances[i].GetAction<long>("set").Invoke(Number(i));
        }
        double made = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        resident = ResidentBytes() - resident;
        managed = GC.GetTotalMemory(forceFullCollection: false) - managed;
        int mappings = File.ReadLines("/proc/self/maps").Count();
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            if (instances[i].GetFunction<long>("get").Invoke() != Number(i))
                throw new InvalidOperationException($"instance {i} does not hold what was written into it");
        }
        double read = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        foreach (Instance instance in instances)
            instance.Dispose();
        double disposed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {strategy} | {count:N0} | {reserved:0} ms | {made:0} ms | {made * 1000 / count:0.00} µs | {resident / (double)count:0} B | {managed / (double)count:0} B | {mappings} | {read:0} ms | {disposed:0} ms |"));
    }

    private static long Number(int i) => unchecked((i + 1) * (long)0x9E3779B97F4A7C15);

    private static long ResidentBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}

// What the pools do to a process of their own, under limits that a test set before it began: of memory, of address space. The first argument says what to do; each prints
// what came of it and fails by an exception. No check of this runs inside another process, where the limits would be everybody's.
using System.Globalization;

namespace Tarn.MachineChecks;

internal static class PoolProcess
{
    private const string Guest = """
        (module
          (memory (export "memory") 160) (table 10000 funcref) (elem (i32.const 0) $f) (data (i32.const 65536) "data")
          (func $f (result i32) (i32.const 1))
          (func $deep (param i32) (result i32)
            (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
          (func (export "use") (param $number i32) (param $depth i32) (result i32) (local $at i32)
            (loop $again
              (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (local.get $number)))
              (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1048576))) (i32.const 10485760))))
            (call $deep (local.get $depth)))
          (func (export "sum") (result i32) (local $at i32) (local $sum i32)
            (loop $again
              (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
              (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1048576))) (i32.const 10485760))))
            (local.get $sum)))
        """;

    private const string Small = """
        (module (memory 1)
          (func (export "use") (param i32 i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (local.get 1))
          (func (export "sum") (result i32) (i32.mul (i32.const 10) (i32.load (i32.const 0)))))
        """;

    public static int Run(ReadOnlySpan<string> arguments)
    {
        switch (arguments)
        {
            case ["default-pools"]:
                DefaultPools();
                return 0;
            case ["largest-count", string strategy, string count, string size, string pages, string elements]:
                LargestCount(Enum.Parse<MemoryStrategy>(strategy), new InstanceLimits
                {
                    Count = Number(count),
                    Size = Number(size),
                    MemoryPages = Number(pages),
                    TableElements = Number(elements),
                });
                return 0;
            case ["small"]:
                RunSmall();
                return 0;
            default:
                Console.Error.WriteLine("default-pools, largest-count STRATEGY COUNT SIZE PAGES ELEMENTS, or small");
                return 2;
        }
    }

    // What one small program takes: checked memories of which the system may refuse what they could grow to.
    private static void RunSmall()
    {
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, MemoryStrategy = MemoryStrategy.Checked });
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int i = 0; i < 3; i++)
        {
            using Instance instance = template.Instantiate();
            Require(instance.GetFunction<int, int, int>("use").Invoke(i, 100) == 100);
            Console.WriteLine($"code {Tarn.Execution.Machine.Current.Arena.ReservedBytes}, memory {instance.Memory.Length}");
        }
    }

    // Everything as it comes: all thousand instances at once, each with ten pages of its memory written and some depth on its stack, twice; then many short lives.
    private static void DefaultPools()
    {
        using Engine engine = new();
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int round = 0; round < 2; round++)
            Fill(engine, template, engine.Options.Pooling.Limits.Count, depth: 100);
        for (int i = 0; i < 20_000; i++)
        {
            using Instance instance = template.Instantiate();
            Require(instance.GetFunction<int, int, int>("use").Invoke(i, 1) == 1);
        }
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            // Peak of resident memory, and what the kernel keeps beside it: a container pays for both.
            if (line.StartsWith("VmHWM", StringComparison.Ordinal) || line.StartsWith("VmPTE", StringComparison.Ordinal))
                Console.WriteLine(line.Replace('\t', ' '));
        }
    }

    // Asks for too many, then for as many as the error names, all of which must work, and then for one more.
    private static void LargestCount(MemoryStrategy strategy, InstanceLimits limits)
    {
        PoolReservationException refused = Refused(strategy, limits);
        Console.WriteLine($"refused {refused.Pool} {refused.RequestedBytes} {refused.LargestCount}");
        Console.WriteLine(refused.Message);
        int largest = refused.LargestCount;
        if (largest == 0)
            return;
        using (Engine engine = Make(strategy, limits with { Count = largest }))
        {
            using Module module = Module.FromText(engine, Small);
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            Fill(engine, template, largest, depth: 0);
        }
        _ = Refused(strategy, limits with { Count = largest + 1 });
        Console.WriteLine("all work, and one more is refused");
    }

    private static PoolReservationException Refused(MemoryStrategy strategy, InstanceLimits limits)
    {
        try
        {
            Make(strategy, limits).Dispose();
        }
        catch (PoolReservationException e)
        {
            return e;
        }
        throw new InvalidOperationException($"{limits} fits");
    }

    private static Engine Make(MemoryStrategy strategy, InstanceLimits limits) => new(new EngineOptions { MemoryStrategy = strategy, Pooling = new PoolingOptions { Limits = limits } });

    private static void Fill(Engine engine, InstanceTemplate template, int count, int depth)
    {
        var all = new Instance[count];
        for (int i = 0; i < count; i++)
        {
            all[i] = template.Instantiate();
            Require(all[i].GetFunction<int, int, int>("use").Invoke(i, depth) == depth);
        }
        try
        {
            template.Instantiate();
            throw new InvalidOperationException("there is a slot more than there should be");
        }
        catch (PoolExhaustedException)
        {
        }
        for (int i = 0; i < count; i++)
            Require(all[i].GetFunction<int>("sum").Invoke() == 10 * i);
        foreach (Instance instance in all)
            instance.Dispose();
        Require(engine.GetPoolStatistics().Instances.InUse == 0);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static void Require(bool isSo)
    {
        if (!isSo)
            throw new InvalidOperationException("an instance does not hold what it should");
    }
}

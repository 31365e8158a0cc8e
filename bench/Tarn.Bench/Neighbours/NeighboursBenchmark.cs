// What one tenant can do to another's latency: a good one that instantiates, calls and disposes without pause, alone and beside a hostile one in the same engine, which does one thing as fast
// as it can on a thread of its own. Each life of the good one is timed; p50 and p99 are what its users notice. Everything that the two share is in the way: the engine's locks and
// lists, the code arena, the kernel's lock over the process's mappings, the garbage collector, and the machine's processors.
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Tarn.Bench.Neighbours;

internal sealed class NeighboursBenchmark : IBenchmark
{
    private const string Good = """
        (module (memory 2) (data (i32.const 1024) "good")
          (func (export "f") (param $n i32) (result i32) (local $s i32)
            (loop $l
              (i32.store (i32.shl (i32.and (local.get $n) (i32.const 1023)) (i32.const 2)) (local.get $n))
              (local.set $s (i32.add (local.get $s) (i32.load (i32.const 1024))))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $s)))
        """;

    private const string Hostile = """
        (module (memory 1) (table 1 funcref) (global $depth (mut i32) (i32.const 90))
          (func $deep (param i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call $deep (i32.sub (local.get 0) (i32.const 1))))
          (func (export "trap") (call $deep (global.get $depth)))
          (func (export "grow") (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.fill (i32.const 0) (i32.const 1) (i32.shl (memory.size) (i32.const 16))))
          (func (export "table") (loop $l (br_if $l (i32.ne (table.grow (ref.null func) (i32.const 100)) (i32.const -1))))))
        """;

    public string Verb => "neighbours";

    public string Summary => "one hostile tenant (compiling, trapping, growing, instantiating) beside a good one: p50 and p99 of the good one's lives; --seconds=N each";

    public int Run(BenchmarkArguments arguments)
    {
        double seconds = arguments.Number("seconds", 5);
        string[] kinds = arguments.Only("alone", "spin", "compile", "lazy", "trap", "grow", "instantiate", "engines");
        Console.WriteLine("| the hostile one | what it did | lives of the good one | p50 | p99 | p99.9 | p50 against alone | p99 against alone |\n|---|--:|--:|--:|--:|--:|--:|--:|");
        (double P50, double P99) alone = default;
        foreach (string kind in kinds)
        {
            (double[] lives, long deeds) = Measure(kind, seconds);
            double p50 = lives[lives.Length / 2];
            double p99 = lives[(int)(lives.Length * 0.99)];
            if (kind == "alone")
                alone = (p50, p99);
            string ratios = alone.P50 == 0 ? "| |" : string.Create(CultureInfo.InvariantCulture, $"| {p50 / alone.P50:f2} × | {p99 / alone.P99:f2} × |");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {kind} | {deeds} | {lives.Length} | {p50:f1} µs | {p99:f1} µs | {lives[(int)(lives.Length * 0.999)]:f1} µs {ratios}"));
        }
        return 0;
    }

    private static (double[] Lives, long Deeds) Measure(string kind, double seconds)
    {
        using var engine = new Engine(new EngineOptions
        {
            EnableInterruption = true,
            // A hostile module is compiled by one thread, or it would have the machine.
            CompilationThreads = 1,
            CompilationMode = kind == "lazy" ? CompilationMode.Lazy : CompilationMode.Eager,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 64 } },
        });
        using Module good = Module.FromText(engine, Good);
        using InstanceTemplate template = new Linker(engine).Prepare(good);
        bool isOver = false;
        long deeds = 0;
        Exception? failure = null;
        Thread? hostile = kind == "alone" ? null : new Thread(() =>
        {
            try
            {
                Action deed = Deed(kind, engine);
                while (!Volatile.Read(ref isOver))
                {
                    deed();
                    deeds++;
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        var lives = new List<double>(1 << 20);
        for (int i = 0; i < 2000; i++)
            Live(template);
        hostile?.Start();
        long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        for (long now = Stopwatch.GetTimestamp(); now < end;)
        {
            Live(template);
            long then = Stopwatch.GetTimestamp();
            lives.Add(Stopwatch.GetElapsedTime(now, then).TotalMicroseconds);
            now = then;
        }
        Volatile.Write(ref isOver, true);
        hostile?.Join();
        if (failure is not null)
            throw new InvalidOperationException($"the hostile tenant failed: {failure.Message}", failure);
        double[] sorted = [.. lives];
        Array.Sort(sorted);
        return (sorted, deeds);
    }

    private static void Live(InstanceTemplate template)
    {
        using Instance instance = template.Instantiate();
        instance.GetFunction<int, int>("f").Invoke(2000);
    }

    private static Action Deed(string kind, Engine engine)
    {
        if (kind == "spin")
            return static () => Thread.SpinWait(1000);
        if (kind == "engines")
        {
            return () => new Engine(new EngineOptions { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 4 } } }).Dispose();
        }
        if (kind is "compile" or "lazy")
        {
            int salt = 0;
            return () => Compile(engine, ++salt, isLazy: kind == "lazy");
        }
        Module module = Module.FromText(engine, Hostile);
        if (kind == "instantiate")
        {
            // Many modules, so that slots are taken from one for the other and nothing is warm.
            InstanceTemplate[] templates = [.. Enumerable.Range(0, 200).Select(i => new Linker(engine).Prepare(Module.FromText(engine, Hostile.Replace("90", (i + 1).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))))];
            int next = 0;
            return () => templates[next++ % templates.Length].Instantiate().Dispose();
        }
        InstanceTemplate template = new Linker(engine).Prepare(module);
        return () =>
        {
            using Instance instance = template.Instantiate();
            if (kind == "grow")
            {
                instance.GetAction("grow").Invoke();
                instance.GetAction("table").Invoke();
            }
            else
            {
                for (int i = 0; i < 10; i++)
                    instance.GetFunction("trap").TryInvoke([], [], out _);
            }
        };
    }

    // Functions, types and signatures that no module had before.
    private static void Compile(Engine engine, int salt, bool isLazy)
    {
        const int Functions = 1000;
        var text = new StringBuilder("(module ");
        for (int i = 0; i < Functions; i++)
            text.Append(CultureInfo.InvariantCulture, $"(func (param i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const {salt + i})) (i32.shr_u (local.get 0) (i32.const {i & 31}))))");
        text.Append("(func (export \"f\") (result i32) (i32.const 1) ");
        for (int i = 0; i < Functions; i++)
            text.Append("call ").Append(i).Append(' ');
        using Module module = Module.FromText(engine, text.Append("))").ToString());
        if (!isLazy)
            return;
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance instance = template.Instantiate();
        instance.GetFunction<int>("f").Invoke();
    }
}

// One run of a fuzzing test: where its seeds begin, how long it goes on, and what it leaves behind when something is found, even if that ends the process.
//
//   TARN_FUZZ_SEED=n     begins with that seed: repeats a run
//   TARN_FUZZ_SECONDS=n  goes on for so long, from a seed taken from the clock
//   CI=true              from a seed taken from the clock (or TARN_FUZZ_SEED, which .ci/run sets and prints)
//   otherwise            the same seeds every time, so that nobody's work is interrupted by luck
//
// Before a module runs it is written to artifacts/crashers, with the command that repeats it, and taken away when the next one runs or the run has passed: a process or a test that ends there,
// by whatever exception, leaves both.
using System.Diagnostics;
using System.Globalization;

namespace Tarn.TestSupport;

/// <summary>The seeds of a fuzzing test and what it leaves behind.</summary>
public sealed class FuzzRun : IDisposable
{
    private readonly string _test;
    private readonly string _command;
    private readonly string _running;
    private readonly long _start = Stopwatch.GetTimestamp();
    private int _seed;

    private FuzzRun(Type test, string method, string variant, int first, double seconds)
    {
        _test = variant.Length == 0 ? test.Name : $"{test.Name}-{variant}";
        _command = $"dotnet run --project tests/{test.Assembly.GetName().Name} -- --filter-method '*.{test.Name}.{method}'";
        First = first;
        Seconds = seconds;
        Directory.CreateDirectory(Folder);
        _running = Path.Combine(Folder, $"{_test}-running");
    }

    /// <summary>The first seed; the others follow it.</summary>
    public int First { get; }

    /// <summary>How long it goes on at least, in seconds.</summary>
    public double Seconds { get; }

    /// <summary>Whether its time is not over.</summary>
    public bool GoesOn => Stopwatch.GetElapsedTime(_start).TotalSeconds < Seconds;

    /// <summary>The run in one line, for the test's output.</summary>
    public string Description => $"{_test} from seed {First}: TARN_FUZZ_SEED={First} {_command}";

    private static string Folder => Repository.PathOf("artifacts", "crashers");

    /// <summary>Begins a run.</summary>
    /// <param name="test">The test class.</param>
    /// <param name="method">The test.</param>
    /// <param name="otherwise">The first seed where nothing asks for another.</param>
    /// <param name="variant">Tells the cases of a theory apart.</param>
    public static FuzzRun Start(Type test, string method, int otherwise, string variant = "")
    {
        double seconds = double.Parse(Environment.GetEnvironmentVariable("TARN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        int first = Environment.GetEnvironmentVariable("TARN_FUZZ_SEED") is { Length: > 0 } seed ? (int)(long.Parse(seed, CultureInfo.InvariantCulture) & 0x3FFFFFFF)
            : seconds > 0 || Repository.ContinuousIntegration ? (int)(Stopwatch.GetTimestamp() & 0x3FFFFFFF)
            : otherwise;
        var run = new FuzzRun(test, method, variant, first, seconds);
        Console.Error.WriteLine(run.Description);
        return run;
    }

    /// <summary>A module is about to run, or to be judged.</summary>
    public void Running(int seed, ReadOnlySpan<byte> module)
    {
        _seed = seed;
        File.WriteAllBytes(_running + ".wasm", module);
        File.WriteAllText(_running + ".txt", Repeat(seed));
    }

    /// <summary>Everything that ran has passed: nothing is left of what ran last.</summary>
    public void Passed()
    {
        File.Delete(_running + ".wasm");
        File.Delete(_running + ".txt");
    }

    /// <summary>Keeps a module that showed something.</summary>
    /// <returns>Where it is and how to repeat it, in words.</returns>
    public string Keep(int seed, ReadOnlySpan<byte> module)
    {
        string path = Path.Combine(Folder, $"{_test}-{seed}.{(module.StartsWith("\0asm"u8) ? "wasm" : "wat")}");
        File.WriteAllBytes(path, module);
        return $"the module is at {path}; to repeat it: {Repeat(seed)}";
    }

    /// <summary>The run is over. What ran last is kept under its seed, unless it has passed.</summary>
    public void Dispose()
    {
        if (!File.Exists(_running + ".wasm"))
            return;
        Console.Error.WriteLine($"seed {_seed} has not passed; {Keep(_seed, File.ReadAllBytes(_running + ".wasm"))}");
        Passed();
    }

    private string Repeat(int seed) => $"TARN_FUZZ_SEED={seed} {_command}";
}

// Tarn as an embedder uses it: a template, an instance, a typed function.
using System.Diagnostics;

namespace Tarn.Bench.Execute;

internal sealed class TarnEngine(string name, EngineOptions options) : ExecutionEngine(name)
{
    private readonly Engine _engine = new(options);
    private Module? _module;
    private Instance? _instance;
    private TypedFunction<int, long> _run;

    public TarnEngine()
        : this("Tarn", DefaultOptions)
    {
    }

    /// <summary>Programs want more memory than a slot of the default pools has.</summary>
    public static EngineOptions DefaultOptions { get; } = new() { AllocationStrategy = AllocationStrategy.OnDemand };

    /// <summary>Without the checks that let a guest be stopped, which the default options have.</summary>
    public static EngineOptions Uninterruptible { get; } = DefaultOptions with { EnableInterruption = false };

    public override bool TryLoad(BenchmarkProgram program)
    {
        Unload();
        byte[] bytes = File.ReadAllBytes(program.WasmPath);
        _module = Module.FromBytes(_engine, bytes);
        _instance = new Linker(_engine).Prepare(_module).Instantiate();
        _run = _instance.GetFunction<int, long>("run");
        return true;
    }

    public override (double Nanoseconds, ulong Checksum) Run(uint n)
    {
        double start = ExecutionClock.Now();
        long sum = _run.Invoke((int)n);
        return (ExecutionClock.Now() - start, (ulong)sum);
    }

    public override double Compile(BenchmarkProgram program)
    {
        byte[] bytes = File.ReadAllBytes(program.WasmPath);
        long start = Stopwatch.GetTimestamp();
        using Module module = Module.FromBytes(_engine, bytes);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    }

    public override void Dispose()
    {
        Unload();
        _engine.Dispose();
        base.Dispose();
    }

    private void Unload()
    {
        _instance?.Dispose();
        _module?.Dispose();
    }
}

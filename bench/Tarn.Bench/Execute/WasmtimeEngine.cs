// Wasmtime with Cranelift, through its .NET package: the typed delegate that the package offers, default options.
using System.Diagnostics;

namespace Tarn.Bench.Execute;

internal sealed class WasmtimeEngine(string name, Wasmtime.Config configuration, Action<Wasmtime.Store> prepare) : ExecutionEngine(name)
{
    private readonly Wasmtime.Engine _engine = new(configuration);
    private Wasmtime.Module? _module;
    private Wasmtime.Store? _store;
    private Func<int, long>? _run;

    public WasmtimeEngine()
        : this("Wasmtime", new Wasmtime.Config(), _ => { })
    {
    }

    public override bool TryLoad(BenchmarkProgram program)
    {
        Unload();
        byte[] bytes = File.ReadAllBytes(program.WasmPath);
        _module = Wasmtime.Module.FromBytes(_engine, program.Name, bytes);
        _store = new Wasmtime.Store(_engine);
        prepare(_store);
        using var linker = new Wasmtime.Linker(_engine);
        Wasmtime.Instance instance = linker.Instantiate(_store, _module);
        _run = instance.GetFunction<int, long>("run") ?? throw new InvalidDataException($"{program.Name} exports no run(i32) -> i64");
        return true;
    }

    public override (double Nanoseconds, ulong Checksum) Run(uint n)
    {
        double start = ExecutionClock.Now();
        long sum = _run!((int)n);
        return (ExecutionClock.Now() - start, (ulong)sum);
    }

    public override double Compile(BenchmarkProgram program)
    {
        byte[] bytes = File.ReadAllBytes(program.WasmPath);
        long start = Stopwatch.GetTimestamp();
        using Wasmtime.Module module = Wasmtime.Module.FromBytes(_engine, program.Name, bytes);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    }

    public override void Dispose()
    {
        Unload();
        _engine.Dispose();
        configuration.Dispose();
        base.Dispose();
    }

    private void Unload()
    {
        _store?.Dispose();
        _module?.Dispose();
    }
}

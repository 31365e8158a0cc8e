// Wasmtime with Cranelift, through its .NET package: the typed delegate that the package offers, default options.
using System.Diagnostics;

namespace Tarn.Bench.Execute;

internal sealed class WasmtimeEngine() : ExecutionEngine("Wasmtime")
{
    private readonly Wasmtime.Engine _engine = new();
    private Wasmtime.Module? _module;
    private Wasmtime.Store? _store;
    private Func<int, long>? _run;

    public override void Load(string program, string wasmPath)
    {
        Unload();
        byte[] bytes = File.ReadAllBytes(wasmPath);
        long start = Stopwatch.GetTimestamp();
        _module = Wasmtime.Module.FromBytes(_engine, program, bytes);
        CompileMilliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        _store = new Wasmtime.Store(_engine);
        using var linker = new Wasmtime.Linker(_engine);
        Wasmtime.Instance instance = linker.Instantiate(_store, _module);
        _run = instance.GetFunction<int, long>("run") ?? throw new InvalidDataException($"{program} exports no run(i32) -> i64");
    }

    public override (double Milliseconds, ulong Checksum) Run(uint n)
    {
        long start = Stopwatch.GetTimestamp();
        long sum = _run!((int)n);
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, (ulong)sum);
    }

    public override void Dispose()
    {
        Unload();
        _engine.Dispose();
        base.Dispose();
    }

    private void Unload()
    {
        _store?.Dispose();
        _module?.Dispose();
    }
}

// Tarn as an embedder uses it: a template, an instance, a typed function.
using System.Diagnostics;

namespace Tarn.Bench.Execute;

internal sealed class TarnEngine() : ExecutionEngine("Tarn")
{
    private readonly Engine _engine = new();
    private Module? _module;
    private Instance? _instance;
    private TypedFunction<int, long> _run;

    public override void Load(string program, string wasmPath)
    {
        Unload();
        byte[] bytes = File.ReadAllBytes(wasmPath);
        long start = Stopwatch.GetTimestamp();
        _module = Module.FromBytes(_engine, bytes);
        CompileMilliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        _instance = new Linker(_engine).Prepare(_module).Instantiate();
        _run = _instance.GetFunction<int, long>("run");
    }

    public override (double Milliseconds, ulong Checksum) Run(uint n)
    {
        long start = Stopwatch.GetTimestamp();
        long sum = _run.Invoke((int)n);
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
        _instance?.Dispose();
        _module?.Dispose();
    }
}

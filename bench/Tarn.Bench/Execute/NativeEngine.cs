// The same C source built by clang -O2 as a shared library (no automatic vectorisation: the WebAssembly build has no SIMD either).
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tarn.Bench.Execute;

internal sealed unsafe class NativeEngine(string folder) : ExecutionEngine("clang -O2")
{
    private delegate* unmanaged<uint, ulong> _run;

    public override void Load(string program, string wasmPath) =>
        _run = (delegate* unmanaged<uint, ulong>)NativeLibrary.GetExport(NativeLibrary.Load(Path.Combine(folder, program + ".so")), "run");

    public override (double Milliseconds, ulong Checksum) Run(uint n)
    {
        long start = Stopwatch.GetTimestamp();
        ulong sum = _run(n);
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, sum);
    }
}

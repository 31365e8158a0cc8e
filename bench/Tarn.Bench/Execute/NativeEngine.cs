// The same source built by clang -O2 or rustc as a shared library, with as much vectorisation as the WebAssembly build has: none for bench/programs.
using System.Runtime.InteropServices;

namespace Tarn.Bench.Execute;

internal sealed unsafe class NativeEngine(string name, string folder) : ExecutionEngine(name)
{
    private delegate* unmanaged<uint, ulong> _run;

    public override bool Compiles => false;

    public override bool TryLoad(BenchmarkProgram program)
    {
        string path = Path.Combine(folder, program.Name + ".so");
        if (!File.Exists(path))
            return false;
        _run = (delegate* unmanaged<uint, ulong>)NativeLibrary.GetExport(NativeLibrary.Load(path), "run");
        return true;
    }

    public override (double Nanoseconds, ulong Checksum) Run(uint n)
    {
        double start = ExecutionClock.Now();
        ulong sum = _run(n);
        return (ExecutionClock.Now() - start, sum);
    }

    public override double Compile(BenchmarkProgram program) => throw new NotSupportedException("Native programs were compiled before.");
}

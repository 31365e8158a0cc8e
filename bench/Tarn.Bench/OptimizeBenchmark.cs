// How fast one thread builds IR, and how fast it builds and optimises it, in bytes of function bodies: the second over the first says what the passes cost. Functions of
// a module that use what cannot be translated are left out of both.
//
// Takes module files as arguments, or the large modules that compiling is measured with.
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Frontend;
using Tarn.Compiler.IR;
using Tarn.Compiler.Optimize;
using Tarn.Wasm;
using Tarn.Wasm.Validation;

namespace Tarn.Bench;

internal sealed class OptimizeBenchmark : IBenchmark
{
    private readonly FunctionTranslator _translator = new();
    private readonly FunctionOptimizer _optimizer = new() { Verifies = false };
    private readonly IrFunction _function = new();
    private readonly TargetDescription _target = new() { MaximumMemoryBytes = 65535UL << 16 };

    public string Verb => "optimize";

    public string Summary => "building IR, and building and optimising it, one thread, MB/s of function bodies";

    public int Run(BenchmarkArguments arguments)
    {
        if (!arguments.TryGetModules(Verb, out IReadOnlyList<(string Name, string Path)> files))
            return 1;

        SideBySide run = SideBySide.Throughput("IR, 1 thread");
        foreach ((string name, string file) in files)
        {
            WasmModule module = WasmModule.Decode(File.ReadAllBytes(file), WasmFeatures.All);
            ModuleValidator.Validate(module, new TypeRegistry(), 1);
            VmContextLayout layout = new(module);
            List<int> functions = [];
            long bytes = 0;
            for (int i = module.ImportedFunctionCount; i < module.Functions.Length; i++)
            {
                try
                {
                    _translator.Translate(module, layout, i, _target, _function);
                }
                catch (NotSupportedException)
                {
                    continue;
                }

                functions.Add(i);
                bytes += module.ReadBody(i - module.ImportedFunctionCount).Remaining;
            }

            Contender.WarmUp(2, () => Translate(module, layout, functions, optimize: true));
            List<Contender> contenders =
            [
                Contender.InProcess("Build", bytes, () => Translate(module, layout, functions, optimize: false)),
                Contender.InProcess("Build and optimise", bytes, () => Translate(module, layout, functions, optimize: true)),
            ];
            run.Run($"{name}, {bytes / 1e6:0.0} MB of bodies", contenders, arguments.Rounds(9));
        }

        run.Report(arguments);
        return 0;
    }

    private void Translate(WasmModule module, VmContextLayout layout, List<int> functions, bool optimize)
    {
        foreach (int function in functions)
        {
            _translator.Translate(module, layout, function, _target, _function);
            if (optimize)
                _optimizer.Run(_function, _target);
        }
    }
}

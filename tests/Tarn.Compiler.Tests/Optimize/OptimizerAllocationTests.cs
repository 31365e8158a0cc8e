// Translating and optimising allocates nothing once a worker's arrays have grown to the sizes that it meets.
using Tarn.Compiler.Abi;
using Tarn.Compiler.Frontend;
using Tarn.Compiler.IR;
using Tarn.Compiler.Optimize;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Optimize;

public sealed class OptimizerAllocationTests
{
    [Fact]
    public void Nothing_is_allocated_in_the_steady_state()
    {
        var modules = new List<(WasmModule, VmContextLayout)>();
        foreach (var path in Directory.GetFiles(Repository.PathOf("bench/programs/wasm"), "*.wasm").Order(StringComparer.Ordinal))
        {
            var module = WasmModule.Decode(File.ReadAllBytes(path), WasmFeatures.All);
            ModuleValidator.Validate(module, new TypeRegistry(), 1);
            modules.Add((module, new VmContextLayout(module)));
        }

        var translator = new FunctionTranslator();
        var optimizer = new FunctionOptimizer { Verifies = false };
        var function = new IrFunction();
        Optimise(modules, translator, optimizer, function);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var functions = Optimise(modules, translator, optimizer, function);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(functions >= 50, $"only {functions} functions");
#if DEBUG
        // The translator verifies what it has made.
        Assert.True(allocated > 0);
#else
        Assert.Equal(0, allocated);
#endif
    }

    private static int Optimise(List<(WasmModule Module, VmContextLayout Layout)> modules, FunctionTranslator translator, FunctionOptimizer optimizer, IrFunction function)
    {
        var count = 0;
        foreach (var (module, layout) in modules)
        {
            for (var i = module.ImportedFunctionCount; i < module.Functions.Length; i++)
            {
                translator.Translate(module, layout, i, TargetDescription.Default, function);
                optimizer.Run(function, TargetDescription.Default);
                count++;
            }
        }

        return count;
    }
}

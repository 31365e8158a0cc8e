// What the passes make of small modules: each .wat beside this file is translated and optimised, and both texts are compared with the .txt of the same
// name. A first line ";; checked" asks for checked memories. Bless with TARN_BLESS=1 and review the diff.
using System.Text;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Frontend;
using Tarn.Compiler.IR;
using Tarn.Compiler.Optimize;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Optimize;

public sealed class OptimizerGoldenTests
{
    private const string Folder = "tests/Tarn.Compiler.Tests/Optimize/Golden";

    public static TheoryData<string> Cases => [.. Directory.GetFiles(Repository.PathOf(Folder), "*.wat").Select(p => Path.GetFileNameWithoutExtension(p)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Passes_make_of_a_module_what_the_file_says(string name)
    {
        var source = File.ReadAllText(Repository.PathOf($"{Folder}/{name}.wat"));
        var target = new TargetDescription
        {
            MaximumMemoryBytes = 65535UL << 16,
            MemoryStrategy = source.StartsWith(";; checked", StringComparison.Ordinal) ? MemoryStrategy.Checked : MemoryStrategy.Guarded,
        };
        var module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(source)), WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        var layout = new VmContextLayout(module);
        var translator = new FunctionTranslator();
        var optimizer = new FunctionOptimizer { Verifies = true };
        var function = new IrFunction();
        var text = new StringBuilder();
        for (var i = module.ImportedFunctionCount; i < module.Functions.Length; i++)
        {
            translator.Translate(module, layout, i, target, function);
            text.Append("; translated\n").Append(IrPrinter.Print(function));
            optimizer.Run(function, target);
            text.Append("; optimised\n").Append(IrPrinter.Print(function)).Append('\n');
        }

        GoldenFile.Check($"{Folder}/{name}.txt", text.ToString());
    }
}

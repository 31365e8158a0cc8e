// What each stage of the compiler makes of one function, as text: for `tarn inspect`, for golden tests and for whoever looks for the stage at
// fault. Off the path of ordinary compiling; it runs the same steps in the same order and prints in between.
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Tarn.Wasm;

namespace Tarn.Compiler;

/// <summary>The stages of one function's compilation as text, and its code.</summary>
/// <param name="Ir">As built from the body.</param>
/// <param name="OptimizedIr">After the optimiser's passes.</param>
/// <param name="Lowered">Machine instructions over virtual registers.</param>
/// <param name="Allocated">The same in registers and slots, with the moves in between.</param>
/// <param name="Function">The machine code with its tables.</param>
internal sealed record CompilationListing(string Ir, string OptimizedIr, string Lowered, string Allocated, CompiledFunction Function)
{
    /// <summary>Compiles a function and prints each stage.</summary>
    public static CompilationListing Create(FunctionCompilation compilation, WasmModule module, VmContextLayout layout, int definedIndex, TargetDescription target)
    {
        compilation.Translate(module, layout, definedIndex, target);
        var ir = IrPrinter.Print(compilation.Function);
        compilation.Optimize(target);
        var optimized = IrPrinter.Print(compilation.Function);
        compilation.Generate(module);
        var generator = compilation.Generator;
        return new CompilationListing(
            ir,
            optimized,
            MachineText.Print(generator.Machine, generator.Target.Names),
            MachineText.Print(generator.Machine, generator.Target.Names, generator.Allocation),
            generator.ToCompiledFunction());
    }
}

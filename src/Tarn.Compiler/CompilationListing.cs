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
/// <param name="Trace">What the register allocator decided, in order.</param>
/// <param name="Function">The machine code with its tables.</param>
/// <param name="Sources">Which instruction of the module each line comes from.</param>
internal sealed record CompilationListing(string Ir, string OptimizedIr, string Lowered, string Allocated, string Trace, CompiledFunction Function, ListingSources Sources)
{
    /// <summary>Compiles a function and prints each stage.</summary>
    public static CompilationListing Create(FunctionCompilation compilation, WasmModule module, VmContextLayout layout, int definedIndex, TargetDescription target)
    {
        compilation.Translate(module, layout, definedIndex, target);
        var sources = new ListingSources();
        var ir = IrPrinter.Print(compilation.Function, sources: sources.Ir);
        compilation.Optimize(target);
        var optimized = IrPrinter.Print(compilation.Function, sources: sources.OptimizedIr);
        var generator = compilation.Generator;
        var trace = generator.BeginTrace();
        generator.Emitter.Marks = sources.Code;
        compilation.Generate(module);
        generator.Emitter.Marks = null;
        generator.EndTrace();
        return new CompilationListing(
            ir,
            optimized,
            MachineText.Print(generator.Machine, generator.Target.Names),
            MachineText.Print(generator.Machine, generator.Target.Names, generator.Allocation, sources.Allocated),
            trace.ToString(),
            generator.ToCompiledFunction(),
            sources);
    }
}

// The seam between loading code and where it comes from: the compiler, or a file.
using Tarn.Compiler;

namespace Tarn.Modules;

internal interface IFunctionCompiler
{
    /// <summary>All defined functions, in order.</summary>
    CompiledFunction[] CompileAll();

    /// <summary>One defined function. Thread-safe.</summary>
    CompiledFunction Compile(int definedIndex);
}

// Functions that were compiled earlier and come from a file.
using Tarn.Compiler;

namespace Tarn.Modules;

internal sealed class PrecompiledFunctions(CompiledFunction[] functions) : IFunctionCompiler
{
    public CompiledFunction[] CompileAll() => functions;

    public CompiledFunction Compile(int definedIndex) => functions[definedIndex];
}

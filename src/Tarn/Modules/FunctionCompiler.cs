// Runs the compiler over a module's functions, on several threads where there are several.
using Tarn.Compiler;
using Tarn.Compiler.Abi;

namespace Tarn.Modules;

internal sealed class FunctionCompiler : IFunctionCompiler
{
    public static IFunctionCompiler Create(Engine engine, WasmModule wasm, VmContextLayout layout) => new FunctionCompiler();

    public CompiledFunction[] CompileAll() => throw new NotSupportedException("the compiler is not joined to the runtime yet");

    public CompiledFunction Compile(int definedIndex) => throw new NotSupportedException("the compiler is not joined to the runtime yet");
}

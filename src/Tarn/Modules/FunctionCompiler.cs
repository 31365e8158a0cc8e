// Runs the compiler over a module's functions, on several threads where there are several. Which thread compiles a function changes
// nothing about its code.
using System.Collections.Concurrent;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Baseline;

namespace Tarn.Modules;

internal sealed class FunctionCompiler : IFunctionCompiler
{
    private readonly WasmModule _wasm;
    private readonly VmContextLayout _layout;
    private readonly Engine _engine;
    private readonly ConcurrentBag<BaselineCompiler> _compilers = [];

    public FunctionCompiler(Engine engine, WasmModule wasm, VmContextLayout layout)
    {
        _engine = engine;
        _wasm = wasm;
        _layout = layout;
    }

    public CompiledFunction[] CompileAll()
    {
        var functions = new CompiledFunction[_wasm.Bodies.Length];
        int threads = _engine.Options.CompilationThreads == 0 ? Environment.ProcessorCount : _engine.Options.CompilationThreads;
        if (threads == 1 || functions.Length < 2)
        {
            for (int i = 0; i < functions.Length; i++)
                functions[i] = Compile(i);
            return functions;
        }
        try
        {
            Parallel.For(0, functions.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => functions[i] = Compile(i));
        }
        catch (AggregateException e)
        {
            // Whoever asked for one module gets one reason.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return functions;
    }

    public CompiledFunction Compile(int definedIndex)
    {
        if (!_compilers.TryTake(out BaselineCompiler? compiler))
            compiler = new BaselineCompiler(_wasm, _layout, _engine.Target);
        CompiledFunction function = compiler.Compile(definedIndex);
        _compilers.Add(compiler);
        return function;
    }
}

// Runs the compiler over a module's functions, on several threads where there are several. Which thread compiles a function changes
// nothing about its code.
using System.Collections.Concurrent;
using Tarn.Compiler;
using Tarn.Compiler.Abi;

namespace Tarn.Modules;

internal sealed class FunctionCompiler
{
    // Contexts hold the storage of all stages, a few hundred KiB once warm: they are shared by all modules of the process, and one for each thread that
    // ever compiled at the same time stays.
    private static readonly ConcurrentBag<FunctionCompilation> s_contexts = [];

    // Storage that served a larger function, in instructions, is given up: it may be gigabytes.
    private const int LargestKept = 1 << 19;

    private readonly WasmModule _wasm;
    private readonly VmContextLayout _layout;
    private readonly Engine _engine;
    private readonly ModuleBudget _budget = new();

    public FunctionCompiler(Engine engine, WasmModule wasm, VmContextLayout layout)
    {
        _engine = engine;
        _wasm = wasm;
        _layout = layout;
    }

    /// <summary>All defined functions, in order.</summary>
    public CompiledFunction[] CompileAll()
    {
        var functions = new CompiledFunction[_wasm.Bodies.Length];
        _engine.Options.CompilationCounter?.Begin(TotalBytes());
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

    /// <summary>A context for code that may use all that this machine has.</summary>
    public static FunctionCompilation CreateContext() => new(Tarn.Execution.X64.Processor.Features);

    /// <summary>One defined function. Thread-safe.</summary>
    public CompiledFunction Compile(int definedIndex)
    {
        if (!s_contexts.TryTake(out FunctionCompilation? context))
            context = CreateContext();

        // One in which a function failed is dropped: nobody can say what state it is in.
        try
        {
            CompiledFunction function = context.Compile(_wasm, _layout, definedIndex, _engine.Target, _budget);
            if (context.Function.Instructions.Count <= LargestKept)
                s_contexts.Add(context);
            _engine.Options.CompilationCounter?.Add(_wasm.Bodies[definedIndex].Length);
            return function;
        }
        catch (FunctionTooComplexException e)
        {
            throw new InvalidModuleException(e.Message, _wasm.ReadBody(definedIndex).Position, e.FunctionIndex);
        }
    }

    private long TotalBytes()
    {
        long total = 0;
        foreach (ref readonly FunctionBody body in _wasm.Bodies)
            total += body.Length;
        return total;
    }
}

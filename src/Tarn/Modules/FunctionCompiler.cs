// Runs the compiler over a module's functions, on several threads where there are several. Which thread compiles a function changes
// nothing about its code.
using System.Collections.Concurrent;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Engines;
using Tarn.Execution;

namespace Tarn.Modules;

internal sealed class FunctionCompiler
{
    // Contexts hold the storage of all stages, a few hundred KiB once warm: they are shared by all modules of the process, and one for each thread that
    // ever compiled at the same time stays.
    private static readonly ConcurrentBag<FunctionCompilation> s_contexts = [];
    private static readonly ConcurrentBag<FunctionCompilation> s_portableContexts = [];

    /// <summary>
    /// What compiling takes, in instructions that a guest executes in that time. Stated and not measured, so that it is the same everywhere: about what this machine's
    /// compiler takes (some 30 µs for a function and 0.3 µs for a byte) at an instruction a nanosecond.
    /// </summary>
    public const long FuelPerFunction = 30_000;

    /// <inheritdoc cref="FuelPerFunction"/>
    public const long FuelPerByte = 300;

    // Storage that served a larger function, in instructions, is given up: it may be gigabytes.
    private const int LargestKept = 1 << 19;

    // Storage that served a module of more types, likewise.
    private const int MostTypesKept = 1 << 16;

    private readonly WasmModule _wasm;
    private readonly VmContextLayout _layout;
    private readonly EngineCore _engine;
    private readonly ModuleBudget _budget = new();

    public FunctionCompiler(EngineCore engine, WasmModule wasm, VmContextLayout layout)
    {
        _engine = engine;
        _wasm = wasm;
        _layout = layout;
    }

    /// <summary>All defined functions, in order.</summary>
    /// <param name="counter">Counts how far it is.</param>
    /// <param name="cancellationToken">Looked at before each function.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CompiledFunction[] CompileAll(CompilationCounter? counter, CancellationToken cancellationToken)
    {
        counter?.Begin(TotalBytes());
        return ForAll(
            i =>
            {
                CompiledFunction function = Compile(i);
                counter?.Add(_wasm.Bodies[i].Length);
                return function;
            },
            cancellationToken);
    }

    /// <summary>Gets all defined functions in some way, on several threads where there are several.</summary>
    public CompiledFunction[] ForAll(Func<int, CompiledFunction> get, CancellationToken cancellationToken = default)
    {
        var functions = new CompiledFunction[_wasm.Bodies.Length];
        int threads = _engine.Options.CompilationThreads == 0 ? Environment.ProcessorCount : _engine.Options.CompilationThreads;
        if (threads == 1 || functions.Length < 2)
        {
            for (int i = 0; i < functions.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                functions[i] = get(i);
            }
            return functions;
        }
        try
        {
            Parallel.For(0, functions.Length, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, i => functions[i] = get(i));
        }
        catch (AggregateException e)
        {
            // Whoever asked for one module gets one reason.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return functions;
    }

    /// <summary>Makes the state of a compiler for this machine.</summary>
    public static FunctionCompilation CreateCompilation(ExecutionMode mode = ExecutionMode.Auto) => new(ExecutionTargets.Of(mode));

    /// <summary>One defined function. Thread-safe.</summary>
    public CompiledFunction Compile(int definedIndex)
    {
        bool isPortable = _engine.CodeTarget == Compiler.Targets.Portable.PortableTarget.Instance;
        bool isShared = isPortable || _engine.CodeTarget == HostTarget.Current;
        ConcurrentBag<FunctionCompilation> contexts = isPortable ? s_portableContexts : s_contexts;
        if (!isShared || !contexts.TryTake(out FunctionCompilation? context))
            context = new FunctionCompilation(_engine.CodeTarget);

        context.OptimizationLimit = _engine.Options.OptimizationLimit;

        // One in which a function failed is dropped: nobody can say what state it is in.
        try
        {
            CompiledFunction function = context.Compile(_wasm, _layout, definedIndex, _engine.Target, _budget);
            context.Forget();
            if (isShared && context.Function.Instructions.Count <= LargestKept && _wasm.Types.Length <= MostTypesKept)
                contexts.Add(context);
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

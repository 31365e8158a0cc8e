// The whole way of one function, from its body to machine code, and all state of the stages on that way. A worker rents one, uses it for as many
// functions as it likes and gives it back; storage is kept from function to function, so that in the steady state only the result is allocated.
//
// Invariant: nothing of one function reaches the next, so the code of a function depends on the module and the target alone, whichever
// worker compiles it and whatever that worker did before.
using Tarn.Compiler.Abi;
using Tarn.Compiler.Frontend;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Tarn.Compiler.Optimize;
using Tarn.Wasm;

namespace Tarn.Compiler;

/// <summary>Compiles one function after the other. Not thread-safe: one for each worker.</summary>
internal sealed class FunctionCompilation
{
    private readonly FunctionTranslator _translator = new();
    private readonly FunctionOptimizer _optimizer = new();
    private readonly CodeGenerator _generator;

    /// <summary>Makes a context for a target.</summary>
    public FunctionCompilation(MachineTarget target)
    {
        _generator = new CodeGenerator(target) { ChecksAllocation = IrVerifier.IsDebugBuild };
    }

    /// <summary>Whether each allocation is verified after the fact; on in debug builds and where a caller asks for it.</summary>
    public bool ChecksAllocation
    {
        get => _generator.ChecksAllocation;
        set => _generator.ChecksAllocation = value;
    }

    /// <summary>Whether the IR is verified after each step; on in debug builds.</summary>
    public bool VerifiesIr
    {
        get => _optimizer.Verifies;
        set => _optimizer.Verifies = _translator.Verifies = value;
    }

    /// <summary>Where the optimiser stops; null unless a step that miscompiles is being looked for.</summary>
    public OptimizationLimit? OptimizationLimit
    {
        get => _optimizer.Limit;
        set => _optimizer.Limit = value;
    }

    /// <summary>The last function's IR, as it was handed to code generation.</summary>
    public IrFunction Function { get; } = new();

    /// <summary>The last function's machine level: lowered instructions and where their values are.</summary>
    public CodeGenerator Generator => _generator;

    /// <summary>Compiles a function that the module defines.</summary>
    /// <param name="module">A validated module.</param>
    /// <param name="layout">Its VM context.</param>
    /// <param name="definedIndex">Function index less the imported functions.</param>
    /// <param name="target">What to compile for.</param>
    /// <param name="budget">What the functions of the module share (<see cref="ComplexityLimits"/>); without one the function has it for itself.</param>
    public CompiledFunction Compile(WasmModule module, VmContextLayout layout, int definedIndex, TargetDescription target, ModuleBudget? budget = null)
    {
        Translate(module, layout, definedIndex, target, budget);
        Optimize(target);
        Generate(module);
        return _generator.ToCompiledFunction();
    }

    /// <summary>Lets go of the module that was compiled last.</summary>
    public void Forget() => _translator.Forget();

    /// <summary>The first step of <see cref="Compile"/>: body to IR.</summary>
    public void Translate(WasmModule module, VmContextLayout layout, int definedIndex, TargetDescription target, ModuleBudget? budget = null)
        => _translator.Translate(module, layout, definedIndex + module.ImportedFunctionCount, target, Function, budget);

    /// <summary>The second step: the optimiser's passes.</summary>
    public void Optimize(TargetDescription target)
    {
        if (target.Optimize)
        {
            _optimizer.Run(Function, target);
        }
    }

    /// <summary>The third step: lowering, register allocation, emission.</summary>
    public void Generate(WasmModule module) => _generator.Generate(Function, module.TailCallsMayLeave);
}

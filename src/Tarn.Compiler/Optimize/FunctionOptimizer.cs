// Runs the optimiser's passes over a function in their order. One optimiser belongs to one worker and is reused: in steady state nothing is allocated. Every
// pass is linear in the size of the function and looks at nothing else, so the result does not depend on which worker compiles what when.
//
// Whoever changes the graph says so, and the order of blocks is computed again before the next pass that needs it.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>The optimiser.</summary>
internal sealed class FunctionOptimizer
{
    private readonly BlockSimplifier _blocks;
    private readonly ParameterSimplifier _parameters = new();
    private readonly DominatorTree _tree = new();
    private readonly LoopEffects _effects = new();
    private readonly RedundancyEliminator _redundancy;
    private readonly DeadCodeEliminator _deadCode = new();
    private readonly LoopInvariantMotion _loops;
    private readonly CodeSinker _sinker = new();
    private readonly ConditionPlacer _conditions;

    /// <summary>Makes an optimiser.</summary>
    public FunctionOptimizer()
    {
        var uses = new ValueUses();
        _blocks = new BlockSimplifier(uses);
        _redundancy = new RedundancyEliminator(_tree, _effects);
        _loops = new LoopInvariantMotion(_effects);
        _conditions = new ConditionPlacer(uses);
    }

    /// <summary>Verify the function after each pass, also in Release builds: for tests.</summary>
    public bool Verifies { get; init; }

    /// <summary>Optimises a function in place. Its order is computed when this returns.</summary>
    public void Run(IrFunction function, TargetDescription target)
    {
        _ = target;
        function.ComputeOrder();
        SimplifyGraph(function);
        _tree.Compute(function);
        _effects.Compute(function);
        var folded = _redundancy.Run(function);
        Check(function, "redundancy elimination");
        if (folded)
        {
            function.ComputeOrder();
            SimplifyGraph(function);
            _effects.Compute(function);
        }

        _deadCode.Run(function);
        Check(function, "dead code elimination");
        ColdBlocks.Mark(function);
        if (_loops.Run(function))
        {
            function.ComputeOrder();
        }

        Check(function, "loop-invariant code motion");
        _sinker.Run(function);
        Check(function, "sinking");
        _conditions.Run(function);
        Check(function, "placement of conditions");
    }

    private void SimplifyGraph(IrFunction function)
    {
        _blocks.Run(function);
        Check(function, "simplification of blocks");
        if (_parameters.Run(function))
        {
            ValueReplacement.Apply(function);
        }

        Check(function, "simplification of parameters");
    }

    private void Check(IrFunction function, string pass)
    {
        if (Verifies)
        {
            IrVerifier.Require(function, pass);
        }
        else
        {
            IrVerifier.Assert(function, pass);
        }
    }
}

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
    private readonly LaneSums _laneSums = new();
    private readonly LoopInvariantMotion _loops;
    private readonly CodeSinker _sinker;
    private readonly AddressFolder _folder;
    private readonly ConditionPlacer _conditions;

    /// <summary>Makes an optimiser.</summary>
    public FunctionOptimizer()
    {
        var uses = new ValueUses();
        _folder = new AddressFolder(uses);
        _blocks = new BlockSimplifier(uses);
        _redundancy = new RedundancyEliminator(_tree, _effects, _folder);
        _loops = new LoopInvariantMotion(_effects);
        _sinker = new CodeSinker(uses);
        _conditions = new ConditionPlacer(uses);
    }

    /// <summary>Verify the function after each pass. Debug builds always do, tests ask for it.</summary>
    public bool Verifies { get; set; } = IrVerifier.IsDebugBuild;

    /// <summary>Where to stop; null unless a step that miscompiles is being looked for.</summary>
    public OptimizationLimit? Limit { get; set; }

    /// <summary>Optimises a function in place. Its order must have been computed, and is when this returns.</summary>
    public void Run(IrFunction function, TargetDescription target)
    {
        _redundancy.Limit = _loops.Limit = _sinker.Limit = Limit;
        if (!RunPasses(function, target) && Limit is not null)
        {
            // Stopped between passes, which leave aliases to each other.
            ValueReplacement.Apply(function);
            function.ComputeOrder();
        }
    }

    private bool RunPasses(IrFunction function, TargetDescription target)
    {
        if (!Begins("simplification of blocks", function))
        {
            return false;
        }

        _blocks.Run(function, foldsTraps: false);
        CheckWithoutAliases(function, "simplification of blocks");
        if (!Begins("simplification of parameters", function))
        {
            return false;
        }

        _parameters.Run(function);
        CheckWithoutAliases(function, "simplification of parameters");
        if (!Begins("redundancy elimination", function))
        {
            return false;
        }

        _tree.Compute(function);
        _effects.Compute(function);
        var folded = _redundancy.Run(function, target);
        Check(function, "redundancy elimination");
        if (folded)
        {
            function.ComputeOrder();
            if (!Begins("second simplification", function))
            {
                return false;
            }

            SimplifyAgain(function);
        }

        if (!Begins("dead code elimination", function))
        {
            return false;
        }

        _deadCode.Run(function);
        Check(function, "dead code elimination");
        if (!Begins("sums of lanes", function))
        {
            return false;
        }

        _laneSums.Run(function);
        Check(function, "sums of lanes");
        if (!Begins("loop-invariant code motion", function))
        {
            return false;
        }

        ColdBlocks.Mark(function);
        if (_loops.Run(function))
        {
            function.ComputeOrder();
        }

        Check(function, "loop-invariant code motion");
        if (!Begins("sinking", function))
        {
            return false;
        }

        _sinker.Run(function);
        Check(function, "sinking");
        if (!Begins("folding of addresses", function))
        {
            return false;
        }

        _folder.Run(function);
        Check(function, "folding of addresses");
        if (!Begins("placement of conditions", function))
        {
            return false;
        }

        _conditions.Run(function, _sinker.Decided.Span);
        Check(function, "placement of conditions");
        return true;
    }

    private bool Begins(string pass, IrFunction function) => Limit is null || Limit.Begin(pass, function.FunctionIndex);

    // Branches have turned out to be decided.
    private void SimplifyAgain(IrFunction function)
    {
        _blocks.Run(function, foldsTraps: true);
        _parameters.Run(function);
        ValueReplacement.Apply(function);
        Check(function, "second simplification");
        _effects.Compute(function);
    }

    // Aliases are resolved by whoever next goes over everything; the verifier wants them gone.
    private void CheckWithoutAliases(IrFunction function, string pass)
    {
        if (Verifies)
        {
            ValueReplacement.Apply(function);
        }

        Check(function, pass);
    }

    private void Check(IrFunction function, string pass)
    {
        if (Verifies)
        {
            IrVerifier.Require(function, pass);
        }
    }
}

// Runs the optimiser's passes over a function in their order. One optimiser belongs to one worker and is reused.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>The optimiser.</summary>
internal sealed class FunctionOptimizer
{
    /// <summary>Optimises a function in place.</summary>
    public void Run(IrFunction function, TargetDescription target)
    {
        _ = target;
        function.ComputeOrder();
    }
}

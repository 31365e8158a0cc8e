// Stops the optimiser after a number of steps, so that a bisection over one number finds the step that miscompiles a program. A step is the beginning of a pass
// over a function, or an instruction that a pass looks at. Steps are counted in the order in which functions are compiled, which must therefore be one after
// the other.
//
// Why a limit anywhere leaves a correct function: what a pass knows is used by its own later steps alone, and all of those are left out, as are all later passes over
// the function. A pass that another one depends on has run whenever that other one runs.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>A bound on the steps of the optimiser. For one thread.</summary>
internal sealed class OptimizationLimit(long limit)
{
    private string _pass = "";
    private int _function = -1;

    /// <summary>Number of steps that were taken or asked for.</summary>
    public long Steps { get; private set; }

    /// <summary>The last step that was taken, in words.</summary>
    public string Last { get; private set; } = "none";

    /// <summary>Begins a pass over a function.</summary>
    /// <returns>Whether the pass may run.</returns>
    public bool Begin(string pass, int function)
    {
        _pass = pass;
        _function = function;
        if (++Steps > limit)
        {
            return false;
        }

        Last = $"{pass} of function {function}";
        return true;
    }

    /// <summary>Asks for one instruction.</summary>
    /// <param name="value">The instruction, as the IR's text names it: <c>v5</c> is 5.</param>
    /// <returns>Whether the pass may change it, and whatever it changes on account of it.</returns>
    public bool Step(Value value)
    {
        if (++Steps > limit)
        {
            return false;
        }

        if (Steps == limit)
        {
            Last = $"{_pass} of function {_function}, at {value}";
        }

        return true;
    }
}

// What one function has spent on its way through the compiler (ComplexityLimits). Belongs to a context and begins anew with each function. Whoever makes something that is not
// bounded by the bytes read so far charges it here first.
namespace Tarn.Compiler;

/// <summary>Counts what a function asks for and refuses it when that is too much.</summary>
internal sealed class FunctionBudget
{
    private ModuleBudget? _module;
    private int _functionIndex;
    private int _bodyLength;
    private long _free = long.MaxValue;
    private long _most = long.MaxValue;

    /// <summary>Units spent so far.</summary>
    public long Units { get; private set; }

    /// <summary>Steps of searches whose length the function's size alone does not bound.</summary>
    public long Steps { get; private set; }

    /// <summary>Starts with a function.</summary>
    /// <param name="functionIndex">Its index, for messages.</param>
    /// <param name="bodyLength">Bytes of its body.</param>
    /// <param name="module">What it shares with the other functions.</param>
    public void Begin(int functionIndex, int bodyLength, ModuleBudget module)
    {
        _module = module;
        _functionIndex = functionIndex;
        _bodyLength = bodyLength;
        _free = (long)bodyLength * ComplexityLimits.UnitsPerByte;
        _most = ComplexityLimits.MostUnits;
        Units = 0;
        Steps = 0;
    }

    /// <summary>Spends units.</summary>
    /// <exception cref="FunctionTooComplexException">Neither the function's bytes nor what its module shares pay for them.</exception>
    public void Charge(long units, string what)
    {
        Units += units;
        if (Units > _free && (Units > _most || !_module!.TryOverdraw(Math.Min(units, Units - _free))))
        {
            throw new FunctionTooComplexException(_functionIndex, _bodyLength, what);
        }
    }

    /// <summary>Counts steps.</summary>
    /// <exception cref="FunctionTooComplexException">There are more than the function's length explains.</exception>
    public void Step(long steps)
    {
        Steps += steps;
        if (Steps > ComplexityLimits.FreeSteps + ((long)_bodyLength * ComplexityLimits.StepsPerByte) && _module is not null)
        {
            throw new FunctionTooComplexException(_functionIndex, _bodyLength, "live ranges with many holes");
        }
    }
}

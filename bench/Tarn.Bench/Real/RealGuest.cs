// A real program in an engine of this process: the engine supplies calls and memory, this class executes recipes on them, so that all engines do the same.
using Tarn.Bench.Execute;

namespace Tarn.Bench.Real;

internal abstract class RealGuest(Recipe recipe) : IDisposable
{
    private readonly Dictionary<string, uint> _values = [];

    /// <summary>Grows the memory and runs what precedes all rounds.</summary>
    public void Prepare()
    {
        if (recipe.Pages != 0)
            Grow(recipe.Pages);
        Execute(recipe.Setup);
    }

    /// <summary>Runs the recipe once.</summary>
    public (double Nanoseconds, ulong Checksum) Run()
    {
        double start = ExecutionClock.Now();
        Execute(recipe.Run);
        double nanoseconds = ExecutionClock.Now() - start;
        ulong sum = 0xcbf29ce484222325;
        foreach (string result in recipe.Results)
            sum = (sum ^ _values[result]) * 0x100000001b3;
        if (recipe.HashAt is { } at)
        {
            foreach (byte b in Memory(_values[at], recipe.HashLength))
                sum = (sum ^ b) * 0x100000001b3;
        }

        return (nanoseconds, sum);
    }

    public abstract void Dispose();

    protected abstract uint Call(string export, ReadOnlySpan<int> arguments);

    protected abstract Span<byte> Memory(uint address, int length);

    protected abstract void Grow(int pages);

    private void Execute(RecipeStep[] steps)
    {
        foreach (RecipeStep step in steps)
        {
            if (step.Call is { } export)
            {
                int[] arguments = [.. step.Arguments.Select(a => a.Name is null ? a.Number : (int)_values[a.Name])];
                uint result = Call(export, arguments);
                if (step.Into is { } name)
                    _values[name] = result;
            }
            else if (step.Bytes is { } bytes)
            {
                bytes.CopyTo(Memory(_values[step.At!], bytes.Length));
            }
            else if (_values[step.Of!] != step.Expected)
            {
                throw new InvalidOperationException($"{recipe.Name}: {step.Of} is {_values[step.Of!]}, not {step.Expected}.");
            }
        }
    }
}

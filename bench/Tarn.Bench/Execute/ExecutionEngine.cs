// One side of the execution benchmark. Each engine times only the call of run(n), with its own clock as close to the call as it can
// be had, so that a peer in another process pays nothing for the pipe between.
namespace Tarn.Bench.Execute;

/// <summary>An engine that runs a program's exported <c>run(n)</c>.</summary>
internal abstract class ExecutionEngine(string name) : IDisposable
{
    /// <summary>The column's heading.</summary>
    public string Name { get; } = name;

    /// <summary>Milliseconds that compiling the program took; NaN where it cannot be told apart.</summary>
    public double CompileMilliseconds { get; protected set; } = double.NaN;

    /// <summary>Makes a program ready to run.</summary>
    public abstract void Load(string program, string wasmPath);

    /// <summary>Runs it once.</summary>
    public abstract (double Milliseconds, ulong Checksum) Run(uint n);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

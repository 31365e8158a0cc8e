// One side of the execution benchmark. Each engine times only the call of run(n), with its own clock as close to the call as it can
// be had, so that a peer in another process pays nothing for the pipe between.
namespace Tarn.Bench.Execute;

/// <summary>An engine that runs a program's exported <c>run(n)</c>.</summary>
internal abstract class ExecutionEngine(string name) : IDisposable
{
    /// <summary>The column's heading.</summary>
    public string Name { get; } = name;

    /// <summary>Whether it compiles modules, so that its compile time can be had.</summary>
    public virtual bool Compiles => true;

    /// <summary>Makes a program ready to run; false if this engine has no such program.</summary>
    public abstract bool TryLoad(BenchmarkProgram program);

    /// <summary>Runs the loaded program once.</summary>
    public abstract (double Nanoseconds, ulong Checksum) Run(uint n);

    /// <summary>Compiles a program once more, with all threads the engine likes to use, and returns the nanoseconds.</summary>
    public abstract double Compile(BenchmarkProgram program);

    /// <summary>Adds V8, where there is Node, and whatever else there is, and leaves those that <c>--only</c> names.</summary>
    public static List<ExecutionEngine> Choose(BenchmarkArguments arguments, List<ExecutionEngine> engines, params IEnumerable<ExecutionEngine> others)
    {
        if (PeerEngine.TryStartNode(ProgramSet.NodePeer) is { } node)
            engines.Add(node);
        engines.AddRange(others);
        string[] only = arguments.Only([.. engines.Select(e => e.Name)]);
        engines.RemoveAll(e => !only.Contains(e.Name));
        return engines;
    }

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

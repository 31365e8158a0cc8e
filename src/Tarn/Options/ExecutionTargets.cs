// What code is compiled for under a choice of the embedder's: the processor of this machine, or register code for the interpreter.
using Tarn.Compiler.Machine;
using Tarn.Compiler.Targets.Portable;
using Tarn.Execution;

namespace Tarn;

internal static class ExecutionTargets
{
    /// <summary>Whether <see cref="ExecutionMode.Auto"/> is portable wherever it can be: for test suites that are run both ways.</summary>
    public static bool PrefersPortable { get; set; }

    /// <summary>What code is compiled for under a choice.</summary>
    /// <param name="mode">The choice.</param>
    /// <param name="needsFaults">Whether something else is wanted that portable execution cannot do.</param>
    public static MachineTarget Of(ExecutionMode mode, bool needsFaults = false) =>
        mode == ExecutionMode.Portable || (mode == ExecutionMode.Auto && (HostTarget.WhyNoMachineCode is not null || (PrefersPortable && !needsFaults))) ? PortableTarget.Instance : HostTarget.Current;
}

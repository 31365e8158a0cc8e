// What code is compiled for when it is to run here: the processor of this machine with the extensions that it has. One of the few files that name a
// processor; the others that run code ask this one.
using System.Runtime.InteropServices;
using Tarn.Compiler.Machine;
using Tarn.Compiler.Targets.X64;

namespace Tarn.Execution;

internal static class HostTarget
{
    // A failure, of memory, is not kept.
    private static readonly Lazy<MachineTarget> s_current = new(Create, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The target of this machine.</summary>
    /// <exception cref="PlatformNotSupportedException">The compiler has no target for the processor.</exception>
    public static MachineTarget Current => s_current.Value;

    private static X64Target Create() => RuntimeInformation.ProcessArchitecture == Architecture.X64
        ? new X64Target(X64.Processor.Features)
        : throw new PlatformNotSupportedException(
            $"Tarn generates machine code for x86-64 only. The architecture of this process is {RuntimeInformation.ProcessArchitecture}.");
}

// What machine code is compiled for when it is to run here: the processor of this machine with the extensions that it has. One of the few files that name a processor; the others that run code
// ask this one.
using System.Runtime.InteropServices;
using Tarn.Compiler.Machine;
using Tarn.Compiler.Targets.X64;
using Tarn.Platform;

namespace Tarn.Execution;

internal static unsafe class HostTarget
{
    // A failure, of memory, is not kept.
    private static readonly Lazy<MachineTarget> s_current = new(Create, LazyThreadSafetyMode.PublicationOnly);
    private static readonly Lazy<string?> s_whyNoMachineCode = new(FindOut, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The target of this machine's processor.</summary>
    /// <exception cref="PlatformNotSupportedException">There is none.</exception>
    public static MachineTarget Current => s_current.Value;

    /// <summary>Why machine code cannot be executed here, as the end of a sentence; <see langword="null"/> if it can.</summary>
    public static string? WhyNoMachineCode => s_whyNoMachineCode.Value;

    /// <summary>Whether machine code is executed and its faults are caught.</summary>
    public static bool CatchesFaults => HostPlatform.Faults == FaultHandling.Signals && WhyNoMachineCode is null;

    private static X64Target Create() => WhyNoMachineCode is string reason
        ? throw new PlatformNotSupportedException($"Machine code cannot be executed here: {reason}. EngineOptions.Execution can be Portable.")
        : new X64Target(X64.Processor.Features);

    // Asks the system by doing it once: hardened kernels and sandboxes refuse to make written memory executable.
    private static string? FindOut()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return $"Tarn generates machine code for x86-64 only, and this process is {RuntimeInformation.ProcessArchitecture}";
        VirtualMemory memory = VirtualMemory.Current;
        if (!memory.CanExecute)
            return "memory cannot be made executable: this system's is not known to Tarn, or the process asked for portable memory";
        byte* page = null;
        try
        {
            page = memory.Reserve(memory.PageSize);
            memory.Commit(page, memory.PageSize);
            *page = 1;
            memory.Protect(page, memory.PageSize, MemoryProtection.ReadExecute);
            return null;
        }
        catch (PlatformException refused)
        {
            return $"the system does not let written memory be executed ({refused.Message})";
        }
        finally
        {
            if (page != null)
                memory.Release(page, memory.PageSize);
        }
    }
}

// Why: the one place that knows which operating systems there are and what each can do: its memory, how its threads sleep, whether faults are caught, which convention its C functions have. Everything else asks
// here, or asks the objects that are made here. A system without a folder of its own gets what needs no system, and with it portable execution.
namespace Tarn.Platform;

internal static class HostPlatform
{
    /// <summary>The switch of AppContext that makes a process use <see cref="PortableVirtualMemory"/> everywhere.</summary>
    public const string PortableMemorySwitch = "Tarn.PortableMemory";

    /// <summary>The system's name in the identity of compiled code.</summary>
    public static string Name => OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsWindows() ? "windows" : "other";

    /// <summary>How faults of machine code are caught.</summary>
    public static FaultHandling Faults => OperatingSystem.IsLinux() ? FaultHandling.Signals : FaultHandling.None;

    /// <summary>Why faults are not caught here, as the end of a sentence; <see langword="null"/> if they are.</summary>
    public static string? WhyNoFaults => Faults == FaultHandling.Signals ? null
        : OperatingSystem.IsWindows() ? "on Windows they are not, since processors with shadow stacks end a process whose handler continues a guest elsewhere"
        : "on this system they are not";

    /// <summary>How C functions of this system take their arguments.</summary>
    public static HostConvention Convention => OperatingSystem.IsWindows() ? HostConvention.Microsoft : HostConvention.SystemV;

    /// <summary>The number that the system has for the fault of an access to inaccessible memory.</summary>
    public static int AccessFault => Linux.LinuxNative.SignalSegmentationFault;

    public static VirtualMemory CreateMemory()
    {
        if (AppContext.TryGetSwitch(PortableMemorySwitch, out bool isPortable) && isPortable)
            return new PortableVirtualMemory();
        if (OperatingSystem.IsLinux())
            return new Linux.LinuxVirtualMemory();
        if (OperatingSystem.IsWindows())
            return new Windows.WindowsVirtualMemory();
        return new PortableVirtualMemory();
    }

    public static ThreadSleep CreateThreadSleep() =>
        OperatingSystem.IsLinux() && VirtualMemory.Current is not PortableVirtualMemory ? new Linux.LinuxThreadSleep() : new PortableThreadSleep();

    /// <summary>Catches faults from now on, for the life of the process.</summary>
    public static void InstallFaultHandler(CodeArena arena, Func<CodeArena, FaultHandlerParameters, nint> createHandler, nint rangeTable)
    {
        if (Faults == FaultHandling.Signals)
            Linux.LinuxFaultHandler.Install(arena, createHandler, rangeTable);
    }
}

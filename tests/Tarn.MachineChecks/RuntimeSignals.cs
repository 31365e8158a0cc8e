// What the runtime had set up for the signals that the machine takes over, read before the machine is made: a module initializer runs before
// anything else of its assembly does, and Tarn.Runtime.Tests has one that asks for this.
using System.Runtime.CompilerServices;
using Tarn.Platform.Linux;

namespace Tarn.MachineChecks;

internal static unsafe class RuntimeSignals
{
    public static (int Signal, SignalActionRecord Action)[] Before { get; private set; } = [];

#pragma warning disable CA2255 // This is a program, and nothing but its tests loads it.
    [ModuleInitializer]
    public static void Remember()
#pragma warning restore CA2255
    {
        if (Before.Length == 0)
            Before = [(LinuxNative.SignalSegmentationFault, Read(LinuxNative.SignalSegmentationFault)), (LinuxNative.SignalBus, Read(LinuxNative.SignalBus))];
    }

    public static SignalActionRecord Read(int signal)
    {
        SignalActionRecord action;
        if (LinuxNative.SignalAction(signal, null, &action) != 0)
            throw new CheckFailedException($"the action of signal {signal} cannot be read");
        return action;
    }
}

// Has the runtime's signal handlers looked at before any test makes the machine, whichever test comes first.
using System.Runtime.CompilerServices;
using Tarn.MachineChecks;

namespace Tarn.Runtime.Tests.Machine;

internal static class RuntimeSignalsInitializer
{
#pragma warning disable CA2255 // A test assembly is the application here.
    [ModuleInitializer]
    public static void Remember() => RuntimeSignals.Remember();
#pragma warning restore CA2255
}

// Why: installs the emitted signal handler over the CLR's. Done once and never undone: the handler chains to the previous one, and code that is
// still in the arena needs it. Flags and mask are the CLR's own plus those the handler needs; with others the CLR's handler would be entered in a
// state it does not expect.
using System.Runtime.InteropServices;
using static Tarn.Platform.Linux.LinuxNative;

namespace Tarn.Platform.Linux;

internal static unsafe class LinuxFaultHandler
{
    private const int FlagSignalInfo = 0x4;
    private const int FlagOnStack = 0x08000000;
    private const int FlagRestart = 0x10000000;
    private const nint IgnoreHandler = 1;

    public static void Install(CodeArena arena, Func<CodeArena, FaultHandlerParameters, nint> createHandler, nint rangeTable)
    {
        SignalActionRecord segmentationFault = Current(SignalSegmentationFault);
        SignalActionRecord busError = Current(SignalBus);
        if (segmentationFault.Handler == 0)
        {
            // Both the CLR and NativeAOT install one at start-up. Without it a null reference in managed code would already be fatal.
            throw new PlatformNotSupportedException("The .NET runtime has no handler for SIGSEGV to chain to.");
        }

        nint handler = createHandler(arena, new FaultHandlerParameters(segmentationFault.Handler, busError.Handler, rangeTable));
        Replace(SignalSegmentationFault, segmentationFault, handler);
        Replace(SignalBus, busError, handler);
    }

    // The action in force; its handler is 0 where there is none that takes three arguments.
    private static SignalActionRecord Current(int signal)
    {
        SignalActionRecord action;
        if (SignalAction(signal, null, &action) != 0)
        {
            throw Errno.Exception($"reading the handler of signal {signal} (sigaction)", 0, Marshal.GetLastPInvokeError());
        }

        if (action.Handler == IgnoreHandler || (action.Flags & FlagSignalInfo) == 0)
        {
            action.Handler = 0;
        }

        return action;
    }

    private static void Replace(int signal, SignalActionRecord action, nint handler)
    {
        action.Handler = handler;
        action.Flags |= FlagSignalInfo | FlagOnStack | FlagRestart;
        if (SignalAction(signal, &action, null) != 0)
        {
            throw Errno.Exception($"installing a handler for signal {signal} (sigaction)", 0, Marshal.GetLastPInvokeError());
        }
    }
}

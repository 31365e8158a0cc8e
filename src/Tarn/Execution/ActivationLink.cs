// Why: an activation that may be suspended keeps its arguments and results on the guest stack, between its own frames and those of the activation
// around it. This is at their bottom, where a backtrace looks for an exit frame, and says how to continue.
//
//   guest stack:  ... outer exit frame | values, 16 bytes each | outer stack pointer | 0   <- GuestStackPointer at entry
using System.Runtime.InteropServices;

namespace Tarn.Execution;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ActivationLink
{
    /// <summary>0: where an exit frame has the address of code.</summary>
    public nint Zero;

    /// <summary>GuestStackPointer before the activation.</summary>
    public nint OuterStackPointer;

    public static bool IsLink(nint address) => ((ActivationLink*)address)->Zero == 0;
}

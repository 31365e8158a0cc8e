// Why: what an exit stub leaves on the guest stack when guest code calls out: enough to resume it on any thread, and the array through
// which arguments go out and results come in. GuestStackPointer holds its address while the guest is suspended, so a nested activation
// starts just below it. The registers in the middle are the machine's own business (ExitStubs); 64 bytes on every machine.
//
//   0x00  Resume       u64   where the resume stub jumps to; also identifies the stub for backtraces
//   0x08  VmContext    u64   of the function called: for builtins the caller's own
//   0x10  registers    48 bytes; during a host call the outer HostStackPointer and GuestStackPointer
//   0x40  Values       16 bytes each: arguments, overwritten by results from the first on
using System.Runtime.InteropServices;

namespace Tarn.Execution;

[StructLayout(LayoutKind.Sequential, Size = HeaderSize)]
internal unsafe struct ExitFrame
{
    public const int ResumeOffset = 0x00;
    public const int VmContextOffset = 0x08;
    public const int RegistersOffset = 0x10;
    public const int SavedHostStackPointerOffset = 0x10;
    public const int SavedGuestStackPointerOffset = 0x18;
    public const int ResultBufferOffset = 0x38;
    public const int HeaderSize = 0x40;
    public const int ValueSize = 16;

    public nint Resume;
    public VmContext* VmContext;

    /// <summary>The arguments, or place for the results, of the suspended call whose frame this is.</summary>
    public static ulong* Values(ExitFrame* frame) => (ulong*)((byte*)frame + HeaderSize);
}

// Why: the header of a VM context as managed code sees it. The layout is that of Tarn.Compiler.Abi.VmContextHeader (byte diagram there) and is
// compared with it by AbiAssertions.
using System.Runtime.InteropServices;

namespace Tarn.Execution;

[StructLayout(LayoutKind.Sequential, Size = Compiler.Abi.VmContextHeader.Size)]
internal unsafe struct VmContext
{
    public nint StackLimit;
    public uint InterruptRequested;
    private readonly uint _reserved;
    public ExecutionRecord* Execution;
    public nint Owner;
    public nint HeapBase;
    public nint TypeDescriptors;
}

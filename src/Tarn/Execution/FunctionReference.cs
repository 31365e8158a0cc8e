// Why: what a funcref points to, as managed code sees it. The layout is that of Tarn.Compiler.Abi.FunctionReferenceRecord (byte diagram there) and is
// compared with it by AbiAssertions. VmContext is never null, not even for a host function: exit stubs find the execution record through it.
using System.Runtime.InteropServices;

namespace Tarn.Execution;

[StructLayout(LayoutKind.Sequential, Size = Compiler.Abi.FunctionReferenceRecord.Size)]
internal unsafe struct FunctionReference
{
    public nint Code;
    public VmContext* VmContext;
    public uint TypeId;
    public uint HostFunction;
    public nint Opaque;
}

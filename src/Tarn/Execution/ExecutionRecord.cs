// Why: the execution record as managed code sees it. The layout is that of Tarn.Compiler.Abi.ExecutionRecordLayout (byte diagram there) and is
// compared with it by AbiAssertions. Stubs and the signal handler write it behind the compiler's back: read a field again after each call
// into guest code.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;

namespace Tarn.Execution;

[StructLayout(LayoutKind.Sequential, Size = ExecutionRecordLayout.Size)]
internal unsafe struct ExecutionRecord
{
    public nint HostStackPointer;
    public nint GuestStackPointer;
    public ExitCode ExitCode;
    public uint ExitArgument;
    public VmContext* ExitVmContext;
    public nint TrapProgramCounter;
    public nint FaultAddress;
    public long Fuel;
    public nint HostHandle;
    public nint StackLow;
    public nint StackHigh;
    public uint FaultSignal;
    public uint StopRequested;
    public nint Owner;
    public ulong HeapTop;
    public ulong HeapLimit;
    public ulong HeapRequest;
    public nint Functions;
    public long FunctionCount;
}

// Why: emitted code addresses records by the constants in Tarn.Compiler.Abi, managed code by struct fields. This is where the two are held
// together, once at start-up: a mismatch would be silent memory corruption, so it throws before any guest can run.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;

namespace Tarn.Execution;

internal static unsafe class AbiAssertions
{
    public static void Check()
    {
        VmContext context = default;
        byte* start = (byte*)&context;
        Same(nameof(VmContext.StackLimit), (byte*)&context.StackLimit - start, VmContextHeader.StackLimit);
        Same(nameof(VmContext.InterruptRequested), (byte*)&context.InterruptRequested - start, VmContextHeader.InterruptRequested);
        Same(nameof(VmContext.Execution), (byte*)&context.Execution - start, VmContextHeader.Execution);
        Same(nameof(VmContext.Owner), (byte*)&context.Owner - start, VmContextHeader.Owner);
        Same(nameof(VmContext.HeapBase), (byte*)&context.HeapBase - start, VmContextHeader.HeapBase);
        Same(nameof(VmContext.TypeDescriptors), (byte*)&context.TypeDescriptors - start, VmContextHeader.TypeDescriptors);
        Same(nameof(VmContext), sizeof(VmContext), VmContextHeader.Size);

        FunctionReference reference = default;
        start = (byte*)&reference;
        Same(nameof(FunctionReference.Code), (byte*)&reference.Code - start, FunctionReferenceRecord.Code);
        Same(nameof(FunctionReference.VmContext), (byte*)&reference.VmContext - start, FunctionReferenceRecord.VmContext);
        Same(nameof(FunctionReference.TypeId), (byte*)&reference.TypeId - start, FunctionReferenceRecord.TypeId);
        Same(nameof(FunctionReference.HostFunction), (byte*)&reference.HostFunction - start, FunctionReferenceRecord.HostFunction);
        Same(nameof(FunctionReference.Opaque), (byte*)&reference.Opaque - start, FunctionReferenceRecord.Opaque);
        Same(nameof(FunctionReference), sizeof(FunctionReference), FunctionReferenceRecord.Size);

        ExecutionRecord record = default;
        start = (byte*)&record;
        Same(nameof(ExecutionRecord.HostStackPointer), (byte*)&record.HostStackPointer - start, ExecutionRecordLayout.HostStackPointer);
        Same(nameof(ExecutionRecord.GuestStackPointer), (byte*)&record.GuestStackPointer - start, ExecutionRecordLayout.GuestStackPointer);
        Same(nameof(ExecutionRecord.ExitCode), (byte*)&record.ExitCode - start, ExecutionRecordLayout.ExitCode);
        Same(nameof(ExecutionRecord.ExitArgument), (byte*)&record.ExitArgument - start, ExecutionRecordLayout.ExitArgument);
        Same(nameof(ExecutionRecord.ExitVmContext), (byte*)&record.ExitVmContext - start, ExecutionRecordLayout.ExitVmContext);
        Same(nameof(ExecutionRecord.TrapProgramCounter), (byte*)&record.TrapProgramCounter - start, ExecutionRecordLayout.TrapProgramCounter);
        Same(nameof(ExecutionRecord.FaultAddress), (byte*)&record.FaultAddress - start, ExecutionRecordLayout.FaultAddress);
        Same(nameof(ExecutionRecord.Fuel), (byte*)&record.Fuel - start, ExecutionRecordLayout.Fuel);
        Same(nameof(ExecutionRecord.StackLow), (byte*)&record.StackLow - start, ExecutionRecordLayout.StackLow);
        Same(nameof(ExecutionRecord.StackHigh), (byte*)&record.StackHigh - start, ExecutionRecordLayout.StackHigh);
        Same(nameof(ExecutionRecord.FaultSignal), (byte*)&record.FaultSignal - start, ExecutionRecordLayout.FaultSignal);
        Same(nameof(ExecutionRecord.StopRequested), (byte*)&record.StopRequested - start, ExecutionRecordLayout.StopRequested);
        Same(nameof(ExecutionRecord.Owner), (byte*)&record.Owner - start, ExecutionRecordLayout.Owner);
        Same(nameof(ExecutionRecord.HostHandle), (byte*)&record.HostHandle - start, ExecutionRecordLayout.HostHandle);
        Same(nameof(ExecutionRecord.HeapTop), (byte*)&record.HeapTop - start, ExecutionRecordLayout.HeapTop);
        Same(nameof(ExecutionRecord.HeapLimit), (byte*)&record.HeapLimit - start, ExecutionRecordLayout.HeapLimit);
        Same(nameof(ExecutionRecord.HeapRequest), (byte*)&record.HeapRequest - start, ExecutionRecordLayout.HeapRequest);
        Same(nameof(ExecutionRecord.Functions), (byte*)&record.Functions - start, ExecutionRecordLayout.Functions);
        Same(nameof(ExecutionRecord.FunctionCount), (byte*)&record.FunctionCount - start, ExecutionRecordLayout.FunctionCount);
        Same(nameof(ExecutionRecord), sizeof(ExecutionRecord), ExecutionRecordLayout.Size);

        ExitFrame frame = default;
        start = (byte*)&frame;
        Same(nameof(ExitFrame.Resume), (byte*)&frame.Resume - start, ExitFrame.ResumeOffset);
        Same(nameof(ExitFrame.VmContext), (byte*)&frame.VmContext - start, ExitFrame.VmContextOffset);
        Same(nameof(ExitFrame), sizeof(ExitFrame), ExitFrame.HeaderSize);
        ActivationLink link = default;
        Same(nameof(ActivationLink.Zero), (byte*)&link.Zero - (byte*)&link, ExitFrame.ResumeOffset);
        Same(nameof(RawResult), sizeof(RawResult), 16);
    }

    private static void Same(string name, long actual, int expected, [CallerLineNumber] int line = 0)
    {
        if (actual != expected)
        {
            throw new InvalidOperationException($"{name} (line {line}) is at {actual} in managed code and at {expected} in emitted code");
        }
    }
}

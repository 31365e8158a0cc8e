// Why: what a process has once: the code arena, the fixed stubs, the signal handler and the table of signatures' stubs. Made when the first engine
// needs it, never undone (a signal handler cannot be taken out safely once others may have chained to it). Making it checks every
// assumption: the structures' offsets, and by one fault on purpose the kernel's structures and the way back.
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Platform;
using Tarn.Platform.Linux;

namespace Tarn.Execution;

internal sealed unsafe class Machine
{
    private static readonly Lazy<Machine> s_current = new(() => new Machine());

    private readonly ConcurrentDictionary<Signature, Lazy<SignatureStubs>> _signatures = new();
    private readonly ConcurrentDictionary<(Signature Signature, nint Entry), Lazy<nint>> _directExits = new();

    private Machine()
    {
        AbiAssertions.Check();
        Memory = VirtualMemory.Current;
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new PlatformNotSupportedException($"Tarn runs on x86-64 so far; machine code for {RuntimeInformation.ProcessArchitecture} is not written yet.");
        }

        Arena = new CodeArena(Memory);
        Stubs = new X64.X64MachineStubs(Arena);
        FaultRanges = new FaultRangeTable(Arena.AllocateData(FaultRangeTable.TotalSize));
        LinuxFaultHandler.Install(Arena, Stubs, FaultRanges.Address);
        SelfTest();
    }

    /// <summary>The process's one; throws <see cref="PlatformNotSupportedException"/> where Tarn cannot run.</summary>
    public static Machine Current => s_current.Value;

    public VirtualMemory Memory { get; }

    public CodeArena Arena { get; }

    public MachineStubs Stubs { get; }

    public FaultRangeTable FaultRanges { get; }

    /// <summary>The stubs of a signature, made on first use.</summary>
    public SignatureStubs StubsFor(Signature signature) =>
        _signatures.GetOrAdd(signature, static (key, machine) => new Lazy<SignatureStubs>(() => machine.Stubs.CreateSignatureStubs(key)), this).Value;

    /// <summary>The exit of host functions of a signature that are called through a managed entry, made on first use; the general one if the signature has none.</summary>
    public nint HostExitTo(SignatureStubs stubs, nint entry)
    {
        Lazy<nint> exit = _directExits.GetOrAdd(
            (stubs.Signature, entry), static (key, my) => new Lazy<nint>(() => my.Machine.Stubs.CreateDirectExit(my.Of, key.Entry)), (Machine: this, Of: stubs));
        return exit.Value == 0 ? stubs.HostExit : exit.Value;
    }

    // Faults once on a page of our own that is not accessible, and looks whether all that was said about it is true.
    private void SelfTest()
    {
        nuint page = Memory.PageSize;
        byte* closed = Memory.Reserve(page);
        using GuestStack stack = new(Memory, 2 * GuestStack.Headroom);
        CodeBlock probe = Stubs.CreateProbe((nint)closed);
        try
        {
            ExecutionRecord record = default;
            stack.Attach(&record);
            VmContext context = new() { StackLimit = stack.Limit, Execution = &record };
            FunctionReference function = new() { Code = (nint)probe.Address, VmContext = &context, HostFunction = FunctionReferenceRecord.NotAHostFunction };
            nint entry = StubsFor(new Signature([], [AbiType.I32])).TypedEntry;
            _ = ((delegate* unmanaged<nint, RawResult>)entry)((nint)(&function));
            bool asExpected = record.ExitCode == ExitCode.MemoryFault
                && record.FaultAddress == (nint)closed
                && record.FaultSignal == LinuxNative.SignalSegmentationFault
                && record.ExitVmContext == &context
                && probe.Owner!.TryGetTrap((int)(record.TrapProgramCounter - (nint)probe.Address), out _)
                && record.GuestStackPointer == stack.High - sizeof(nint);
            if (!asExpected)
            {
                throw new PlatformNotSupportedException(
                    $"The signal handler's self-test failed: {record.ExitCode}, fault at {record.FaultAddress:X} (expected {(nint)closed:X}), PC {record.TrapProgramCounter:X} (probe at {(nint)probe.Address:X}).");
            }
        }
        finally
        {
            Arena.Free(probe);
            Memory.Release(closed, page);
        }
    }
}

// Why: what a process has once for each way of executing code (machine code, register code): the code arena, the fixed stubs, where faults are caught the signal handler, and the table of signatures' stubs. Made when the first engine
// needs it, never undone (a signal handler cannot be taken out safely once others may have chained to it). Making it checks every
// assumption: the structures' offsets, and by two faults on purpose the kernel's structures, both ways back and the opening of a page.
using Tarn.Compiler.Abi;
using Tarn.Compiler.Machine;
using Tarn.Compiler.Targets.Portable;
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed unsafe class Machine
{
    private static readonly Lazy<Machine> s_current = new(() => new Machine(isPortable: false));
    private static readonly Lazy<Machine> s_portable = new(() => new Machine(isPortable: true));

    // The lock is held for a look-up, never while code is made.
    private readonly Lock _lock = new();
    private readonly Dictionary<Signature, SharedStubs> _signatures = [];
    private readonly FaultRangeTable? _faultRanges;

    private Machine(bool isPortable)
    {
        if (!Environment.Is64BitProcess)
            throw new PlatformNotSupportedException("Tarn needs a process of 64 bits: its records have addresses of that size. On 32 bits, in browsers for example, nothing runs yet.");
        AbiAssertions.Check();
        Memory = VirtualMemory.Current;
        if (isPortable)
        {
            // Nothing of it is executed, so no page is ever executable.
            Arena = new CodeArena(Memory, PortableTarget.Instance.Filler, published: MemoryProtection.Read);
            Stubs = new Portable.PortableMachineStubs(Arena, Memory);
            return;
        }
        Arena = new CodeArena(Memory, HostTarget.Current.Filler);
        Stubs = new X64.X64MachineStubs(Arena, Memory, HostPlatform.Convention);
        Faults = HostPlatform.Faults;
        if (Faults == FaultHandling.None)
            return;
        _faultRanges = new FaultRangeTable(Arena.AllocateData(FaultRangeTable.TotalSize));
        HostPlatform.InstallFaultHandler(Arena, (arena, parameters) => Stubs.CreateFaultHandler(arena, parameters), FaultRanges.Address);
        SelfTest();
    }

    /// <summary>The one that executes machine code; throws <see cref="PlatformNotSupportedException"/> where there is none.</summary>
    public static Machine Current => s_current.Value;

    /// <summary>The one that interprets register code.</summary>
    public static Machine PortableMachine => s_portable.Value;

    /// <summary>The one that executes a target's code.</summary>
    public static Machine Of(MachineTarget target) => target is PortableTarget ? PortableMachine : Current;

    public VirtualMemory Memory { get; }

    public CodeArena Arena { get; }

    public MachineStubs Stubs { get; }

    /// <summary>Whether faults in guest code are caught.</summary>
    public FaultHandling Faults { get; }

    /// <summary>Slabs whose pages are opened when they are touched.</summary>
    /// <exception cref="NotSupportedException">Faults are not caught.</exception>
    public FaultRangeTable FaultRanges => _faultRanges ?? throw new NotSupportedException("Faults are not caught here, so no page can be opened by one.");

    /// <summary>Signatures of which the process has stubs.</summary>
    public int SignatureCount
    {
        get
        {
            lock (_lock)
                return _signatures.Count;
        }
    }

    /// <summary>The stubs of a signature, made on first use, for the life of the process.</summary>
    public SignatureStubs StubsFor(Signature signature) => AcquireStubs(signature);

    /// <summary>The stubs of a signature, made on first use, until <see cref="ReleaseStubs"/> has been called as often.</summary>
    /// <exception cref="InsufficientMemoryException">The code arena is full.</exception>
    public SignatureStubs AcquireStubs(Signature signature)
    {
        SharedStubs? shared;
        lock (_lock)
        {
            if (!_signatures.TryGetValue(signature, out shared))
                _signatures.Add(signature, shared = new SharedStubs());
            shared.Users++;
        }
        try
        {
            return shared.Get(Stubs, signature);
        }
        catch
        {
            Release(signature);
            throw;
        }
    }

    /// <summary>Ends one use of stubs: no call through them is in progress, and nothing leads to them from this user.</summary>
    public void ReleaseStubs(SignatureStubs stubs) => Release(stubs.Signature);

    /// <summary>The exit of host functions of a signature that are called through a managed entry, made on first use; the general one if the signature has none.</summary>
    /// <param name="stubs">Stubs that the caller uses.</param>
    /// <param name="entry">The entry.</param>
    public nint HostExitTo(SignatureStubs stubs, nint entry)
    {
        SharedStubs shared;
        lock (_lock)
            shared = _signatures[stubs.Signature];
        CodePiece? exit = shared.ExitTo(Stubs, stubs, entry);
        return exit is null ? stubs.HostExit : (nint)exit.Address;
    }

    private void Release(Signature signature)
    {
        SharedStubs shared;
        lock (_lock)
        {
            shared = _signatures[signature];
            if (--shared.Users != 0)
                return;
            _signatures.Remove(signature);
        }
        shared.Free(Stubs);
    }

    // Faults twice on a page of our own that is not accessible: as a guest that has to trap, and as one whose slot's page the handler opens. Looks whether
    // all that was said about it is true.
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
                && record.FaultSignal == HostPlatform.AccessFault
                && record.ExitVmContext == &context
                && probe.Owner!.TryGetTrap((int)(record.TrapProgramCounter - (nint)probe.Address), out _)
                && record.GuestStackPointer == stack.High - sizeof(nint);
            if (!asExpected)
            {
                throw new PlatformNotSupportedException(
                    $"The signal handler's self-test failed: {record.ExitCode}, fault at {record.FaultAddress:X} (expected {(nint)closed:X}), PC {record.TrapProgramCounter:X} (probe at {(nint)probe.Address:X}).");
            }

            uint log = uint.MaxValue;
            FaultSlotRecord slot = new() { AccessibleBytes = page, LogCapacity = 1, Log = &log };
            int range = FaultRanges.Add(closed, page, page, &slot, FaultSlotRecord.Size, page);
            record.ExitCode = ExitCode.Returned;
            record.GuestStackPointer = stack.High;
            RawResult read = ((delegate* unmanaged<nint, RawResult>)entry)((nint)(&function));
            FaultRanges.Remove(range);
            if (record.ExitCode != ExitCode.Returned || read.Integer != 0 || slot.LogCount != 1 || log != 0 || slot.LastGranule != (nuint)closed || slot.Error != 0)
            {
                throw new PlatformNotSupportedException(
                    $"The signal handler's self-test failed: the page at {(nint)closed:X} was not opened ({record.ExitCode}, {slot.LogCount} logged, first {log:X}, last at {slot.LastGranule:X}, error {slot.Error}).");
            }
        }
        finally
        {
            Arena.Free(probe);
            Memory.Release(closed, page);
        }
    }
}

// The signal handler's other half: opening pages of a pool slot on demand; and stacks: exhausted at every depth while signals arrive.
using System.Runtime.InteropServices;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Platform;
using Tarn.Platform.Linux;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.MachineChecks;

internal static unsafe partial class FaultChecks
{
    private const int Page = 4096;
    private const int Granule = 4 * Page;
    private const int Stride = 64 * Page;
    private const int Slots = 8;

    public static void Touched_pages_of_a_slot_are_opened_and_logged()
    {
        using TestStore store = new();
        VirtualMemory memory = Machine.Current.Memory;
        byte* slab = memory.Reserve(Slots * Stride);
        FaultSlotRecord* records = (FaultSlotRecord*)store.Allocate(Slots * FaultSlotRecord.Size);
        uint* log = (uint*)store.Allocate(64 * sizeof(uint));
        FunctionReference* write = store.Guest(stub =>
        {
            stub.Asm.Mov(S64, Rax, Rdi);
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.MemoryOutOfBounds, new FrameDescription(FrameKind.Guest, 0));
            stub.Asm.Inc(S32, new Mem(Rdi));
            stub.Asm.Movzx(S8, Rax, new Mem(Rdi));
            stub.Asm.Ret();
        });

        // Slot 3: 10 pages of memory, so the last granule is half beyond the end.
        const int Slot = 3;
        const int Accessible = 10 * Page;
        FaultSlotRecord* record = records + Slot;
        record->AccessibleBytes = Accessible;
        record->Log = log;
        record->LogCapacity = 2;
        int range = Machine.Current.FaultRanges.Add(slab, Slots * Stride, Stride, records, FaultSlotRecord.Size, Granule);
        try
        {
            nint start = (nint)slab + (Slot * Stride);
            Check.Equal(1L, store.Call(write, start + Page + 8));
            Check.Equal(1, record->LogCount);
            Check.Equal(0U, log[0]);
            Check.Equal(2L, store.Call(write, start + Page + 8));
            Check.Equal(1L, store.Call(write, start));
            Check.Equal(1, record->LogCount);
            Check.Equal(1L, store.Call(write, start + Accessible - 4));
            Check.Equal(2, record->LogCount);
            Check.Equal(8U, log[1]);

            // The log is full: the page opens all the same and is counted.
            Check.Equal(1L, store.Call(write, start + (5 * Page)));
            Check.Equal(3, record->LogCount);
            Check.Equal(0U, log[2]);

            // At the end of the memory, and in slots that are not to be touched, it is a trap.
            foreach (nint address in (nint[])[start + Accessible, start + Accessible + 5, start + Stride, start - 4, (nint)slab, start + Accessible - 2])
            {
                GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(write, address));
                Check.Equal(address == start + Accessible - 2 ? start + Accessible : address, trap.FaultAddress);
            }

            Check.Equal(3, record->LogCount);

            // Closed again: contents gone, the next touch opens it anew.
            memory.Decommit((byte*)start, Stride);
            record->LogCount = 0;
            record->LastGranule = 0;
            Check.Equal(1L, store.Call(write, start + Page + 8));
            Check.Equal(1, record->LogCount);

            // A copy over closed pages runs through.
            memory.Decommit((byte*)start, Stride);
            record->LogCount = 0;
            record->LastGranule = 0;
            FunctionReference* copy = store.Reference(Machine.Current.Stubs.Builtin(BuiltinId.MemoryCopyBytes), FunctionReferenceRecord.NotAHostFunction);
            byte[] pattern = new byte[Accessible - 100];
            new Random(3).NextBytes(pattern);
            fixed (byte* source = pattern)
            {
                Signature types = new([AbiType.I64, AbiType.I64, AbiType.I64], []);
                _ = ((delegate* unmanaged<long, long, long, FunctionReference*, RawResult>)Machine.Current.StubsFor(types).TypedEntry)(start + 50, (nint)source, pattern.Length, copy);
            }

            Check.Equal(ExitCode.Returned, store.Record->ExitCode);
            Check.Equal(3, record->LogCount);
            Check.True(new ReadOnlySpan<byte>((byte*)start + 50, pattern.Length).SequenceEqual(pattern));
        }
        finally
        {
            Machine.Current.FaultRanges.Remove(range);
        }

        // Unregistered: a fault like any other.
        memory.Decommit(slab, Slots * Stride);
        Check.Throws<GuestTrapException>(() => store.Call(write, (nint)slab + (Slot * Stride)));
        store.CheckIdle();
        memory.Release(slab, Slots * Stride);
    }

    public static void Stacks_are_exhausted_at_every_depth_while_signals_arrive()
    {
        using PosixSignalRegistration registration = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => { });
        using TestStore store = new(256 * 1024);
        const byte Canary = 0xA5;
        Span<byte> headroom = new((byte*)store.Stack.Low, GuestStack.Headroom);
        headroom.Fill(Canary);
        s_stop = false;
        int thread = GetThreadId();
        Thread sender = new(() =>
        {
            // SIGRTMIN is what the CLR interrupts threads with. It is queued, not merged: without the pause the receiver would do nothing else.
            for (int i = 0; !s_stop; i++)
            {
                _ = SendSignal(Environment.ProcessId, thread, WindowSignal);
                if (i % 8 == 0)
                    _ = SendSignal(Environment.ProcessId, thread, ActivationSignal);
                Thread.SpinWait(200);
            }
        });
        sender.Start();
        try
        {
            for (int frame = 16; frame <= 4096; frame += frame < 256 ? 8 : 40)
            {
                int bytes = frame;
                FunctionReference* recursive = store.Guest(stub =>
                {
                    X64Assembler asm = stub.Asm;
                    Label enough = asm.NewLabel();
                    Label self = asm.BindNew();
                    asm.Cmp(S64, Rsp, new Mem(R14, VmContextHeader.StackLimit));
                    asm.Jcc(Condition.AboveEqual, enough);

                    // Linger at the limit, so that signals find it.
                    asm.MovImm(Rax, 3000);
                    Label linger = asm.BindNew();
                    asm.Dec(S64, Rax);
                    asm.Jcc(Condition.NotEqual, linger);
                    stub.CallTo(Machine.Current.Stubs.Trap);
                    stub.Owner.AddTrap(asm.Offset, Compiler.Abi.TrapCode.StackOverflow, new FrameDescription(FrameKind.Guest, 0, 0, 4, 0));
                    asm.Bind(enough);
                    asm.Sub(S64, Rsp, bytes);
                    asm.Call(self);
                    stub.Owner.AddFrame(asm.Offset, new FrameDescription(FrameKind.Guest, bytes, 0, 4, 1));
                    asm.Add(S64, Rsp, bytes);
                    asm.Ret();
                });
                GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(recursive));
                Check.Equal(Compiler.Abi.TrapCode.StackOverflow, trap.Code);
                Check.True(trap.Frames.Count > 10);
                store.CheckIdle();
            }
        }
        finally
        {
            s_stop = true;
            sender.Join();
        }

        // Signals used part of the headroom at most; a quarter of it is never touched.
        int untouched = headroom.IndexOfAnyExcept(Canary);
        Check.True(untouched < 0 || untouched >= GuestStack.Headroom / 4, $"{untouched} of {GuestStack.Headroom} bytes of headroom were left");
        Console.WriteLine($"      headroom left: {(untouched < 0 ? GuestStack.Headroom : untouched)} of {GuestStack.Headroom} bytes");
    }

    private const int WindowSignal = 28;
    private const int ActivationSignal = 34;

    private static volatile bool s_stop;

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();

    [LibraryImport("libc", EntryPoint = "tgkill")]
    private static partial int SendSignal(int process, int thread, int signal);

    public static void The_guard_page_below_a_stack_faults()
    {
        using TestStore store = new();
        FunctionReference* below = store.Guest(stub =>
        {
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.MemoryOutOfBounds, new FrameDescription(FrameKind.Guest, 0));
            stub.Asm.Mov(S64, new Mem(Rdi), Rdi);
            stub.Asm.Mov(S64, Rax, new Mem(Rdi));
            stub.Asm.Ret();
        });
        Check.Equal((long)store.Stack.Low, store.Call(below, store.Stack.Low));
        foreach (nint address in (nint[])[store.Stack.Low - 8, store.Stack.Low - Page])
        {
            GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(below, address));
            Check.Equal(address, trap.FaultAddress);
        }

        store.CheckIdle();
    }

    // A page of an image that lies past the end of its file cannot be had: SIGBUS, not SIGSEGV.
    public static void Bus_errors_are_traps_too()
    {
        using TestStore store = new();
        VirtualMemory memory = Machine.Current.Memory;
        byte* range = memory.Reserve(4 * Page);
        using (MemoryImage image = memory.CreateImage([1, 2, 3], "bus error"))
        {
            memory.MapImage(image, 0, range, 4 * Page, MemoryProtection.ReadWrite);
        }

        FunctionReference* read = store.Guest(stub =>
        {
            stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.MemoryOutOfBounds, new FrameDescription(FrameKind.Guest, 0));
            stub.Asm.Movzx(S8, Rax, new Mem(Rdi));
            stub.Asm.Ret();
        });
        Check.Equal(3L, store.Call(read, (nint)range + 2));
        for (int i = 0; i < 10; i++)
        {
            nint address = (nint)range + Page + (i * 1000);
            GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(read, address));
            Check.Equal(Compiler.Abi.TrapCode.MemoryOutOfBounds, trap.Code);
            Check.Equal(address, trap.FaultAddress);
            Check.Equal(7U, store.Record->FaultSignal);
        }

        store.CheckIdle();
        memory.Release(range, 4 * Page);
    }

    public static void The_handler_keeps_the_runtimes_mask_and_flags()
    {
        _ = Machine.Current;
        foreach ((int signal, SignalActionRecord before) in RuntimeSignals.Before)
        {
            SignalActionRecord now = RuntimeSignals.Read(signal);
            Check.True(now.Handler != before.Handler);
            Check.True(Machine.Current.Arena.Contains(now.Handler));
            Check.True(!Machine.Current.Arena.Contains(before.Handler));
            Check.Equal(before.Flags, before.Flags & now.Flags);
            // The kernel has 64 signals; what the C library leaves in the rest means nothing.
            Check.Equal(before.Mask[0], now.Mask[0]);

            // Once: a second machine would chain to the first.
            _ = Machine.Current;
            Check.Equal(now.Handler, RuntimeSignals.Read(signal).Handler);
        }
    }

    public static void Large_signatures_compare_with_the_stack_limit()
    {
        using TestStore store = new(2 * GuestStack.Headroom);
        AbiType[] many = new AbiType[1000];
        Array.Fill(many, AbiType.V128);
        Signature signature = new(many, many);
        FunctionReference* host = store.Host(signature, (_, _) => HostCallStatus.Completed);
        ulong* values = (ulong*)store.Allocate(1000 * 16);
        GuestTrapException trap = Check.Throws<GuestTrapException>(() => store.Call(signature, host, values));
        Check.Equal(Compiler.Abi.TrapCode.StackOverflow, trap.Code);
        store.CheckIdle();
    }
}

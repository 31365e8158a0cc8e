// Why: the x86-64 implementation of the seam: one block with the stubs every process needs, and makers for the others. Fixed stubs are found by
// direct addresses that go into emitted code as rel32, so this object is made once and never goes away.
using System.Diagnostics;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Execution.X64;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

#pragma warning disable CA1001 // It lives as long as the process, and so does the code that it owns.
internal sealed unsafe class X64MachineStubs : MachineStubs
#pragma warning restore CA1001
{
    private const int ThunkSize = 8;

    // Small: stubs come back one by one, and a block only when all of its stubs have.
    private const int SharedStubBytes = 16 << 10;

    private readonly CodeArena _arena;
    private readonly PackedCode _signatureStubs;
    private readonly HostConvention _convention;
    private readonly nint _hostCall;
    private readonly nint _handlerLanding;
    private readonly nint[] _builtins = new nint[(int)BuiltinId.Count];

    public X64MachineStubs(CodeArena arena, VirtualMemory memory, HostConvention convention)
    {
        if (!CpuFeatureDetector.HasBaseline)
        {
            throw new PlatformNotSupportedException("Tarn's machine code needs a processor with SSE4.2.");
        }

        _arena = arena;
        _convention = convention;
        _hostCall = convention == HostConvention.Microsoft ? MicrosoftThunks.HostCall(arena) : GuestExecution.HostCallAddress;
        _signatureStubs = new PackedCode(arena, memory, SharedStubBytes);
        Trap = Publish("trap", EmitTrap);
        StubAssembler stub = new(arena, "fixed stubs");
        Label resume = ExitStubs.EmitResume(stub);
        Label landing = EmitFaultLanding(stub);
        Label handler = ExitStubs.EmitHandlerLanding(stub);
        Label interrupt = ExitStubs.EmitPreserving(stub, BuiltinId.Interrupt);
        Label[] builtins = new Label[_builtins.Length];
        for (int i = 0; i < builtins.Length; i++)
        {
            BuiltinId id = (BuiltinId)i;
            builtins[i] = id switch
            {
                BuiltinId.MemoryCopyBytes => MemoryBuiltins.EmitCopy(stub, interrupt),
                BuiltinId.MemoryFillBytes => MemoryBuiltins.EmitFill(stub, interrupt),
                BuiltinId.Interrupt => interrupt,
                BuiltinId.FuelExhausted or BuiltinId.CompileFunction or BuiltinId.CollectGarbage => ExitStubs.EmitPreserving(stub, id),
                _ => ExitStubs.EmitBuiltin(stub, id, Trap),
            };
        }

        nint start = (nint)stub.Publish().Address;
        Resume = start + stub.Asm.OffsetOf(resume);
        if (convention == HostConvention.Microsoft)
            Resume = MicrosoftThunks.Resume(arena, Resume);
        FaultLanding = start + stub.Asm.OffsetOf(landing);
        _handlerLanding = start + stub.Asm.OffsetOf(handler);
        for (int i = 0; i < builtins.Length; i++)
        {
            _builtins[i] = start + stub.Asm.OffsetOf(builtins[i]);
        }
    }

    public override nint Resume { get; }

    public override nint Trap { get; }

    public override nint FaultLanding { get; }

    // The call pushed the return address, and the callee pops its arguments.
    public override void Unwind(nint end, in FrameDescription frame, out nint programCounter, out nint stackPointer)
    {
        programCounter = *(nint*)end;
        stackPointer = end + sizeof(nint) + frame.StackArgumentBytes;
    }

    public override ulong* SavedRegister(ExitFrame* frame, int register) => ExitStubs.SavedRegister(frame, (Gpr)register);

    public override UnwoundRegisters RegistersOf(ExitFrame* frame)
    {
        UnwoundRegisters registers = new() { VmContext = frame->VmContext };
        for (int k = 0; k < SavedRegisterSet.Count; k++)
        {
            registers.Values[k] = ((ulong*)((byte*)frame + ExitFrame.RegistersOffset))[k];
        }

        return registers;
    }

    public override void EnterFrame(nint end, byte saved, ref UnwoundRegisters registers)
    {
        if ((saved & SavedRegisterSet.VmContext) != 0)
        {
            registers.VmContext = *(VmContext**)(end - SavedRegisterSet.ContextOffset(saved));
        }
    }

    public override void LeaveFrame(nint end, byte saved, ref UnwoundRegisters registers)
    {
        nint at = end;
        for (int k = 0; k < SavedRegisterSet.Count; k++)
        {
            if (((saved >> k) & 1) != 0)
            {
                at -= sizeof(ulong);
                registers.Values[k] = *(ulong*)at;
            }
        }
    }

    public override ExitFrame* PrepareLanding(nint stackPointer, nint returnAddress, nint landing, in UnwoundRegisters registers)
    {
        ExitFrame* frame = (ExitFrame*)(stackPointer - ExitStubs.LandingFrameBytes);
        frame->Resume = _handlerLanding;
        frame->VmContext = registers.VmContext;
        for (int k = 0; k < SavedRegisterSet.Count; k++)
        {
            ((ulong*)((byte*)frame + ExitFrame.RegistersOffset))[k] = registers.Values[k];
        }

        nint* values = (nint*)ExitFrame.Values(frame);
        values[0] = returnAddress;
        values[1] = landing;
        return frame;
    }

    public override nint Builtin(BuiltinId id) => _builtins[(int)id];

    public override SignatureStubs CreateSignatureStubs(Signature signature)
    {
        StubAssembler stub = new(_arena, $"stubs {signature}");
        bool isMicrosoft = _convention == HostConvention.Microsoft;
        bool hasTyped = signature.HasTypedEntry && (!isMicrosoft || MicrosoftThunks.CanCarry(signature));
        Label typed = hasTyped ? EntryStubs.EmitTyped(stub, signature, Trap) : default;
        Label array = EntryStubs.EmitArray(stub, signature, Trap);
        Label exit = ExitStubs.EmitHostCall(stub, signature, Trap, _hostCall);
        // Around the two entries, and in the same piece of code: it is freed with them.
        if (isMicrosoft)
        {
            typed = hasTyped ? MicrosoftThunks.EmitTyped(stub, signature, typed) : default;
            array = MicrosoftThunks.EmitArray(stub, array);
        }
        CodePiece code = stub.Publish(_signatureStubs);
        nint start = (nint)code.Address;
        return new SignatureStubs(
            signature,
            code,
            hasTyped ? start + stub.Asm.OffsetOf(typed) : 0,
            start + stub.Asm.OffsetOf(array),
            start + stub.Asm.OffsetOf(exit));
    }

    public override CodePiece? CreateDirectExit(SignatureStubs stubs, nint entry)
    {
        if (_convention != HostConvention.SystemV || !DirectExitStubs.CanCarry(stubs.Signature))
        {
            return null;
        }

        StubAssembler stub = new(_arena, $"direct exit {stubs.Signature}");
        Label exit = DirectExitStubs.Emit(stub, stubs.Signature, stubs.HostExit, entry);
        Debug.Assert(stub.Asm.OffsetOf(exit) == 0, "a direct exit begins at its code's first byte");
        return stub.Publish(_signatureStubs);
    }

    public override void Free(CodePiece stub) => _signatureStubs.Free(stub);

    public override LazyThunks CreateLazyThunks(int count)
    {
        StubAssembler stub = new(_arena, "lazy thunks");
        X64Assembler asm = stub.Asm;
        nint* slots = (nint*)_arena.AllocateData(count * sizeof(nint));
        try
        {
            for (int i = 0; i < count; i++)
            {
                int start = asm.Offset;
                asm.Jmp(stub.AtAddress((nint)(slots + i)));
                asm.Nop(ThunkSize - (asm.Offset - start));
            }

            int[] compile = new int[count];
            for (int i = 0; i < count; i++)
            {
                compile[i] = asm.Offset;
                asm.MovImm32(R11, i);
                stub.JumpTo(Builtin(BuiltinId.CompileFunction));
            }

            CodeBlock block = stub.Publish();
            for (int i = 0; i < count; i++)
            {
                slots[i] = (nint)block.Address + compile[i];
            }

            return new LazyThunks(_arena, block, ThunkSize, slots, count);
        }
        catch
        {
            _arena.FreeData((byte*)slots, count * sizeof(nint));
            throw;
        }
    }

    public override nint CreateFaultHandler(CodeArena arena, in FaultHandlerParameters parameters)
    {
        StubAssembler stub = new(arena, "fault handler");
        Platform.Linux.X64.FaultHandlerCode.Emit(stub.Asm, arena, parameters, FaultLanding);
        return (nint)stub.Publish().Address;
    }

    public override CodeBlock CreateProbe(nint address)
    {
        StubAssembler stub = new(_arena, "probe");
        stub.Asm.MovImm(Rax, address);
        stub.Owner.AddTrap(stub.Asm.Offset, TrapCode.MemoryOutOfBounds, new FrameDescription(FrameKind.Guest, FrameSize: 0));
        stub.Asm.Movzx(S8, Rax, new Mem(Rax));
        stub.Asm.Ret();
        return stub.Publish();
    }

    private nint Publish(string name, Action<StubAssembler> emit)
    {
        StubAssembler stub = new(_arena, name);
        emit(stub);
        return (nint)stub.Publish().Address;
    }

    private static void EmitTrap(StubAssembler stub)
    {
        X64Assembler asm = stub.Asm;
        asm.Pop(R11);
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.TrapProgramCounter), R11);
        EmitAbandon(stub, ExitCode.Trap);
    }

    private static Label EmitFaultLanding(StubAssembler stub)
    {
        X64Assembler asm = stub.Asm;
        stub.Align();
        Label entry = asm.BindNew();
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        EmitAbandon(stub, ExitCode.MemoryFault);
        return entry;
    }

    // The guest will not be resumed; its stack pointer is kept for the backtrace.
    private static void EmitAbandon(StubAssembler stub, ExitCode code)
    {
        X64Assembler asm = stub.Asm;
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), Rsp);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.ExitVmContext), R14);
        asm.MovImm(S32, new Mem(R10, ExecutionRecordLayout.ExitCode), (int)code);
        stub.LeaveToHostFrame(R10);
        asm.Ret();
    }
}

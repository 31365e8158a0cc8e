// Why: the seam between execution and a processor. One implementation for each in its own folder; nothing outside those folders knows
// a register. All members make code in the arena that lives as long as the process, unless it can be given back.
using Tarn.Compiler.Abi;
using Tarn.Platform;

namespace Tarn.Execution;

internal abstract unsafe class MachineStubs
{
    /// <summary>C function (execution record) → <see cref="RawResult"/>: continues the guest suspended at GuestStackPointer.</summary>
    public abstract nint Resume { get; }

    /// <summary>Guest code: target of every <see cref="SymbolKind.Trap"/>.</summary>
    public abstract nint Trap { get; }

    /// <summary>Where the signal handler sends a guest that faulted.</summary>
    public abstract nint FaultLanding { get; }

    /// <summary>Guest code: target of <see cref="SymbolKind.Builtin"/>.</summary>
    public abstract nint Builtin(BuiltinId id);

    /// <summary>Makes the stubs of a signature. Callers share them through <see cref="Machine.AcquireStubs"/>.</summary>
    public abstract SignatureStubs CreateSignatureStubs(Signature signature);

    /// <summary>
    /// Makes the exit from guest code to one managed entry that takes its arguments in registers; <see langword="null"/> if the signature has too many for that. See
    /// DirectHostCalls.
    /// </summary>
    public abstract CodePiece? CreateDirectExit(SignatureStubs stubs, nint entry);

    /// <summary>Gives back stubs of a signature, or a direct exit, that nothing refers to any longer.</summary>
    public abstract void Free(CodePiece stub);

    /// <summary>Makes thunks for functions that are compiled when they are first called; freed with their module.</summary>
    public abstract LazyThunks CreateLazyThunks(int count);

    /// <summary>Makes the code of the signal handler; see FaultHandler.</summary>
    public abstract nint CreateFaultHandler(CodeArena arena, in FaultHandlerParameters parameters);

    /// <summary>Goes from a frame of guest code to its caller's.</summary>
    /// <param name="end">Where the frame ends: the stack pointer in it plus the frame's size. The word there is readable.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="programCounter">Return address in the caller.</param>
    /// <param name="stackPointer">Stack pointer in the caller, without the arguments of the call.</param>
    public abstract void Unwind(nint end, in FrameDescription frame, out nint programCounter, out nint stackPointer);

    /// <summary>Where the exit frame of a builtin that preserves all registers holds one.</summary>
    public abstract unsafe ulong* SavedRegister(ExitFrame* frame, int register);

    /// <summary>What was in the registers where a guest called out, from its exit frame.</summary>
    public abstract UnwoundRegisters RegistersOf(ExitFrame* frame);

    /// <summary>Makes the VM context that of a guest's frame, if the frame keeps it: otherwise its calls have left it as it is.</summary>
    /// <param name="end">As for <see cref="Unwind"/>.</param>
    /// <param name="saved">What the frame keeps.</param>
    /// <param name="registers">Changed.</param>
    public abstract void EnterFrame(nint end, byte saved, ref UnwoundRegisters registers);

    /// <summary>Puts back the registers that a guest's frame keeps, as returning from it would.</summary>
    /// <param name="end">As for <see cref="Unwind"/>.</param>
    /// <param name="saved">What the frame keeps.</param>
    /// <param name="registers">Changed.</param>
    public abstract void LeaveFrame(nint end, byte saved, ref UnwoundRegisters registers);

    /// <summary>Makes an exit frame by which <see cref="Resume"/> continues at a landing. What is below the stack pointer is overwritten.</summary>
    /// <param name="stackPointer">Stack pointer in the frame that handles the exception.</param>
    /// <param name="returnAddress">Where the frame's call would have returned to; for backtraces.</param>
    /// <param name="landing">Where it continues.</param>
    /// <param name="registers">The registers of the frame.</param>
    /// <returns>The exit frame.</returns>
    public abstract ExitFrame* PrepareLanding(nint stackPointer, nint returnAddress, nint landing, in UnwoundRegisters registers);

    /// <summary>Makes a guest function () → () that reads one byte at an address, with a trap site at the access; for the self-test.</summary>
    public abstract CodeBlock CreateProbe(nint address);
}

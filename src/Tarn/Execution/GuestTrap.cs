// Why: what the machine knows about a trap, before anybody has put it into words.

namespace Tarn.Execution;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal readonly unsafe struct GuestTrap(TrapCode code, nint programCounter, bool isFault, nint faultAddress, VmContext* context)
{
    /// <summary>Why.</summary>
    public TrapCode Code { get; } = code;

    /// <summary>The trap site: return address of the trap's call, or the access that faulted.</summary>
    public nint ProgramCounter { get; } = programCounter;

    /// <summary>The processor found it, not a check.</summary>
    public bool IsFault { get; } = isFault;

    /// <summary>For memory faults the address (0 if it is not one that the processor knows, on which the kernel is silent), otherwise 0.</summary>
    public nint FaultAddress { get; } = faultAddress;

    /// <summary>VM context that was running.</summary>
    public VmContext* Context { get; } = context;
}

// Why: what the machine knows about a trap, before anybody has put it into words.

namespace Tarn.Execution;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal readonly unsafe struct GuestTrap(TrapCode code, nint programCounter, nint faultAddress, VmContext* context)
{
    /// <summary>Why.</summary>
    public TrapCode Code { get; } = code;

    /// <summary>The trap site: return address of the trap's call, or the access that faulted.</summary>
    public nint ProgramCounter { get; } = programCounter;

    /// <summary>For memory faults the address, otherwise 0.</summary>
    public nint FaultAddress { get; } = faultAddress;

    /// <summary>VM context that was running.</summary>
    public VmContext* Context { get; } = context;
}

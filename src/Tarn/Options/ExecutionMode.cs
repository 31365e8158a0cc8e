// The two ways in which guests' code is executed.
namespace Tarn;

/// <summary>How the code of guests is executed.</summary>
public enum ExecutionMode
{
    /// <summary>As machine code where Tarn generates it and the system lets it be executed, otherwise portably.</summary>
    Auto = 0,

    /// <summary>As machine code of this processor. Refused where there is none.</summary>
    MachineCode = 1,

    /// <summary>
    /// By an interpreter of register code, which the same compiler generates. It needs neither executable memory nor a signal handler, and takes about 20 times as long as machine code. Memories are
    /// checked.
    /// </summary>
    Portable = 2,
}

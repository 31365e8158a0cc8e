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
    /// By an interpreter of register code, which the same compiler generates: wherever .NET runs, without executable memory and without a handler of signals, several times slower than machine code. Memories
    /// are checked.
    /// </summary>
    Portable = 2,
}

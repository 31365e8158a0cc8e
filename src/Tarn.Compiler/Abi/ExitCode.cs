// Why: how guest code came back to the thread's own stack. Written by stubs into the execution record, read by the managed driver.
namespace Tarn.Compiler.Abi;

internal enum ExitCode : uint
{
    /// <summary>The guest function returned; results are in place.</summary>
    Returned = 0,

    /// <summary>
    /// The guest called a host function that did not complete (<c>ExitArgument</c> says why) and is suspended: arguments are in the exit frame, results go there.
    /// </summary>
    HostCall = 1,

    /// <summary>The guest called a builtin that needs managed code and is suspended; <c>ExitArgument</c> is the <see cref="BuiltinId"/>.</summary>
    Builtin = 2,

    /// <summary>A trap site was reached: <c>TrapProgramCounter</c> is the return address of its call. Not resumable.</summary>
    Trap = 3,

    /// <summary>A memory access faulted: <c>TrapProgramCounter</c> is the PC of the access. Not resumable.</summary>
    MemoryFault = 4,
}

// Why: whoever publishes code answers two questions about a PC in it: how to walk past the frame there, and why it trapped. Answers
// come from tables made at compile time, so that a backtrace needs neither frame pointers nor anything the guest could have overwritten
// besides its own stack.

namespace Tarn.Platform;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal abstract class CodeOwner
{
    /// <summary>Describes the frame of a PC that is a return address or a trap site; false if the offset is none.</summary>
    public abstract bool TryGetFrame(int offset, out FrameDescription frame);

    /// <summary>The trap site at an offset (return address of the trap's call, or the faulting instruction).</summary>
    public abstract bool TryGetTrap(int offset, out TrapCode code);
}

internal enum FrameKind : byte
{
    /// <summary>A WebAssembly function.</summary>
    Guest,

    /// <summary>The bottom of an activation: an entry stub's return point. <see cref="FrameDescription.FrameSize"/> is what the stub pushed.</summary>
    Entry,

    /// <summary>A suspended call out of guest code: an exit stub's frame.</summary>
    Exit,
}

/// <summary>How to walk past a frame, and what it is.</summary>
/// <param name="Kind">Whose frame it is.</param>
/// <param name="FrameSize">Bytes from the stack pointer to the return address.</param>
/// <param name="StackArgumentBytes">Bytes above the return address that the function pops when it returns.</param>
/// <param name="FunctionIndex">Index in the module's function space, for guest frames.</param>
/// <param name="WasmOffset">Byte offset in the module, for guest frames.</param>
/// <param name="Module">The object that knows the function's name, for guest frames.</param>
internal readonly record struct FrameDescription(
    FrameKind Kind, int FrameSize, int StackArgumentBytes = 0, int FunctionIndex = -1, int WasmOffset = -1, object? Module = null);

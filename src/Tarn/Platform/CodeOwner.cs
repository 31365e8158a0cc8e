// Why: whoever publishes code answers two questions about a PC in it: how to walk past the frame there, and why it trapped. Answers
// come from tables made at compile time, so that a backtrace needs neither frame pointers nor anything the guest could have overwritten
// besides its own stack.

namespace Tarn.Platform;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal abstract class CodeOwner
{
    /// <summary>Describes the frame of a PC that is a return address or a trap site; false if the offset is none.</summary>
    public abstract bool TryGetFrame(int offset, out FrameDescription frame);

    /// <summary>
    /// Describes the frame of a return address for a search for an exception's handler. As answered here, it has none and keeps none of its caller's registers: right for stubs.
    /// </summary>
    public virtual bool TryGetUnwind(int offset, out UnwindFrame frame)
    {
        bool known = TryGetFrame(offset, out FrameDescription described);
        frame = new UnwindFrame(described.Kind, described.FrameSize, described.StackArgumentBytes, 0, UnwindFrame.NoHandler, -1, []);
        return known;
    }

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

/// <summary>How to leave a frame for its caller's, and where it continues if it handles an exception.</summary>
/// <param name="Kind">Whose frame it is.</param>
/// <param name="FrameSize">Bytes from the stack pointer to the return address.</param>
/// <param name="StackArgumentBytes">Bytes above the return address that the function pops when it returns.</param>
/// <param name="SavedRegisters">What the frame keeps of its caller's registers, in the machine's form.</param>
/// <param name="Landing">Offset in the block of the code that continues when a handler catches, or <see cref="NoHandler"/>.</param>
/// <param name="Scope">Offset of the innermost scope.</param>
/// <param name="Scopes">The scopes, in the form of <see cref="Compiler.Abi.HandlerTable.Scopes"/>.</param>
internal readonly record struct UnwindFrame(FrameKind Kind, int FrameSize, int StackArgumentBytes, byte SavedRegisters, int Landing, int Scope, int[] Scopes)
{
    public const int NoHandler = -1;
}

/// <summary>How to walk past a frame, and what it is.</summary>
/// <param name="Kind">Whose frame it is.</param>
/// <param name="FrameSize">Bytes from the stack pointer to the return address.</param>
/// <param name="StackArgumentBytes">Bytes above the return address that the function pops when it returns.</param>
/// <param name="FunctionIndex">Index in the module's function space, for guest frames.</param>
/// <param name="WasmOffset">Byte offset in the module, for guest frames.</param>
/// <param name="Module">The object that knows the function's name, for guest frames.</param>
/// <param name="References">Lists of places of managed references, as <see cref="Compiler.CompiledFunction.References"/> has them.</param>
/// <param name="ReferenceList">Where the frame's list starts; −1 if it has no references.</param>
internal readonly record struct FrameDescription(
    FrameKind Kind, int FrameSize, int StackArgumentBytes = 0, int FunctionIndex = -1, int WasmOffset = -1, object? Module = null,
    int[]? References = null, int ReferenceList = -1);

// What the compiler hands over for one function (docs/abi.md, "What the compiler hands over"): position-independent but for its
// relocations, the same in eager and lazy mode, and fit to be written to a file. Tables are sorted by offset.
using Tarn.Compiler.Abi;

namespace Tarn.Compiler;

internal sealed class CompiledFunction
{
    /// <summary>Machine code and its constants.</summary>
    public required byte[] Code { get; init; }

    /// <summary>Places in the code to be filled in when it is loaded.</summary>
    public required Relocation[] Relocations { get; init; }

    /// <summary>Where it may trap.</summary>
    public required TrapSite[] TrapSites { get; init; }

    /// <summary>Return addresses of its calls.</summary>
    public required CallSite[] CallSites { get; init; }

    /// <summary>
    /// Places of managed references at calls: for each list its length, then the places: the number of a slot of 8 bytes from the stack pointer, or the complement of a register, where the
    /// call preserves all of them.
    /// </summary>
    public int[] References { get; init; } = [];

    /// <summary>Bytes from the stack pointer to the return address, once the prologue is through.</summary>
    public required int FrameSize { get; init; }

    /// <summary>Bytes of arguments above the return address that it pops.</summary>
    public required int StackArgumentBytes { get; init; }

    /// <summary>What the frame keeps of the caller's registers, in the target's own form.</summary>
    public required byte SavedRegisters { get; init; }

    /// <summary>Its exception handlers; <see langword="null"/> if there are none.</summary>
    public HandlerTable? Handlers { get; init; }
}

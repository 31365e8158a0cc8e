// What an allocator knows of the target's registers. Numbers are 0..31 for integer and 32..63 for vector registers, so that a set of
// registers is one 64-bit mask.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>The target's registers.</summary>
internal sealed class RegisterFile
{
    /// <summary>First vector register.</summary>
    public const int FirstVector = 32;

    /// <summary>Integer registers that may be allocated, in order of preference: those that a call clobbers first.</summary>
    public required byte[] IntegerOrder { get; init; }

    /// <summary>Vector registers likewise.</summary>
    public required byte[] VectorOrder { get; init; }

    /// <summary>Registers that a function must leave as they were.</summary>
    public required ulong CalleeSaved { get; init; }

    /// <summary>Registers that a call clobbers.</summary>
    public required ulong CallClobbers { get; init; }

    /// <summary>Whether calls preserve registers where the collector finds them: managed references may stay in registers then.</summary>
    public bool KeepsReferences { get; init; }

    /// <summary>Clobber sets by <see cref="MachineInstruction.Clobbers"/>.</summary>
    public required ulong[] ClobberSets { get; init; }

    /// <summary>A vector register that is never allocated: moves go through it where they must.</summary>
    public required byte Scratch { get; init; }

    /// <summary>Whether a type lives in vector registers.</summary>
    public static bool IsVector(MachineType type) => type >= MachineType.F32;
}

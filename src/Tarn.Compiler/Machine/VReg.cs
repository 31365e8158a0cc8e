// A reference to a virtual register: an index with a type of its own. A table is indexed by what converts to int; an int, or a number of another kind, never becomes a virtual register by
// itself. So a value of the IR cannot be passed for the virtual register that holds it, nor the number of a physical register for a virtual one.
namespace Tarn.Compiler.Machine;

/// <summary>A virtual register: an index into <see cref="MachineFunction.Types"/>.</summary>
/// <param name="Index">The index, or a negative number for none.</param>
internal readonly record struct VReg(int Index)
{
    /// <summary>Gets the reference to no virtual register.</summary>
    public static VReg None => new(-1);

    /// <summary>Gets whether it refers to no virtual register.</summary>
    public bool IsNone => Index < 0;

    public static implicit operator int(VReg register) => register.Index;

    public static VReg operator ++(VReg register) => new(register.Index + 1);

    public static VReg operator --(VReg register) => new(register.Index - 1);

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "-" : $"v{Index}";
}

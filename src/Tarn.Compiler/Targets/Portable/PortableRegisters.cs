// The registers of register code: places in the frame of the function, so that calls preserve them all.
using Tarn.Compiler.Abi.Portable;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>Register file of register code.</summary>
internal static class PortableRegisters
{
    /// <summary>The file.</summary>
    public static RegisterFile File { get; } = new()
    {
        IntegerOrder = [.. Enumerable.Range(0, PortableConvention.IntegerRegisters).Select(r => (byte)r)],
        VectorOrder = [.. Enumerable.Range(RegisterFile.FirstVector + 1, PortableConvention.VectorRegisters - 1).Select(r => (byte)r)],
        CalleeSaved = 0,
        CallClobbers = 0,
        KeepsReferences = true,
        ClobberSets = [0],
        Scratch = RegisterFile.FirstVector,
    };
}

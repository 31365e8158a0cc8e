// The registers of x86-64 as the allocator sees them: integer registers have their hardware numbers, vector registers 32 more. rsp and r14
// (the VM context) are never allocated, xmm15 is the scratch register of moves and of emitted sequences. The order prefers what a
// call clobbers, and of those the ones that need no prefix.
using Tarn.Compiler.Abi.X64;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Targets.X64;

/// <summary>Register file of x86-64.</summary>
internal static class X64Registers
{
    /// <summary>Index of the clobber set of rax.</summary>
    public const int ClobberRax = 1;

    /// <summary>Index of the clobber set of rax and rdx.</summary>
    public const int ClobberRaxRdx = 2;

    /// <summary>Hardware number of rax.</summary>
    public const int Rax = 0;

    /// <summary>Hardware number of rcx.</summary>
    public const int Rcx = 1;

    /// <summary>Hardware number of rdx.</summary>
    public const int Rdx = 2;

    private const ulong AllVectors = 0xFFFFUL << RegisterFile.FirstVector;

    /// <summary>The file.</summary>
    public static RegisterFile File { get; } = new()
    {
        IntegerOrder = [0, 1, 2, 6, 7, 8, 9, 10, 11, 3, 5, 12, 13, 15],
        VectorOrder = [32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46],
        CalleeSaved = CallConvention.CalleeSavedMask,
        CallClobbers = (0xFFFFUL & ~(ulong)CallConvention.CalleeSavedMask & ~(1UL << CallConvention.VmContextRegister) & ~(1UL << 4)) | AllVectors,
        ClobberSets = [0, 1UL << Rax, (1UL << Rax) | (1UL << Rdx)],
        Scratch = 47,
    };
}

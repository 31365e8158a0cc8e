// Why: machine code is called from C functions and calls them, by a convention that differs between systems on the same processor. The guest's own convention does not.
namespace Tarn.Platform;

/// <summary>How C functions take their arguments on x86-64.</summary>
internal enum HostConvention
{
    /// <summary>Integers in rdi, rsi, rdx, rcx, r8, r9 and vectors in xmm0 to xmm7, counted apart; two results in rax and xmm0; vector registers are the caller's to save.</summary>
    SystemV,

    /// <summary>The first four arguments in rcx, rdx, r8, r9 or xmm0 to xmm3 by position; room for them above the return address; larger results by hidden pointer; rdi, rsi and xmm6 to xmm15 are preserved.</summary>
    Microsoft,
}

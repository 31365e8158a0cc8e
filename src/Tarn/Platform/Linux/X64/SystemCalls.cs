// Numbers of system calls for which the C library has no function of their own.
namespace Tarn.Platform.Linux.X64;

internal static class SystemCalls
{
    public const nint Futex = 202;
}

// Why: owns the file behind copy-on-write mappings. Mappings outlive it: the kernel keeps the pages while a mapping is there.
using Microsoft.Win32.SafeHandles;

namespace Tarn.Platform;

internal sealed class MemoryImage(SafeFileHandle handle, nuint length) : IDisposable
{
    public SafeFileHandle Handle { get; } = handle;

    /// <summary>A page multiple; the tail of the last page is zero.</summary>
    public nuint Length { get; } = length;

    public void Dispose() => Handle.Dispose();
}

// Whose a file is, which the framework does not tell: code is loaded only from what is the user's own.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tarn.Cli.Running;

[SupportedOSPlatform("linux")]
internal static unsafe partial class FileOwner
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint OwnerMask = 0x8; // STATX_UID
    private const int BufferSize = 256;
    private const int OwnerAt = 20; // stx_uid

    /// <summary>The user that this process acts as.</summary>
    public static uint Ours => GetEffectiveUser();

    /// <summary>The user that a file or directory belongs to; symbolic links are followed.</summary>
    public static bool TryGet(string path, out uint owner)
    {
        byte* buffer = stackalloc byte[BufferSize];
        bool found = StatX(CurrentDirectory, path, 0, OwnerMask, buffer) == 0;
        owner = found ? *(uint*)(buffer + OwnerAt) : 0;
        return found;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, byte* buffer);
}

// Whose a file is and who may write to it, which the framework tells only in part: code is loaded only from what is the user's own.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tarn.Caching;

[SupportedOSPlatform("linux")]
internal static unsafe partial class FileOwner
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint OwnerMask = 0xB; // STATX_TYPE | STATX_MODE | STATX_UID
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int ModeAt = 28; // stx_mode
    private const int BufferSize = 256;
    private const int OwnerAt = 20; // stx_uid

    /// <summary>The user that this process acts as.</summary>
    public static uint Ours => GetEffectiveUser();

    /// <summary>What a file, directory or symbolic link itself is.</summary>
    public static bool TryGet(string path, out Entry entry)
    {
        byte* buffer = stackalloc byte[BufferSize];
        bool found = StatX(CurrentDirectory, path, NoFollow, OwnerMask, buffer) == 0;
        entry = found ? new Entry(*(uint*)(buffer + OwnerAt), *(ushort*)(buffer + ModeAt)) : default;
        return found;
    }

    /// <summary>Owner, type and permissions.</summary>
    public readonly record struct Entry(uint Owner, int Mode)
    {
        private const int TypeMask = 0xf000;

        public bool IsLink => (Mode & TypeMask) == 0xa000;

        public bool IsDirectory => (Mode & TypeMask) == 0x4000;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, byte* buffer);
}

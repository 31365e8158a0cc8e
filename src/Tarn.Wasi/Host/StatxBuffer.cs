// struct statx, chosen over struct stat because its layout is the same on every architecture and C library.
//
//   0 mask  4 block size  8 attributes  16 links  20 uid  24 gid  28 mode  32 inode  40 size  48 blocks  56 attributes mask
//   64 access time  80 birth time  96 change time  112 modification time  128 rdev  136 dev major  140 dev minor  … 256
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct StatxBuffer
{
    [FieldOffset(16)]
    public uint Links;

    [FieldOffset(28)]
    public ushort Mode;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(40)]
    public ulong Size;

    [FieldOffset(64)]
    public long AccessSeconds;

    [FieldOffset(72)]
    public uint AccessNanoseconds;

    [FieldOffset(96)]
    public long ChangeSeconds;

    [FieldOffset(104)]
    public uint ChangeNanoseconds;

    [FieldOffset(112)]
    public long ModificationSeconds;

    [FieldOffset(120)]
    public uint ModificationNanoseconds;

    [FieldOffset(136)]
    public uint DeviceMajor;

    [FieldOffset(140)]
    public uint DeviceMinor;

    public readonly WasiFileType FileType => (Mode & 0xf000) switch
    {
        0x2000 => WasiFileType.CharacterDevice,
        0x4000 => WasiFileType.Directory,
        0x6000 => WasiFileType.BlockDevice,
        0x8000 => WasiFileType.RegularFile,
        0xa000 => WasiFileType.SymbolicLink,
        0xc000 => WasiFileType.StreamSocket,
        _ => WasiFileType.Unknown,
    };

    public readonly WasiFileStat ToStat() => new(
        ((ulong)DeviceMajor << 32) | DeviceMinor, Inode, FileType, Links, Size,
        Nanoseconds(AccessSeconds, AccessNanoseconds), Nanoseconds(ModificationSeconds, ModificationNanoseconds), Nanoseconds(ChangeSeconds, ChangeNanoseconds));

    // Times before 1970 have no representation in WASI.
    private static ulong Nanoseconds(long seconds, uint nanoseconds) => seconds < 0 ? 0 : ((ulong)seconds * 1_000_000_000) + nanoseconds;
}

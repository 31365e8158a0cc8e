// File systems whose files are the kernel's interfaces: /proc/self/mem is this process's memory, and writing to it goes through the protection of code. A guest that is
// given a directory above them must not get in, whatever its rights. Every descriptor that is opened for a guest passes here, also one of a single file that is mounted
// from such a file system; by the file system and not by the path, since a path can be mounted anywhere.
//
// It fails closed: what cannot be asked is not opened.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

internal static unsafe class KernelFileSystems
{
    private const int AccessDenied = 13;

    // statfs(2), linux/magic.h.
    private static ReadOnlySpan<uint> Types =>
    [
        0x9fa0, // proc
        0x62656572, // sysfs
        0x64626720, // debugfs
        0x74726163, // tracefs
        0x73636673, // securityfs
        0xcafe4a11, // bpf
        0x62656570, // configfs
        0xde5e81e4, // efivarfs
        0x42494e4d, // binfmt_misc
        0xf97cff8c, // selinux
        0x27e0eb, // cgroup
        0x63677270, // cgroup2
        0x6165676c, // pstore
        0x6e736673, // nsfs
    ];

    /// <summary>Lets a descriptor through, or closes it and leaves EACCES as the last error.</summary>
    /// <param name="opened">What opening returned; negative if it failed.</param>
    /// <returns>The descriptor, or −1.</returns>
    public static int Refuse(int opened)
    {
        const int StatBytes = 256;
        if (opened < 0)
            return opened;
        long* stat = stackalloc long[StatBytes / sizeof(long)];
        if (Libc.StatFileSystem(opened, stat) == 0 && !Types.Contains((uint)stat[0]))
            return opened;
        _ = Libc.Close(opened);
        Marshal.SetLastPInvokeError(AccessDenied);
        return -1;
    }
}

// Why: errno values in words, as they read for memory system calls. The numbers are those of Linux on x86-64 and arm64.
namespace Tarn.Platform.Linux;

internal static class Errno
{
    public const int OutOfMemory = 12;

    public static PlatformException Exception(string operation, nuint bytes, int error)
    {
        (string name, string meaning) = Describe(error);
        return new PlatformException(operation, bytes, error, name, meaning);
    }

    public static (string Name, string Meaning) Describe(int error) => error switch
    {
        1 => ("EPERM", "the operation is not permitted, or the file is sealed"),
        4 => ("EINTR", "a signal interrupted it"),
        5 => ("EIO", "an input or output error"),
        9 => ("EBADF", "the file descriptor is not valid"),
        11 => ("EAGAIN", "memory is locked beyond the limit, or the kernel is short of a resource"),
        OutOfMemory => ("ENOMEM", "not enough memory or address space, or the process has too many mappings (vm.max_map_count, ulimit -v)"),
        13 => ("EACCES", "access is denied (noexec mounts and security modules can forbid executable memory)"),
        14 => ("EFAULT", "an address is not accessible"),
        19 => ("ENODEV", "the file cannot be mapped"),
        22 => ("EINVAL", "an address, size or flag is not valid (not page-aligned, zero, or too large)"),
        23 => ("ENFILE", "the system has too many open files"),
        24 => ("EMFILE", "the process has too many open files (ulimit -n)"),
        27 => ("EFBIG", "the file would be too large"),
        28 => ("ENOSPC", "no space is left for shared memory"),
        38 => ("ENOSYS", "the kernel does not know this system call, or a sandbox forbids it"),
        75 => ("EOVERFLOW", "address plus size is out of range"),
        _ => ($"errno {error}", "see errno(3)"),
    };
}

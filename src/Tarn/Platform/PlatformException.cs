// Why: a system call that fails says which one, with what sizes and why, in words; "mmap failed: 12" helps nobody. Made only from an errno
// that was read right after the call.
namespace Tarn.Platform;

/// <summary>The operating system refused something the runtime needs: address space, memory, protection.</summary>
public sealed class PlatformException : Exception
{
    internal PlatformException(string operation, ulong bytes, int error, string errorName, string meaning)
        : base($"{operation} ({bytes:N0} bytes) failed: {errorName} ({error}), {meaning}.")
    {
        Operation = operation;
        Bytes = bytes;
        Error = error;
        ErrorName = errorName;
    }

    /// <summary>What was attempted, with the system call's name.</summary>
    public string Operation { get; }

    /// <summary>How many bytes were asked for; 0 where sizes play no part.</summary>
    public ulong Bytes { get; }

    /// <summary>The operating system's error number.</summary>
    public int Error { get; }

    /// <summary>The error's symbolic name, such as <c>ENOMEM</c>.</summary>
    public string ErrorName { get; }
}

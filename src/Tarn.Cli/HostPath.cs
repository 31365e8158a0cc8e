// A path of the user's as the framework can take it. The framework's paths are text: names in other bytes, also that of the current directory, are opened by the system's own call, and
// what was opened has a name in /proc that is text. Everything else passes through.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tarn.Wasi;

namespace Tarn.Cli;

internal sealed partial class HostPath : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int CreateToWrite = 0x241; // O_WRONLY | O_CREAT | O_TRUNC
    private const uint FileMode = 0x1b6; // rw-rw-rw-, less the umask
    private readonly SafeFileHandle? _opened;

    private HostPath(string path, int flags)
    {
        Usable = path;
        if (!OperatingSystem.IsLinux() || IsPlain(path))
            return;
        int opened = Open([.. WasiText.ToBytes(path), 0], flags | CloseOnExec, FileMode);
        if (opened < 0)
            throw new IOException($"{WasiText.Display(path)}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        _opened = new SafeFileHandle(opened, ownsHandle: true);
        Usable = $"/proc/self/fd/{opened}";
    }

    /// <summary>The path to give to the framework, until this is disposed.</summary>
    public string Usable { get; }

    /// <summary>A file or directory that is there.</summary>
    public static HostPath ForReading(string path) => new(path, 0);

    /// <summary>A file to be written, which is made or emptied.</summary>
    public static HostPath ForWriting(string path) => new(path, CreateToWrite);

    /// <summary>Writes a file as a whole.</summary>
    public static void WriteAllBytes(string path, byte[] bytes)
    {
        using HostPath target = ForWriting(path);
        File.WriteAllBytes(target.Usable, bytes);
    }

    public void Dispose() => _opened?.Dispose();

    private static bool IsPlain(string path) =>
        WasiText.IsUnicode(path) && (Path.IsPathRooted(path) || !Environment.CurrentDirectory.Contains('\uFFFD', StringComparison.Ordinal));

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int Open(byte[] path, int flags, uint mode);
}

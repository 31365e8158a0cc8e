// A directory that a guest starts with. The guest finds it by its name; what it may do there is said by rights.
using Tarn.Wasi.Host;

namespace Tarn.Wasi;

/// <summary>A directory that guests start with.</summary>
public sealed record WasiPreopen
{
    private WasiPreopen(string guestPath, Func<WasiDirectory> open, WasiRights rights)
    {
        ArgumentException.ThrowIfNullOrEmpty(guestPath);
        if (guestPath.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("The name of a preopened directory holds a zero character, at which guests would cut it.", nameof(guestPath));
        _ = WasiText.ToBytes(guestPath);
        GuestPath = guestPath;
        Open = open;
        Rights = rights;
    }

    /// <summary>What the guest calls it: <c>/</c>, <c>/data</c>, <c>.</c>.</summary>
    public string GuestPath { get; }

    /// <summary>What the guest may do with it and with everything under it.</summary>
    public WasiRights Rights { get; }

    internal Func<WasiDirectory> Open { get; }

    /// <summary>A directory of the host.</summary>
    /// <param name="hostPath">Its path; opened anew for each context. Bytes that are not UTF-8 are written as <see cref="WasiText"/> says.</param>
    /// <param name="guestPath">What the guest calls it.</param>
    /// <param name="rights">What the guest may do there.</param>
    public static WasiPreopen Host(string hostPath, string guestPath, WasiRights rights = WasiRights.All)
    {
        ArgumentException.ThrowIfNullOrEmpty(hostPath);
        string path = FullPath(hostPath);
        return new WasiPreopen(guestPath, () => OpenHost(path), rights);
    }

    /// <summary>An in-memory file system's root.</summary>
    /// <param name="fileSystem">Contexts that name the same one share it.</param>
    /// <param name="guestPath">What the guest calls it.</param>
    /// <param name="rights">What the guest may do there.</param>
    public static WasiPreopen Memory(WasiMemoryFileSystem fileSystem, string guestPath, WasiRights rights = WasiRights.All)
    {
        ArgumentNullException.ThrowIfNull(fileSystem);
        return new WasiPreopen(guestPath, fileSystem.OpenRoot, rights);
    }

    /// <summary>A directory of a file system of one's own.</summary>
    /// <param name="open">Opens it for a context, which disposes it.</param>
    /// <param name="guestPath">What the guest calls it.</param>
    /// <param name="rights">What the guest may do there.</param>
    public static WasiPreopen Virtual(Func<WasiDirectory> open, string guestPath, WasiRights rights = WasiRights.All)
    {
        ArgumentNullException.ThrowIfNull(open);
        return new WasiPreopen(guestPath, open, rights);
    }

    // The framework's current directory has lost the bytes of its name that are not UTF-8.
    private static string FullPath(string path) => OperatingSystem.IsLinux() && !Path.IsPathRooted(path)
        ? Path.GetFullPath(path, HostDirectory.Current())
        : Path.GetFullPath(path);

    private static HostDirectory OpenHost(string path) => OperatingSystem.IsLinux()
        ? HostDirectory.Open(path)
        : throw new PlatformNotSupportedException("Directories of the host can be given to guests on Linux only so far.");
}

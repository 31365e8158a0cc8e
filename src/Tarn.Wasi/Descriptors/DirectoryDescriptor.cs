// An open directory, and the listing that a guest is in the middle of: cookies are positions in it, so that a listing neither repeats nor loses entries
// that are there throughout, whatever else comes and goes.
//
// A directory always says that it passes on SyncData. wasi-libc asks for the rights of an access mode as far as the directory passes them on: of O_RDWR in a directory for reading only
// O_RDONLY would be left, and the program would hear of it when its first write fails, or never. SyncData is what is left then; it is part of the modes that write and of no other,
// in every toolchain, so who asks for it wants to write, and is told at once that it may not (PathFunctions.Open). It is granted with Write alone.
namespace Tarn.Wasi.Descriptors;

internal sealed class DirectoryDescriptor(WasiDirectory directory, WasiRights rights, WasiRights inheriting, bool isReadOnly, byte[]? preopenName = null)
    : Descriptor(rights, inheriting | WasiRights.SyncData)
{
    /// <summary>Rights by which something is changed.</summary>
    public const WasiRights Changing = WasiRights.Write | WasiRights.Allocate | WasiRights.CreateDirectory | WasiRights.CreateFile | WasiRights.LinkSource | WasiRights.LinkTarget
        | WasiRights.RenameSource | WasiRights.RenameTarget | WasiRights.PathSetSize | WasiRights.PathSetTimes | WasiRights.SetSize | WasiRights.SetTimes
        | WasiRights.SymbolicLink | WasiRights.RemoveDirectory | WasiRights.UnlinkFile;

    public const WasiRights AllRights = WasiRights.SetFlags | WasiRights.Sync | WasiRights.SyncData | WasiRights.Advise | WasiRights.CreateDirectory
        | WasiRights.CreateFile | WasiRights.LinkSource | WasiRights.LinkTarget | WasiRights.OpenPath | WasiRights.ReadDirectory | WasiRights.ReadLink
        | WasiRights.RenameSource | WasiRights.RenameTarget | WasiRights.PathGetStat | WasiRights.PathSetSize | WasiRights.PathSetTimes
        | WasiRights.GetStat | WasiRights.SetTimes | WasiRights.SymbolicLink | WasiRights.RemoveDirectory | WasiRights.UnlinkFile | WasiRights.Poll;

    public WasiDirectory Directory { get; } = directory;

    /// <summary>
    /// Whether the embedder lets nothing be changed in it and below. That is a read-only file system to the guest; rights that it had and gave up are missing capabilities.
    /// </summary>
    public bool IsReadOnly { get; } = isReadOnly;

    /// <summary>What the guest calls it if it is preopened, in bytes.</summary>
    public byte[]? PreopenName { get; } = preopenName;

    /// <summary>Kept by <see cref="DirectoryListings"/>, which may let go of it.</summary>
    public IReadOnlyList<WasiDirectoryEntry>? Listing { get; set; }

    public override WasiFileType FileType => WasiFileType.Directory;

    public override WasiErrno GetStat(out WasiFileStat stat) => Directory.GetStat(out stat);

    public override ValueTask<WasiErrno> SyncAsync(bool dataOnly, CancellationToken cancellationToken) => ValueTask.FromResult(Directory.Sync(dataOnly));

    public override void Dispose()
    {
        Listing = null;
        Directory.Dispose();
    }
}

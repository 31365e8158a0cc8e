// An open directory, and the listing that a guest is in the middle of: cookies are positions in it, so that a listing neither repeats nor loses entries
// that are there throughout, whatever else comes and goes.
namespace Tarn.Wasi.Descriptors;

internal sealed class DirectoryDescriptor(WasiDirectory directory, WasiRights rights, WasiRights inheriting, string? preopenName = null)
    : Descriptor(rights, inheriting)
{
    public const WasiRights AllRights = WasiRights.SetFlags | WasiRights.Sync | WasiRights.SyncData | WasiRights.Advise | WasiRights.CreateDirectory
        | WasiRights.CreateFile | WasiRights.LinkSource | WasiRights.LinkTarget | WasiRights.OpenPath | WasiRights.ReadDirectory | WasiRights.ReadLink
        | WasiRights.RenameSource | WasiRights.RenameTarget | WasiRights.PathGetStat | WasiRights.PathSetSize | WasiRights.PathSetTimes
        | WasiRights.GetStat | WasiRights.SetTimes | WasiRights.SymbolicLink | WasiRights.RemoveDirectory | WasiRights.UnlinkFile | WasiRights.Poll;

    public WasiDirectory Directory { get; } = directory;

    /// <summary>What the guest calls it if it is preopened.</summary>
    public string? PreopenName { get; } = preopenName;

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

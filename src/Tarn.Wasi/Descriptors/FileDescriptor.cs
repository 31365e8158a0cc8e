// An open file and the position that reads and writes move.
namespace Tarn.Wasi.Descriptors;

internal sealed class FileDescriptor(WasiFile file, WasiRights rights, WasiRights inheriting) : Descriptor(rights, inheriting)
{
    public const WasiRights AllRights = WasiRights.SyncData | WasiRights.Read | WasiRights.Seek | WasiRights.SetFlags | WasiRights.Sync | WasiRights.Tell
        | WasiRights.Write | WasiRights.Advise | WasiRights.Allocate | WasiRights.GetStat | WasiRights.SetSize | WasiRights.SetTimes | WasiRights.Poll;

    public WasiFile File { get; } = file;

    public ulong Position { get; set; }

    public override WasiFileType FileType => File.FileType;

    public override WasiErrno GetStat(out WasiFileStat stat) => File.GetStat(out stat);

    public override ValueTask<WasiErrno> SyncAsync(bool dataOnly, CancellationToken cancellationToken) => ValueTask.FromResult(File.Sync(dataOnly));

    public override bool IsReady(bool forWriting, out ulong bytes)
    {
        bytes = 1;
        if (!forWriting && File.IsSeekable && File.GetStat(out WasiFileStat stat) == WasiErrno.Success)
            bytes = stat.Size > Position ? stat.Size - Position : 0;
        return true;
    }

    public override void Dispose() => File.Dispose();
}

// One entry of a guest's descriptor table.
namespace Tarn.Wasi.Descriptors;

internal abstract class Descriptor(WasiRights rights, WasiRights inheriting) : IDisposable
{
    public WasiRights Rights { get; set; } = rights;

    public WasiRights Inheriting { get; set; } = inheriting;

    public DescriptorFlags Flags { get; set; }

    public abstract WasiFileType FileType { get; }

    public virtual WasiErrno GetStat(out WasiFileStat stat)
    {
        stat = new WasiFileStat(0, 0, FileType, 1, 0, 0, 0, 0);
        return WasiErrno.Success;
    }

    public virtual ValueTask<WasiErrno> SyncAsync(bool dataOnly, CancellationToken cancellationToken) => ValueTask.FromResult(WasiErrno.Success);

    /// <summary>Whether a read or write would not wait, and how many bytes it might give or take.</summary>
    public virtual bool IsReady(bool forWriting, out ulong bytes)
    {
        bytes = 0;
        return true;
    }

    /// <summary>Whether the writer has closed and everything was read. Asked after <see cref="IsReady"/>.</summary>
    public virtual bool IsHungUp => false;

    /// <summary>Waits until <see cref="IsReady"/>.</summary>
    public virtual Task WaitAsync(bool forWriting, CancellationToken cancellationToken) => Task.CompletedTask;

    public abstract void Dispose();
}

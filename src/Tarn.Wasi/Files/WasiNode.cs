// An open file or directory. Operations answer with an error number and give their results through out parameters: what goes wrong with a file is for
// the guest to deal with. An exception of an implementation becomes EIO or the like at the border, never a crash.
namespace Tarn.Wasi;

/// <summary>An open file or directory of a file system that guests may see. Used by one guest at a time.</summary>
public abstract class WasiNode : IDisposable
{
    /// <summary>The node's attributes.</summary>
    public abstract WasiErrno GetStat(out WasiFileStat stat);

    /// <summary>Sets the time stamps.</summary>
    public virtual WasiErrno SetTimes(WasiTime access, WasiTime modification) => WasiErrno.NotSupported;

    /// <summary>Writes what is pending to the storage.</summary>
    /// <param name="dataOnly">Whether attributes may stay behind.</param>
    public virtual WasiErrno Sync(bool dataOnly) => WasiErrno.Success;

    /// <summary>Closes the node.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the node.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

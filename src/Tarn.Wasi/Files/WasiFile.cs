// An open file. Positions are the caller's business: every access says where, so that one open file has no state that two descriptors could fight over.
namespace Tarn.Wasi;

/// <summary>An open file.</summary>
public abstract class WasiFile : WasiNode
{
    /// <summary>Whether accesses may say where. Otherwise offsets are ignored: a pipe, a terminal.</summary>
    public virtual bool IsSeekable => true;

    /// <summary>What the file is.</summary>
    public virtual WasiFileType FileType => WasiFileType.RegularFile;

    /// <summary>Reads bytes.</summary>
    /// <param name="offset">Where, in bytes from the start.</param>
    /// <param name="buffer">Filled from its start.</param>
    /// <param name="read">How many bytes were read; 0 at the end of the file.</param>
    public abstract WasiErrno Read(ulong offset, Span<byte> buffer, out int read);

    /// <summary>Writes bytes; a gap before them reads as zero.</summary>
    /// <param name="offset">Where, in bytes from the start.</param>
    /// <param name="data">What.</param>
    /// <param name="written">How many bytes were written.</param>
    public virtual WasiErrno Write(ulong offset, ReadOnlySpan<byte> data, out int written)
    {
        written = 0;
        return WasiErrno.ReadOnlyFileSystem;
    }

    /// <summary>Writes bytes at the end, in one step where several write.</summary>
    public virtual WasiErrno Append(ReadOnlySpan<byte> data, out int written)
    {
        WasiErrno errno = GetStat(out WasiFileStat stat);
        written = 0;
        return errno == WasiErrno.Success ? Write(stat.Size, data, out written) : errno;
    }

    /// <summary>Cuts or extends the file.</summary>
    /// <param name="size">Its size from now on, in bytes.</param>
    public virtual WasiErrno SetSize(ulong size) => WasiErrno.ReadOnlyFileSystem;

    /// <summary>Makes sure that a range can be written to; extends the file if the range ends beyond it.</summary>
    public virtual WasiErrno Allocate(ulong offset, ulong length) => WasiErrno.NotSupported;
}

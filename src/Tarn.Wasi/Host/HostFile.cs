// An open file of the host. Reads and writes say where (pread, pwrite), so the kernel's file position plays no part; pipes and devices that have no
// positions are told by ESPIPE and read and written in sequence.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tarn.Wasi.Host;

[SupportedOSPlatform("linux")]
internal sealed unsafe class HostFile : WasiFile
{
    private int _descriptor;

    public HostFile(int descriptor, WasiFileType type)
    {
        _descriptor = descriptor;
        FileType = type;
    }

    ~HostFile() => Dispose(false);

    public override bool IsSeekable => FileType is WasiFileType.RegularFile or WasiFileType.BlockDevice;

    public override WasiFileType FileType { get; }

    private int Descriptor => _descriptor >= 0 ? _descriptor : throw new ObjectDisposedException(nameof(HostFile));

    public override WasiErrno GetStat(out WasiFileStat stat)
    {
        StatxBuffer buffer;
        int result = Libc.StatX(Descriptor, "", Libc.AtEmptyPath, Libc.StatxBasicStats, &buffer);
        stat = result < 0 ? default : buffer.ToStat();
        return LinuxErrno.Of(result);
    }

    public override WasiErrno Read(ulong offset, Span<byte> buffer, out int read)
    {
        read = 0;
        if (offset > long.MaxValue)
            return WasiErrno.Invalid;
        fixed (byte* start = buffer)
        {
            while (true)
            {
                nint count = IsSeekable
                    ? Libc.ReadAt(Descriptor, start, (nuint)buffer.Length, (long)offset)
                    : Libc.Read(Descriptor, start, (nuint)buffer.Length);
                if (count >= 0)
                {
                    read = (int)count;
                    return WasiErrno.Success;
                }
                if (Marshal.GetLastPInvokeError() != LinuxErrno.Interrupted)
                    return LinuxErrno.Last();
            }
        }
    }

    public override WasiErrno Write(ulong offset, ReadOnlySpan<byte> data, out int written)
    {
        written = 0;
        if (offset > long.MaxValue)
            return WasiErrno.FileTooBig;
        fixed (byte* start = data)
        {
            while (true)
            {
                nint count = IsSeekable
                    ? Libc.WriteAt(Descriptor, start, (nuint)data.Length, (long)offset)
                    : Libc.Write(Descriptor, start, (nuint)data.Length);
                if (count >= 0)
                {
                    written = (int)count;
                    return WasiErrno.Success;
                }
                if (Marshal.GetLastPInvokeError() != LinuxErrno.Interrupted)
                    return LinuxErrno.Last();
            }
        }
    }

    public override WasiErrno Append(ReadOnlySpan<byte> data, out int written)
    {
        if (!IsSeekable)
            return Write(0, data, out written);
        written = 0;
        fixed (byte* start = data)
        {
            var vector = new IoVector { Address = start, Length = (nuint)data.Length };
            while (true)
            {
                nint count = Libc.WriteVectorAt(Descriptor, &vector, 1, 0, Libc.AppendToEnd);
                if (count >= 0)
                {
                    written = (int)count;
                    return WasiErrno.Success;
                }
                if (Marshal.GetLastPInvokeError() != LinuxErrno.Interrupted)
                    return LinuxErrno.Last();
            }
        }
    }

    public override WasiErrno SetSize(ulong size) => size > long.MaxValue ? WasiErrno.FileTooBig : LinuxErrno.Of(Libc.SetSize(Descriptor, (long)size));

    public override WasiErrno Allocate(ulong offset, ulong length)
    {
        if (offset > long.MaxValue || length > long.MaxValue - offset)
            return WasiErrno.FileTooBig;
        while (true)
        {
            WasiErrno errno = LinuxErrno.Of(Libc.Allocate(Descriptor, 0, (long)offset, (long)length));
            if (errno != WasiErrno.Interrupted)
                return errno;
        }
    }

    public override WasiErrno SetTimes(WasiTime access, WasiTime modification)
    {
        TimeSpecification* times = stackalloc TimeSpecification[2];
        times[0] = TimeSpecification.From(access);
        times[1] = TimeSpecification.From(modification);
        return LinuxErrno.Of(Libc.SetTimes(Descriptor, times));
    }

    public override WasiErrno Sync(bool dataOnly) => LinuxErrno.Of(dataOnly ? Libc.SyncData(Descriptor) : Libc.Sync(Descriptor));

    protected override void Dispose(bool disposing)
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
            _ = Libc.Close(descriptor);
        base.Dispose(disposing);
    }
}

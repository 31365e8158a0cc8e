// An open file of an in-memory file system.
namespace Tarn.Wasi.InMemory;

internal sealed class MemoryFile : WasiFile
{
    private readonly WasiMemoryFileSystem _system;
    private readonly MemoryFileNode _node;
    private bool _disposed;

    public MemoryFile(WasiMemoryFileSystem system, MemoryFileNode node)
    {
        _system = system;
        _node = node;
        node.Handles++;
    }

    public override WasiErrno GetStat(out WasiFileStat stat)
    {
        lock (_system.Lock)
            stat = _node.StatOn(_system.Device);
        return WasiErrno.Success;
    }

    public override WasiErrno Read(ulong offset, Span<byte> buffer, out int read)
    {
        lock (_system.Lock)
        {
            read = offset >= (ulong)_node.Length ? 0 : Math.Min(buffer.Length, _node.Length - (int)offset);
            if (read > 0)
                _node.Read((int)offset, buffer[..read]);
        }
        return WasiErrno.Success;
    }

    public override WasiErrno Write(ulong offset, ReadOnlySpan<byte> data, out int written)
    {
        lock (_system.Lock)
            return WriteLocked(offset, data, out written);
    }

    public override WasiErrno Append(ReadOnlySpan<byte> data, out int written)
    {
        lock (_system.Lock)
            return WriteLocked((ulong)_node.Length, data, out written);
    }

    public override WasiErrno SetSize(ulong size)
    {
        lock (_system.Lock)
            return size > (ulong)Array.MaxLength ? WasiErrno.FileTooBig : Changed(_system.Resize(_node, (long)size));
    }

    public override WasiErrno Allocate(ulong offset, ulong length)
    {
        lock (_system.Lock)
        {
            if (offset > (ulong)Array.MaxLength || length > (ulong)Array.MaxLength - offset)
                return WasiErrno.FileTooBig;
            long end = (long)(offset + length);
            return end <= _node.Length ? WasiErrno.Success : Changed(_system.Resize(_node, end));
        }
    }

    public override WasiErrno SetTimes(WasiTime access, WasiTime modification)
    {
        lock (_system.Lock)
            return _node.SetTimes(access, modification, _system.Now);
    }

    protected override void Dispose(bool disposing)
    {
        lock (_system.Lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _node.Handles--;
                _system.Release(_node);
            }
        }
        base.Dispose(disposing);
    }

    private WasiErrno WriteLocked(ulong offset, ReadOnlySpan<byte> data, out int written)
    {
        written = 0;
        if (data.Length == 0)
            return WasiErrno.Success;
        if (offset > (ulong)Array.MaxLength || data.Length > Array.MaxLength - (int)offset)
            return WasiErrno.FileTooBig;
        int end = (int)offset + data.Length;
        if (end > _node.Length && _system.Resize(_node, end) is WasiErrno errno and not WasiErrno.Success)
            return errno;
        _node.Write((int)offset, data);
        written = data.Length;
        return Changed(WasiErrno.Success);
    }

    private WasiErrno Changed(WasiErrno errno)
    {
        if (errno == WasiErrno.Success)
            _node.ModificationTime = _node.ChangeTime = _system.Now;
        return errno;
    }
}

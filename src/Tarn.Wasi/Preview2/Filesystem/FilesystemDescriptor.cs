// A descriptor of wasi:filesystem: an entry of the guest's descriptor table, whose limit and rights are those of preview 1.
using Tarn.Wasi.Descriptors;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Filesystem;

/// <summary>The object behind a descriptor.</summary>
internal sealed class FilesystemDescriptor : IDisposable
{
    private readonly WasiContext _context;
    private readonly int _number;
    private readonly SharedFile? _file;

    public FilesystemDescriptor(WasiContext context, int number)
    {
        _context = context;
        _number = number;
        _context.Descriptors.TryGet(number, out Descriptor? descriptor);
        Descriptor = descriptor!;
        if (descriptor is FileDescriptor file)
            _file = new SharedFile(context, number, file);
    }

    public Descriptor Descriptor { get; }

    public WasiNode Node => (Descriptor as FileDescriptor)?.File ?? (WasiNode)((DirectoryDescriptor)Descriptor).Directory;

    /// <summary>The file, if it has certain rights.</summary>
    public WasiErrno File(WasiRights needed, out SharedFile file)
    {
        file = _file!;
        if (_file is null)
            return WasiErrno.IsDirectory;
        return (Descriptor.Rights & needed) == needed ? WasiErrno.Success : WasiErrno.NotPermitted;
    }

    /// <summary>The directory, if it has certain rights.</summary>
    public WasiErrno Directory(WasiRights needed, out DirectoryDescriptor directory) => _context.Descriptors.GetDirectory(_number, needed, out directory);

    /// <summary>Whether it has certain rights.</summary>
    public WasiErrno Check(WasiRights needed) => _context.Descriptors.Get(_number, needed, out _);

    /// <summary>Drops the descriptor; a file stays open for its streams.</summary>
    public void Dispose()
    {
        if (_file is not null)
            _file.Release();
        else
            _context.Descriptors.Close(_number);
    }
}

/// <summary>The object behind a stream of directory entries: a descriptor of its own, so that listings are bounded as those of preview 1 are.</summary>
internal sealed class DirectoryEntryStream(WasiContext context, int number, DirectoryDescriptor directory) : IDisposable
{
    /// <summary>The position in the listing.</summary>
    public int Position { get; set; }

    public DirectoryDescriptor Directory => directory;

    public void Dispose() => context.Descriptors.Close(number);
}

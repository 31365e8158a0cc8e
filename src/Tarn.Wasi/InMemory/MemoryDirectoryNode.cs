// A directory: names in ordinal order, so that listings are the same on every run.
namespace Tarn.Wasi.InMemory;

internal sealed class MemoryDirectoryNode(ulong inode, ulong now) : MemoryNode(inode, now)
{
    public SortedDictionary<string, MemoryNode> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>The directory that holds it; null for the root and after it was removed.</summary>
    public MemoryDirectoryNode? Parent { get; set; }

    /// <summary>Whether it was removed while open: nothing can be made in it then.</summary>
    public bool Removed { get; set; }

    public override WasiFileType FileType => WasiFileType.Directory;

    public override long Size => Entries.Count;
}

// A symbolic link: text, whose size is that of what guests read, in bytes.

namespace Tarn.Wasi.InMemory;

internal sealed class MemoryLinkNode(ulong inode, ulong now, string target) : MemoryNode(inode, now)
{
    public string Target { get; } = target;

    public override WasiFileType FileType => WasiFileType.SymbolicLink;

    public override long Size { get; } = WasiText.ByteCount(target);
}

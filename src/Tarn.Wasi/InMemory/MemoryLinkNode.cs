// A symbolic link: text.
namespace Tarn.Wasi.InMemory;

internal sealed class MemoryLinkNode(ulong inode, ulong now, string target) : MemoryNode(inode, now)
{
    public string Target { get; } = target;

    public override WasiFileType FileType => WasiFileType.SymbolicLink;

    public override long Size => Target.Length;
}

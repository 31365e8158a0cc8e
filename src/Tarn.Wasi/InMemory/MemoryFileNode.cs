// Contents of a file in one growing array.
namespace Tarn.Wasi.InMemory;

internal sealed class MemoryFileNode(ulong inode, ulong now) : MemoryNode(inode, now)
{
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public override WasiFileType FileType => WasiFileType.RegularFile;

    public override long Size => Length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    public Span<byte> Range(int offset, int count) => _bytes.AsSpan(offset, count);

    /// <summary>Cuts or extends; new bytes are zero.</summary>
    public void Resize(int length)
    {
        if (length > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(length, _bytes.Length * 2L)));
        else if (length < Length)
            _bytes.AsSpan(length, Length - length).Clear();
        Length = length;
    }
}

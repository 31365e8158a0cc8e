// Contents of a file, in pieces. One array for all of it would hold up to twice, and while it grows three times, what the file is long; and a file that was cut would keep
// what it once had. Capacity counts lengths, so memory has to follow them:
//   - a piece is made when something is written to it and is only as long as that needs, or up to twice as long while it is shorter than a whole piece;
//   - what is missing of a piece, or all of it, reads as zeros, and so does everything behind the file's end when the file grows over it again;
//   - cutting lets go of every piece behind the end.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.InMemory;

internal sealed class MemoryFileNode(ulong inode, ulong now) : MemoryNode(inode, now)
{
    private const int PieceSize = 64 << 10;
    private readonly List<byte[]?> _pieces = [];

    public int Length { get; private set; }

    public override WasiFileType FileType => WasiFileType.RegularFile;

    public override long Size => Length;

    /// <summary>Copies out a range that is within the file.</summary>
    public void Read(int offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int within = offset % PieceSize;
            Span<byte> part = destination[..Math.Min(destination.Length, PieceSize - within)];
            ReadOnlySpan<byte> piece = _pieces[offset / PieceSize];
            ReadOnlySpan<byte> there = within < piece.Length ? piece[within..Math.Min(piece.Length, within + part.Length)] : [];
            there.CopyTo(part);
            part[there.Length..].Clear();
            offset += part.Length;
            destination = destination[part.Length..];
        }
    }

    /// <summary>Copies into a range that is within the file.</summary>
    public void Write(int offset, ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            int within = offset % PieceSize;
            int count = Math.Min(data.Length, PieceSize - within);
            data[..count].CopyTo(Piece(offset / PieceSize, within + count).AsSpan(within));
            offset += count;
            data = data[count..];
        }
    }

    /// <summary>All of it.</summary>
    public byte[] ToArray()
    {
        byte[] all = new byte[Length];
        Read(0, all);
        return all;
    }

    /// <summary>Cuts or extends; new bytes are zero.</summary>
    public void Resize(int length)
    {
        int pieces = (int)(((long)length + PieceSize - 1) / PieceSize);
        if (length < Length)
        {
            _pieces.RemoveRange(pieces, _pieces.Count - pieces);
            _pieces.TrimExcess();
            int within = length % PieceSize;
            if (within > 0 && _pieces[^1] is byte[] last && last.Length > within)
            {
                last.AsSpan(within).Clear();
                if (last.Length / 2 > within)
                    _pieces[^1] = last[..within];
            }
        }
        CollectionsMarshal.SetCount(_pieces, pieces);
        Length = length;
    }

    private byte[] Piece(int index, int end)
    {
        byte[]? piece = _pieces[index];
        if (piece is null || piece.Length < end)
        {
            Array.Resize(ref piece, Math.Min(PieceSize, Math.Max(end, 2 * (piece?.Length ?? 0))));
            _pieces[index] = piece;
        }
        return piece;
    }
}

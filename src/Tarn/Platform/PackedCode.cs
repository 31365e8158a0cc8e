// Why: code comes in pieces that are smaller than a page (a function that is compiled when it is first called, the stubs of a signature), and each as a block of its
// own would cost a page of memory, two changes of protection and their interrupts to other processors. So pieces share blocks: a block is made executable once,
// full of breakpoints, and pieces are written into it afterwards through VirtualMemory.TryWriteCode, which needs no writable mapping. Where the system cannot do
// that, each piece has a block to itself.
//
// Invariants: pieces begin at multiples of a granule and are followed by at least one byte of filler, so that the return address behind a last call
// belongs to no other piece; a piece is found (in the table of its block, an entry for each granule) only after its code is in place, and nobody
// jumps to it before it is found. The lock covers the books and the writing, not the making of code. All operations are logarithmic in the free ranges of a block
// and constant in the number of pieces and blocks.
namespace Tarn.Platform;

internal sealed unsafe class PackedCode(CodeArena arena, VirtualMemory memory, int largestBlock = 64 << 10) : IDisposable
{
    private const int Granule = 32;

    // Blocks with room that are tried for a piece; older ones are used again when pieces of them come back.
    private const int OpenBlocksAtMost = 8;

    private readonly Lock _lock = new();
    private readonly HashSet<PackedBlock> _blocks = [];
    private readonly List<PackedBlock> _open = [];
    private int _nextBlock = (int)memory.PageSize;
    private bool _disposed;

    /// <summary>Blocks of the arena that the pieces take.</summary>
    public int BlockCount
    {
        get
        {
            lock (_lock)
                return _blocks.Count;
        }
    }

    /// <summary>Finds room for code, whose address the code may depend on.</summary>
    /// <exception cref="InsufficientMemoryException">The arena is full.</exception>
    public CodePiece Allocate(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        int granules = (bytes / Granule) + 1;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (int i = _open.Count - 1; i >= 0; i--)
            {
                if (_open[i].Free.TryAllocate(granules, out long found))
                    return new CodePiece(_open[i].Block, (int)found * Granule, bytes);
            }
            PackedBlock made = Add(granules);
            _ = made.Free.TryAllocate(granules, out long start);
            return new CodePiece(made.Block, (int)start * Granule, bytes);
        }
    }

    /// <summary>Puts code in its place, executable and known to <see cref="CodeArena.Find"/>.</summary>
    public void Publish(CodePiece piece, ReadOnlySpan<byte> code, CodeOwner owner)
    {
        if (code.Length != piece.Length)
            throw new ArgumentException($"{code.Length} bytes of code do not fit a piece of {piece.Length}", nameof(code));
        piece.Owner = owner;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var block = (PackedBlock)piece.Block.Owner!;
            if (block.IsWritten)
            {
                if (!memory.TryWriteCode(piece.Address, code))
                    throw new PlatformException("writing machine code", (nuint)code.Length, 0, "EIO", "the system did so before and refuses now");
            }
            else
            {
                code.CopyTo(new Span<byte>(piece.Address, piece.Length));
                arena.Publish(piece.Block, block);
                block.IsWritten = true;
            }
            block.Set(piece, piece);
        }
    }

    /// <summary>Takes a piece back, published or not. No thread may be running in it.</summary>
    public void Free(CodePiece piece)
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            var block = (PackedBlock)piece.Block.Owner!;
            block.Set(piece, null);
            // Nothing of old code can be run. Where that is refused, the next piece is refused too.
            if (block.IsWritten && block.CanBeShared)
                _ = memory.TryWriteCode(piece.Address, FillerOf(piece.Length));
            block.Free.Free(piece.Start / Granule, (piece.Length / Granule) + 1);
            if (block.Free.FreeBytes == block.Free.Length)
            {
                _blocks.Remove(block);
                _open.Remove(block);
                arena.Free(block.Block);
            }
            else if (block.CanBeShared && !_open.Contains(block))
            {
                Open(block);
            }
        }
    }

    /// <summary>Takes all pieces back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (PackedBlock block in _blocks)
                arena.Free(block.Block);
            _blocks.Clear();
            _open.Clear();
        }
    }

    private byte[] FillerOf(int length)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(arena.Filler);
        return bytes;
    }

    // Blocks double, so that a module of which little runs takes little and one of which much runs has few.
    private PackedBlock Add(int granules)
    {
        bool isShared = memory.CanWriteCode;
        int bytes = (int)memory.RoundUp((nuint)(granules * Granule));
        if (isShared)
        {
            bytes = Math.Max(bytes, _nextBlock);
            _nextBlock = Math.Min(_nextBlock * 2, largestBlock);
        }
        CodeBlock code = arena.Allocate(bytes);
        var block = new PackedBlock(code, bytes / Granule, isShared);
        try
        {
            code.Bytes.Fill(arena.Filler);
            if (isShared)
                arena.Publish(code, block);
            else
                code.Owner = block;
            block.IsWritten = isShared;
        }
        catch
        {
            arena.Free(code);
            throw;
        }
        _blocks.Add(block);
        if (isShared)
            Open(block);
        return block;
    }

    private void Open(PackedBlock block)
    {
        if (_open.Count == OpenBlocksAtMost)
            _open.RemoveAt(0);
        _open.Add(block);
    }

    private sealed class PackedBlock(CodeBlock block, int granules, bool canBeShared) : CodeOwner
    {
        private readonly CodePiece?[] _pieces = new CodePiece?[granules];

        public CodeBlock Block => block;

        public bool CanBeShared => canBeShared;

        /// <summary>Whether it is executable: what comes now cannot simply be stored.</summary>
        public bool IsWritten { get; set; }

        public RangeAllocator Free { get; } = new(granules);

        public void Set(CodePiece piece, CodePiece? value)
        {
            int end = (piece.Start / Granule) + (piece.Length / Granule) + 1;
            for (int i = piece.Start / Granule; i < end; i++)
                Volatile.Write(ref _pieces[i], value);
        }

        public override bool TryGetFrame(int offset, out FrameDescription frame)
        {
            frame = default;
            return Find(offset) is CodePiece piece && piece.Owner!.TryGetFrame(offset - piece.Start, out frame);
        }

        public override bool TryGetUnwind(int offset, out UnwindFrame frame)
        {
            frame = default;
            if (Find(offset) is not CodePiece piece || !piece.Owner!.TryGetUnwind(offset - piece.Start, out frame))
                return false;
            if (frame.Landing != UnwindFrame.NoHandler)
                frame = frame with { Landing = frame.Landing + piece.Start };
            return true;
        }

        public override bool TryGetTrap(int offset, out Compiler.Abi.TrapCode code)
        {
            code = default;
            return Find(offset) is CodePiece piece && piece.Owner!.TryGetTrap(offset - piece.Start, out code);
        }

        private CodePiece? Find(int offset) => (uint)(offset / Granule) < (uint)_pieces.Length ? Volatile.Read(ref _pieces[offset / Granule]) : null;
    }
}

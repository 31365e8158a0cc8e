// Why: all machine code of the process lives in one reservation below 2 GiB. So a rel32 reaches from anywhere in it to anywhere else, and
// the signal handler knows by one subtraction and one comparison whether a PC is ours.
//
//   | code: pages are None, ReadWrite (while being written) or ReadExecute; never writable and executable | data: ReadWrite, never executable |
//
// Invariants: a block is written by its one owner before it is published and is never executed before that; a page belongs to one block, so
// making one block writable never takes execution away from another; the snapshot that Find reads is immutable and swapped whole, so
// lookups need no lock and can run while blocks come and go. Freeing code that a guest still runs is the caller's bug: the
// runtime frees a module's code only when no instance of it is left.
namespace Tarn.Platform;

internal sealed unsafe class CodeArena
{
    public const long ReservationBytes = (2L << 30) - (1L << 20);
    private const long DataBytes = 64L << 20;
    private const byte FillByte = 0xCC;

    // Code of a large module is written as a whole: a few faults instead of thousands, and fewer misses of the processor's table of pages when it runs. A large page
    // lies within one block and has one protection, as small ones do.
    private const long LargeBlock = 2L << 20;

    private readonly VirtualMemory _memory;
    private readonly Lock _lock = new();
    private readonly RangeAllocator _code;
    private readonly RangeAllocator _data;
    private readonly byte* _dataBase;
    private CodeBlock[] _published = [];

    public CodeArena(VirtualMemory memory)
    {
        _memory = memory;
        Base = memory.Reserve((nuint)ReservationBytes);
        _code = new RangeAllocator(ReservationBytes - DataBytes);
        _data = new RangeAllocator(DataBytes);
        _dataBase = Base + (ReservationBytes - DataBytes);
    }

    public byte* Base { get; }

    /// <summary>Bytes of code space in use, page multiples.</summary>
    public long CodeBytesInUse
    {
        get
        {
            lock (_lock)
            {
                return _code.Length - _code.FreeBytes;
            }
        }
    }

    public bool Contains(nint address) => (nuint)(address - (nint)Base) < (nuint)ReservationBytes;

    /// <summary>Takes pages for code; they are writable and not executable until the block is published.</summary>
    public CodeBlock Allocate(int bytes)
    {
        long length = (long)_memory.RoundUp((nuint)bytes);
        long start;
        lock (_lock)
        {
            if (!_code.TryAllocate(length, out start))
            {
                throw new InsufficientMemoryException(
                    $"The code arena is full: {length:N0} bytes of machine code do not fit in the {_code.FreeBytes:N0} bytes (in pieces) that are left of {_code.Length:N0}.");
            }
        }

        byte* address = Base + start;
        try
        {
            _memory.Protect(address, (nuint)length, MemoryProtection.ReadWrite);
            if (length >= LargeBlock)
                _memory.PreferLargePages(address, (nuint)length);
        }
        catch
        {
            lock (_lock)
            {
                _code.Free(start, length);
            }

            throw;
        }

        return new CodeBlock(address, bytes, length);
    }

    /// <summary>Makes a block executable and known to <see cref="Find"/>.</summary>
    public void Publish(CodeBlock block, CodeOwner owner)
    {
        new Span<byte>(block.Address + block.Length, (int)(block.ReservedLength - block.Length)).Fill(FillByte);
        _memory.Protect(block.Address, (nuint)block.ReservedLength, MemoryProtection.ReadExecute);
        block.Owner = owner;
        lock (_lock)
        {
            CodeBlock[] old = _published;
            int at = Search(old, (nint)block.Address) + 1;
            CodeBlock[] next = new CodeBlock[old.Length + 1];
            old.AsSpan(0, at).CopyTo(next);
            next[at] = block;
            old.AsSpan(at).CopyTo(next.AsSpan(at + 1));
            Volatile.Write(ref _published, next);
        }
    }

    /// <summary>Takes a block back, published or not. No thread may be running in it.</summary>
    public void Free(CodeBlock block)
    {
        lock (_lock)
        {
            CodeBlock[] old = _published;
            int at = Array.IndexOf(old, block);
            if (at >= 0)
            {
                CodeBlock[] next = new CodeBlock[old.Length - 1];
                old.AsSpan(0, at).CopyTo(next);
                old.AsSpan(at + 1).CopyTo(next.AsSpan(at));
                Volatile.Write(ref _published, next);
            }

            // Fresh address space: nothing of the old code can be read or run, and the next owner starts from zero.
            _memory.Reset(block.Address, (nuint)block.ReservedLength);
            _code.Free(block.Address - Base, block.ReservedLength);
        }
    }

    /// <summary>Takes writable memory within reach of code, zeroed, page-granular: slots that code jumps or loads through.</summary>
    public byte* AllocateData(int bytes)
    {
        long length = (long)_memory.RoundUp((nuint)bytes);
        lock (_lock)
        {
            if (!_data.TryAllocate(length, out long start))
            {
                throw new InsufficientMemoryException($"The code arena's data area is full: {length:N0} bytes do not fit in the {_data.FreeBytes:N0} bytes left of {_data.Length:N0}.");
            }

            try
            {
                _memory.Protect(_dataBase + start, (nuint)length, MemoryProtection.ReadWrite);
            }
            catch
            {
                _data.Free(start, length);
                throw;
            }

            return _dataBase + start;
        }
    }

    public void FreeData(byte* address, int bytes)
    {
        nuint length = _memory.RoundUp((nuint)bytes);
        lock (_lock)
        {
            _memory.Reset(address, length);
            _data.Free(address - _dataBase, (long)length);
        }
    }

    /// <summary>The published block that holds a PC, without a lock.</summary>
    public CodeBlock? Find(nint programCounter)
    {
        CodeBlock[] blocks = Volatile.Read(ref _published);
        int at = Search(blocks, programCounter);
        if (at < 0)
        {
            return null;
        }

        CodeBlock block = blocks[at];
        return programCounter - (nint)block.Address < block.Length ? block : null;
    }

    // Index of the last block that starts at or below the address, or -1.
    private static int Search(CodeBlock[] blocks, nint address)
    {
        int low = 0;
        int high = blocks.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if ((nint)blocks[middle].Address <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}

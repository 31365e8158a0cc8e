// Why: all machine code of the process is in one reservation below 2 GiB. So a direct call reaches from anywhere in it to anywhere else, and
// the signal handler knows by one subtraction and one comparison whether a PC is ours.
//
//   | code: pages are None, ReadWrite (while being written) or ReadExecute; never writable and executable | data: ReadWrite, never executable |
//
// Invariants: a block is written by its one owner before it is published and is never executed before that; a page belongs to one block, so
// making one block writable never takes execution away from another; freeing code that a guest still runs is the caller's bug: the
// runtime frees a module's code only when no instance of it is left.
//
// Finding the block of a PC: a table with an entry for each page, in two levels. Publishing and freeing a block write the entries of its own pages and nothing
// else, so they cost by its size and never by how many blocks there are, and Find reads two references and takes no lock. An entry is written after everything
// that it leads to. The lock covers the books of free ranges only, whose operations are logarithmic: all tenants of a process share it.
namespace Tarn.Platform;

internal sealed unsafe class CodeArena
{
    /// <summary>The most that is reserved: what a direct call reaches.</summary>
    public const long MaximumBytes = (2L << 30) - (1L << 20);

    /// <summary>The least that is reserved. A process that has not even that cannot run anything.</summary>
    public const long MinimumBytes = 4L << 20;

    // Where a reservation is a block of memory, which counts in full on systems that promise no more than they have.
    private const long MaximumBlockOfZeros = 256L << 20;

    // Of a limit on the address space of the process, the share for code: the rest is for the runtime around us and for memories.
    private const ulong ShareOfLimit = 16;
    private const int DataShare = 32;

    // Code of a large module is written as a whole: a few faults instead of thousands, and fewer misses of the processor's table of pages when it runs. A large page
    // lies within one block and has one protection, as small ones do.
    private const long LargeBlock = 2L << 20;
    private const int PagesInLeaf = 512;

    private readonly VirtualMemory _memory;
    private readonly MemoryProtection _published;
    private readonly Lock _lock = new();
    private readonly RangeAllocator _code;
    private readonly RangeAllocator _data;
    private readonly byte* _dataBase;
    private readonly int _pageShift;
    private readonly CodeBlock?[]?[] _pages;

    /// <param name="memory">The system's memory.</param>
    /// <param name="filler">What fills the space between pieces of code: it is never executed.</param>
    /// <param name="bytes">What to reserve; <see langword="null"/> for as much as the limits of the process leave to code.</param>
    /// <param name="published">What published code allows: code that is interpreted is never executable.</param>
    public CodeArena(VirtualMemory memory, byte filler, long? bytes = null, MemoryProtection published = MemoryProtection.ReadExecute)
    {
        _memory = memory;
        _published = published;
        Filler = filler;
        Base = Reserve(memory, bytes, out long reserved);
        ReservedBytes = reserved;
        long data = (long)memory.RoundUp((nuint)(reserved / DataShare));
        _code = new RangeAllocator(reserved - data);
        _data = new RangeAllocator(data);
        _dataBase = Base + (reserved - data);
        _pageShift = System.Numerics.BitOperations.Log2(memory.PageSize);
        _pages = new CodeBlock?[((reserved >> _pageShift) / PagesInLeaf) + 1][];
    }

    public byte* Base { get; }

    /// <summary>What fills the space between pieces of code.</summary>
    public byte Filler { get; }

    /// <summary>Bytes of address space, for code and data.</summary>
    public long ReservedBytes { get; }

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

    public bool Contains(nint address) => (nuint)(address - (nint)Base) < (nuint)ReservedBytes;

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
            _memory.Commit(address, (nuint)length);
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
        new Span<byte>(block.Address + block.Length, (int)(block.ReservedLength - block.Length)).Fill(Filler);
        _memory.Protect(block.Address, (nuint)block.ReservedLength, _published);
        block.Owner = owner;
        SetPages(block, block);
    }

    /// <summary>Takes a block back, published or not. No thread may be running in it.</summary>
    public void Free(CodeBlock block)
    {
        SetPages(block, null);
        // Fresh address space: nothing of the old code can be read or run, and the next owner starts from zero.
        _memory.Decommit(block.Address, (nuint)block.ReservedLength);
        lock (_lock)
        {
            _code.Free(block.Address - Base, block.ReservedLength);
        }
    }

    /// <summary>Takes writable memory within reach of code, zeroed, page-granular: slots that code jumps or loads through.</summary>
    public byte* AllocateData(int bytes)
    {
        long length = (long)_memory.RoundUp((nuint)bytes);
        long start;
        lock (_lock)
        {
            if (!_data.TryAllocate(length, out start))
            {
                throw new InsufficientMemoryException($"The code arena's data area is full: {length:N0} bytes do not fit in the {_data.FreeBytes:N0} bytes left of {_data.Length:N0}.");
            }
        }

        try
        {
            _memory.Commit(_dataBase + start, (nuint)length);
        }
        catch
        {
            lock (_lock)
            {
                _data.Free(start, length);
            }

            throw;
        }

        return _dataBase + start;
    }

    public void FreeData(byte* address, int bytes)
    {
        nuint length = _memory.RoundUp((nuint)bytes);
        _memory.Decommit(address, length);
        lock (_lock)
        {
            _data.Free(address - _dataBase, (long)length);
        }
    }

    /// <summary>The published block that holds a PC, without a lock.</summary>
    public CodeBlock? Find(nint programCounter)
    {
        if (!Contains(programCounter))
            return null;
        long page = (programCounter - (nint)Base) >> _pageShift;
        CodeBlock? block = Volatile.Read(ref _pages[page / PagesInLeaf]) is CodeBlock?[] leaf ? Volatile.Read(ref leaf[page % PagesInLeaf]) : null;
        return block is not null && programCounter - (nint)block.Address < block.Length ? block : null;
    }

    private void SetPages(CodeBlock block, CodeBlock? value)
    {
        long first = (block.Address - Base) >> _pageShift;
        long end = first + (block.ReservedLength >> _pageShift);
        for (long page = first; page < end; page++)
        {
            ref CodeBlock?[]? place = ref _pages[page / PagesInLeaf];
            CodeBlock?[]? leaf = Volatile.Read(ref place);
            if (leaf is null)
            {
                CodeBlock?[] made = new CodeBlock?[PagesInLeaf];
                leaf = Interlocked.CompareExchange(ref place, made, null) ?? made;
            }
            Volatile.Write(ref leaf[page % PagesInLeaf], value);
        }
    }

    // Where the process may have little address space, code gets its share of that; where the system refuses even so, half of it, and so on.
    private static byte* Reserve(VirtualMemory memory, long? asked, out long bytes)
    {
        bytes = asked ?? Math.Clamp((long)Math.Min(memory.AddressSpaceLimit / ShareOfLimit, (ulong)MaximumBytes), MinimumBytes, memory.CanExecute ? MaximumBytes : MaximumBlockOfZeros);
        bytes = (long)memory.RoundUp((nuint)bytes);
        while (true)
        {
            try
            {
                return memory.Reserve((nuint)bytes);
            }
            catch (PlatformException) when (asked is null && bytes / 2 >= MinimumBytes)
            {
                bytes = (long)memory.RoundUp((nuint)(bytes / 2));
            }
        }
    }
}

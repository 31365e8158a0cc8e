// The address space of all pools, taken together when the engine is built or not at all. What the system refuses is refused here: with the pool, the bytes, the limits
// that asked for them, and the largest count with which everything fits. That count is found by trying, on the way to the error only, all pools at once: a count
// that one pool alone could have would only lead to the next pool's error.
//
// Some address space is left to the rest of the process. Pools that fitted to the last page would make the runtime around them fail instead: its next thread, heap
// or piece of compiled code.
using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed unsafe class PoolReservation : IDisposable
{
    private const ulong FourGibibytes = 1UL << 32;
    private const ulong ContextAlignment = 64;
    private const string CountLimit = "InstanceLimits.Count";

    private readonly Slab?[] _slabs;

    /// <param name="options">The limits and totals.</param>
    /// <param name="guardBytes">Inaccessible bytes behind each memory; 0 for checked memories, which are then no larger than their limit.</param>
    /// <param name="opensMemories">Whether all of every memory is accessible from the beginning.</param>
    /// <exception cref="PoolReservationException">The pools do not fit.</exception>
    public PoolReservation(PoolingOptions options, ulong guardBytes, bool opensMemories)
    {
        Size[] sizes = Sizes(options, guardBytes, opensMemories);
        _slabs = new Slab?[sizes.Length];
        int failing = 0;
        try
        {
            for (; failing < sizes.Length; failing++)
            {
                if (!sizes[failing].TryLayOut(out SlabLayout layout, out ulong wanted))
                    throw TooLarge(sizes[failing], wanted);
                Slab slab = _slabs[failing] = new Slab(layout);
                if (sizes[failing].IsOpen)
                    slab.Open();
            }
            VirtualMemory memory = VirtualMemory.Current;
            memory.Release(memory.Reserve((nuint)VirtualMemory.LeftToProcess), (nuint)VirtualMemory.LeftToProcess);
        }
        catch (PlatformException e)
        {
            Dispose();
            throw Refused(sizes, failing, e);
        }
        catch
        {
            Dispose();
            throw;
        }

        PoolReservationException TooLarge(in Size size, ulong wanted)
        {
            Dispose();
            int largest = FindLargest(size.Limit);
            string problem = size.Slots > PoolingOptions.MaximumSlots
                ? $"{size.Reason} are {size.Slots} slots, more than the {PoolingOptions.MaximumSlots} that the {size.Pool} pool may have"
                : $"the {size.Pool} pool would take {wanted} bytes of address space ({size.Reason}), more than the {SlabLayout.MaximumBytes} bytes a pool may have";
            return new PoolReservationException(size.Pool, wanted, largest, $"{problem}; the largest {size.Limit} that fits now is {largest}");
        }

        PoolReservationException Refused(Size[] all, int index, PlatformException e)
        {
            // Where nothing is left to the process, the largest pool is the one to make smaller.
            bool leavesNothing = index == all.Length;
            Size size = leavesNothing ? all.MaxBy(static s => s.Bytes) : all[index];
            int largest = FindLargest(size.Limit);
            string problem = leavesNothing
                ? $"the {size.Pool} pool's {size.Bytes} bytes of address space ({size.Reason}) leave less than {VirtualMemory.LeftToProcess} to the rest of the process"
                : $"the system refuses the {size.Pool} pool's {size.Bytes} bytes of address space ({size.Reason})";
            return new PoolReservationException(size.Pool, size.Bytes, largest, $"{problem}; the largest {size.Limit} that fits now is {largest}: {e.Message}", e);
        }

        int FindLargest(string limit) => Largest(options, limit, guardBytes, opensMemories);
    }

    public Slab Contexts => _slabs[0]!;

    public Slab Memories => _slabs[1]!;

    public Slab Tables => _slabs[2]!;

    public Slab Stacks => _slabs[3]!;

    /// <summary>Bytes of address space that all of them take.</summary>
    public long TotalBytes => _slabs.Sum(static slab => (long)slab!.Layout.TotalBytes);

    public void Dispose()
    {
        foreach (Slab? slab in _slabs)
            slab?.Dispose();
    }

    private static Size[] Sizes(PoolingOptions options, ulong guardBytes, bool opensMemories)
    {
        InstanceLimits limits = options.Limits;
        ulong page = VirtualMemory.Current.PageSize;
        ulong memory = (ulong?)options.MemoryReservation ?? (guardBytes != 0 ? FourGibibytes : (ulong)limits.MemoryPages << 16);
        return
        [
            new Size("instance", CountLimit, limits.Count, (ulong)limits.Size, 0, 0, ContextAlignment, true, $"{CountLimit} = {limits.Count} of Size = {limits.Size} bytes"),
            Total("memory", options.TotalMemories, "TotalMemories", "Memories", limits.Memories, memory, guardBytes, 0, opensMemories, $"each a reservation of {memory} bytes and a guard of {guardBytes}"),
            Total("table", options.TotalTables, "TotalTables", "Tables", limits.Tables, (ulong)Math.Max(1, limits.TableElements) * 8, 0, 0, true, $"each of TableElements = {limits.TableElements} at 8 bytes"),
            // A guard below each: before the first slot, and behind every one for the next.
            Total("stack", options.TotalStacks, "TotalStacks", null, 1, (ulong)options.StackSize, page, page, false, $"each of StackSize = {options.StackSize} bytes and a guard of {page}"),
        ];

        Size Total(string pool, int? total, string totalName, string? each, int eachCount, ulong usable, ulong guard, ulong lead, bool isOpen, string what)
        {
            string asked = total is int given ? $"PoolingOptions.{totalName} = {given}"
                : each is null ? $"{CountLimit} = {limits.Count}"
                : $"{CountLimit} = {limits.Count} × {each} = {eachCount}";
            return new Size(pool, total is null ? CountLimit : "PoolingOptions." + totalName, total ?? (long)limits.Count * eachCount, usable, guard, lead, page, isOpen, $"{asked}, {what}");
        }
    }

    private static int Largest(PoolingOptions options, string limit, ulong guardBytes, bool opensMemories)
    {
        int fits = 0;
        int tooMany = Get(options, limit);
        while (tooMany - fits > 1)
        {
            int count = fits + ((tooMany - fits) / 2);
            if (AllFit(Sizes(With(options, limit, count), guardBytes, opensMemories)))
                fits = count;
            else
                tooMany = count;
        }
        return fits;
    }

    private static int Get(PoolingOptions options, string limit) => limit switch
    {
        "PoolingOptions.TotalMemories" => options.TotalMemories!.Value,
        "PoolingOptions.TotalTables" => options.TotalTables!.Value,
        "PoolingOptions.TotalStacks" => options.TotalStacks!.Value,
        _ => options.Limits.Count,
    };

    private static PoolingOptions With(PoolingOptions options, string limit, int count) => limit switch
    {
        "PoolingOptions.TotalMemories" => options with { TotalMemories = count },
        "PoolingOptions.TotalTables" => options with { TotalTables = count },
        "PoolingOptions.TotalStacks" => options with { TotalStacks = count },
        _ => options with { Limits = options.Limits with { Count = count } },
    };

    private static bool AllFit(Size[] sizes)
    {
        VirtualMemory memory = VirtualMemory.Current;
        var taken = new List<(nint Address, nuint Bytes)>(sizes.Length + 1);
        try
        {
            foreach (Size size in sizes)
            {
                if (!size.TryLayOut(out SlabLayout layout, out _))
                    return false;
                if (layout.TotalBytes == 0)
                    continue;
                nuint bytes = memory.RoundUp((nuint)layout.TotalBytes);
                byte* address = memory.Reserve(bytes);
                taken.Add(((nint)address, bytes));
                if (size.IsOpen)
                    memory.Commit(address, bytes);
            }
            taken.Add(((nint)memory.Reserve((nuint)VirtualMemory.LeftToProcess), (nuint)VirtualMemory.LeftToProcess));
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
        finally
        {
            foreach ((nint address, nuint bytes) in taken)
                memory.Release((byte*)address, bytes);
        }
    }

    // What one pool asks for, and which limit says how many slots that are.
    private readonly record struct Size(string Pool, string Limit, long Slots, ulong Usable, ulong Guard, ulong Lead, ulong Alignment, bool IsOpen, string Reason)
    {
        public ulong Bytes => TryLayOut(out _, out ulong wanted) ? wanted : ulong.MaxValue;

        public bool TryLayOut(out SlabLayout layout, out ulong bytesWanted)
        {
            if (Slots <= PoolingOptions.MaximumSlots)
                return SlabLayout.TryCreate((int)Slots, Usable, Guard, Lead, Alignment, out layout, out bytesWanted);
            layout = default;
            bytesWanted = ulong.MaxValue;
            return false;
        }
    }
}

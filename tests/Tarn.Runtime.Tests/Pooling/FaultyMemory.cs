// The system's virtual memory with faults on order, for the calling thread only, so that tests in parallel do not meet. It is put in front once and stays: to
// everybody else it passes calls through.
using Tarn.Platform;

namespace Tarn.Runtime.Tests.Pooling;

internal sealed unsafe class FaultyMemory : VirtualMemory
{
    private static readonly Lock s_lock = new();
    private static FaultyMemory? s_installed;

    [ThreadStatic]
    private static Scope? t_scope;

    private readonly VirtualMemory _inner;

    private FaultyMemory(VirtualMemory inner) => _inner = inner;

    public override nuint PageSize => _inner.PageSize;

    public override long MaximumMappings => _inner.MaximumMappings;

    public override bool CanFindResident => t_scope?.HidesResident != true && _inner.CanFindResident;

    /// <summary>Begins faults on this thread; what is built inside of it meets them.</summary>
    public static Scope Enter()
    {
        lock (s_lock)
        {
            if (s_installed is null)
            {
                // The code arena keeps the system's: what it does is not counted, whichever test comes first.
                _ = Execution.Machine.Current;
                s_installed = new FaultyMemory(Current);
                Replace(s_installed);
            }
        }
        return t_scope = new Scope();
    }

    public override byte* Reserve(nuint bytes)
    {
        if (t_scope is Scope scope && bytes > scope.RefuseReservationsAbove)
        {
            scope.Refused++;
            throw new PlatformException("reserving address space (injected)", bytes, 12, "ENOMEM", "refused by a test");
        }
        Count("reserve");
        return _inner.Reserve(bytes);
    }

    // What is given back cannot be refused: munmap of whole mappings of one's own does not fail, and nobody could do anything about it.
    public override void Release(byte* address, nuint bytes) => _inner.Release(address, bytes);

    public override void Protect(byte* address, nuint bytes, MemoryProtection protection)
    {
        Count("protect");
        _inner.Protect(address, bytes, protection);
    }

    public override void Discard(byte* address, nuint bytes)
    {
        Count("discard");
        _inner.Discard(address, bytes);
    }

    public override void Decommit(byte* address, nuint bytes)
    {
        Count("reset");
        _inner.Decommit(address, bytes);
    }

    public override MemoryImage CreateImage(ReadOnlySpan<byte> contents, string name) => _inner.CreateImage(contents, name);

    public override void MapImage(MemoryImage image, nuint imageOffset, byte* address, nuint bytes, MemoryProtection protection) =>
        _inner.MapImage(image, imageOffset, address, bytes, protection);

    public override int FindResident(byte* start, byte* end, Span<PageRange> ranges, out byte* next)
    {
        Count("find");
        return _inner.FindResident(start, end, ranges, out next);
    }

    public override void PreferSmallPages(byte* address, nuint bytes) => _inner.PreferSmallPages(address, bytes);

    public override ulong AddressSpaceLimit => t_scope?.AddressSpaceLimit ?? _inner.AddressSpaceLimit;

    public override bool CanWriteCode => t_scope?.HidesCodeWriting != true && _inner.CanWriteCode;

    public override bool TryWriteCode(byte* address, ReadOnlySpan<byte> code) => _inner.TryWriteCode(address, code);

    public override void PreferLargePages(byte* address, nuint bytes) => _inner.PreferLargePages(address, bytes);

    private static void Count(string operation)
    {
        if (t_scope is not Scope scope)
            return;
        int call = scope.Calls++;
        if (call >= scope.FailFrom && call < scope.FailFrom + scope.FailCount)
        {
            scope.Failed++;
            throw new PlatformException($"{operation} (injected)", 0, 12, "ENOMEM", "refused by a test");
        }
    }

    /// <summary>The faults of one thread, until disposed.</summary>
    public sealed class Scope : IDisposable
    {
        public ulong RefuseReservationsAbove { get; set; } = ulong.MaxValue;

        /// <summary>Reservations that were refused for their size.</summary>
        public int Refused { get; set; }

        /// <summary>Whether the kernel seems to have no PAGEMAP_SCAN.</summary>
        public bool HidesResident { get; set; }

        /// <summary>Whether the system seems to have no way to write to executable memory.</summary>
        public bool HidesCodeWriting { get; set; }

        /// <summary>What the process's limits seem to say of its address space.</summary>
        public ulong? AddressSpaceLimit { get; set; }

        /// <summary>Calls so far.</summary>
        public int Calls { get; set; }

        /// <summary>The first call that fails.</summary>
        public int FailFrom { get; set; } = int.MaxValue / 2;

        /// <summary>How many in a row fail.</summary>
        public int FailCount { get; set; } = 1;

        /// <summary>How many have failed.</summary>
        public int Failed { get; set; }

        public void Dispose() => t_scope = null;
    }
}

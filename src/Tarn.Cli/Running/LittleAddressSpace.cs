// A process whose address space is limited (ulimit -v) has no room for guarded memories, each of which reserves 4 GiB. Checked ones reserve what they may grow to, so they are chosen there
// unless the user asked for the others.
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Cli.Running;

internal static class LittleAddressSpace
{
    // A guarded memory, code, and as much again for everything else.
    private const ulong EnoughForGuards = 16UL << 30;

    /// <summary>What memories to use where the user did not say.</summary>
    public static MemoryStrategy DefaultStrategy => VirtualMemory.Current.AddressSpaceLimit < EnoughForGuards ? MemoryStrategy.Checked : MemoryStrategy.Default;

    /// <summary>What is different for lack of address space, in words; <see langword="null"/> where nothing is.</summary>
    public static string? Describe(MemoryStrategy strategy)
    {
        if (HostTarget.WhyNoMachineCode is not null)
            return null;
        CodeArena arena = Machine.Current.Arena;
        ulong limit = VirtualMemory.Current.AddressSpaceLimit;
        if (arena.ReservedBytes == CodeArena.MaximumBytes)
            return null;
        string reason = limit == ulong.MaxValue ? "the system refuses more address space" : $"the process may have {limit} bytes of address space (ulimit -v)";
        string memories = strategy == MemoryStrategy.Checked ? "memories are checked, and reserve what --max-memory allows or what is left" : "memories are guarded, and reserve 4 GiB each";
        return $"{reason}: {arena.ReservedBytes} bytes are reserved for machine code, {memories}";
    }
}

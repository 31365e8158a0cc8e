// What instances of a template begin with: the state that one instance had after it was initialised. Immutable, bound to its module by the shape of its arrays and shared by all instances.
//
// It holds no address. A function reference is a number: 0 is null, n + 1 is the module's function n, which has a reference record in the VM context of every instance.
using Tarn.Memories;

namespace Tarn.Snapshots;

internal sealed class InstanceImage
{
    private UInt128? _identity;

    /// <summary>The memories that the module defines, in order.</summary>
    public required MemoryState[] Memories { get; init; }

    /// <summary>The tables that the module defines, in order; each element as a function's number.</summary>
    public required uint[][] Tables { get; init; }

    /// <summary>The globals that the module defines, in order. Only those that are mutable count; a function reference is a function's number.</summary>
    public required RawValue[] Globals { get; init; }

    /// <summary>Whether each element segment is dropped.</summary>
    public required bool[] DroppedElements { get; init; }

    /// <summary>Whether each data segment is dropped.</summary>
    public required bool[] DroppedData { get; init; }

    /// <summary>What a pool keeps for the image: idle slots. The allocator's own.</summary>
    public object? PoolState { get; set; }

    /// <summary>Bytes of memories that are not zero, in whole pages.</summary>
    public long ContentBytes => Memories.Sum(static memory => (long)memory.Pages.Pages.Length * memory.Pages.PageSize);

    /// <summary>Tells images of one module apart: the checksum of the image's encoding.</summary>
    public UInt128 Identity(WasmModule wasm) => _identity ??= Modules.Checksum.Of(StateEncoding.Encode(wasm, null, StateDifference.Of(this)));
}

/// <summary>A linear memory.</summary>
/// <param name="ByteLength">Its length.</param>
/// <param name="Pages">Pages of the system's size: of an image those that are not zero, of a difference those that differ.</param>
internal readonly record struct MemoryState(ulong ByteLength, PageImage Pages);

// A module and what its imports are bound to, checked: what allocators make instances of. Immutable and thread-safe.
using Tarn.Execution;
using Tarn.Modules;
using Tarn.Snapshots;

namespace Tarn.Linking;

internal sealed class LinkedModule(ModuleCore module, Definition[] imports, InstanceImage? image, ISnapshotState[] states)
{
    public ModuleCore Module { get; } = module;

    /// <summary>What the imports are bound to, in the order of the module.</summary>
    public Definition[] Imports { get; } = imports;

    /// <summary>What instances begin with, their start function having run; null where they begin as the module says.</summary>
    public InstanceImage? Image { get; } = image;

    /// <summary>What instances refer to by numbers and is not theirs: it is asked before a state is taken.</summary>
    public ISnapshotState[] States { get; } = states;

    /// <summary>What a pool keeps for instances that begin alike. The allocator's own.</summary>
    public object? PoolState
    {
        get => Image is null ? Module.PoolState : Image.PoolState;
        set => _ = Image is null ? Module.PoolState = value : Image.PoolState = value;
    }

    /// <summary>The state that the module describes, once it has been asked for. A race takes it twice.</summary>
    public InstanceImage? Fresh { get; set; }

    /// <summary>Whether instances run a function before they are handed out.</summary>
    public bool HasStart => Image is null && Module.HasStart;

    /// <summary>The host functions among the imports, in order.</summary>
    public HostFunction[] HostFunctions { get; } = [.. imports.Where(i => i.Host is not null).Select(i => i.Host!)];
}

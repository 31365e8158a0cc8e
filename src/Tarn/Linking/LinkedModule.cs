// A module and what its imports are bound to, checked: what allocators make instances of. Immutable and thread-safe.
using Tarn.Execution;
using Tarn.Modules;

namespace Tarn.Linking;

internal sealed class LinkedModule(ModuleCore module, Definition[] imports)
{
    public ModuleCore Module { get; } = module;

    /// <summary>What the imports are bound to, in the order of the module.</summary>
    public Definition[] Imports { get; } = imports;

    /// <summary>The host functions among the imports, in order.</summary>
    public HostFunction[] HostFunctions { get; } = [.. imports.Where(i => i.Host is not null).Select(i => i.Host!)];
}

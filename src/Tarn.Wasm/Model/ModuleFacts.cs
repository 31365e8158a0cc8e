// What validation learns of function bodies that code and runtime rely on afterwards. Flags in one value, which compiled modules are written and read with as a whole:
// a fact that were left out there would be false of a module that is loaded, and code made with a wrong one lets guests out.
namespace Tarn.Wasm;

/// <summary>What validation has learned of a module's function bodies.</summary>
[Flags]
internal enum ModuleFacts
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// Some body has a tail call that may end in another instance (of an import, through a table or a reference), so that even calls within the module may return with
    /// another instance's context.
    /// </summary>
    TailCallsMayLeave = 1 << 0,

    /// <summary>Some body stores to a table with <c>table.set</c>.</summary>
    WritesTables = 1 << 1,

    /// <summary>Some body or constant expression has an instruction of the guest's own heap: structures, arrays, i31, casts.</summary>
    UsesAggregates = 1 << 2,

    /// <summary>Some body throws or catches.</summary>
    UsesExceptions = 1 << 3,

    /// <summary>Some body has an atomic access, waits, or notifies.</summary>
    UsesAtomics = 1 << 4,
}

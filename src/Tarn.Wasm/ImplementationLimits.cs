// Sizes beyond which a module is refused although the core specification knows no bound. They are those of the JavaScript embedding
// (WebAssembly JavaScript Interface, "Implementation-defined limits"), so that what runs in browsers runs here; the last group is our own and bounds
// the validator's memory. A change here changes which modules are accepted: tests hold each at n and n+1.
namespace Tarn.Wasm;

/// <summary>Implementation limits on modules.</summary>
internal static class ImplementationLimits
{
    /// <summary>Bytes in a module.</summary>
    public const int ModuleSize = 1 << 30;

    /// <summary>Types in a module; also recursion groups, and types in one group.</summary>
    public const int Types = 1_000_000;

    /// <summary>Supertypes above a type.</summary>
    public const int SubtypingDepth = 63;

    /// <summary>Functions, imports counted.</summary>
    public const int Functions = 1_000_000;

    /// <summary>Imports.</summary>
    public const int Imports = 1_000_000;

    /// <summary>Exports.</summary>
    public const int Exports = 1_000_000;

    /// <summary>Globals, imports counted.</summary>
    public const int Globals = 1_000_000;

    /// <summary>Tags, imports counted.</summary>
    public const int Tags = 1_000_000;

    /// <summary>Data segments.</summary>
    public const int DataSegments = 100_000;

    /// <summary>Element segments.</summary>
    public const int ElementSegments = 10_000_000;

    /// <summary>Entries of one element segment.</summary>
    public const int ElementSegmentEntries = 10_000_000;

    /// <summary>Tables, imports counted.</summary>
    public const int Tables = 100_000;

    /// <summary>Elements that a table may ever have; held by the runtime, since a larger declared minimum is valid.</summary>
    public const int TableSize = 10_000_000;

    /// <summary>Memories, imports counted.</summary>
    public const int Memories = 100;

    /// <summary>Pages of 64 KiB that a memory may ever have; held by the runtime.</summary>
    public const int MemoryPages = 65_536;

    /// <summary>Parameters of a function or block type.</summary>
    public const int Parameters = 1_000;

    /// <summary>Results of a function or block type.</summary>
    public const int Results = 1_000;

    /// <summary>Bytes of a function body.</summary>
    public const int FunctionBodySize = 7_654_321;

    /// <summary>Locals of a function, parameters counted.</summary>
    public const int Locals = 50_000;

    /// <summary>Fields of a struct type.</summary>
    public const int StructFields = 10_000;

    /// <summary>Operands of <c>array.new_fixed</c>.</summary>
    public const int ArrayNewFixedOperands = 10_000;

    /// <summary>Bytes of a name (import, export, custom section); the specification's strings are unbounded, V8's end here as well.</summary>
    public const int NameSize = 100_000;

    /// <summary>Labels of one <c>br_table</c> beside the default; V8's limit.</summary>
    public const int BranchTableLabels = 65_520;

    /// <summary>Our own: blocks nested in each other.</summary>
    public const int BlockNesting = 250_000;

    /// <summary>
    /// Our own: values on the operand stack behind an instruction that pushes several (what pushes one at a time is bounded by the size of a body, and every
    /// push is two bytes at least).
    /// </summary>
    public const int OperandStack = 1_000_000;
}

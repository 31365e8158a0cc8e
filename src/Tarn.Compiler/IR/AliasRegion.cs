// Kinds of storage that never overlap each other. Within one region two accesses may overlap unless base and offset tell them
// apart. Imported memories share a region, since two imports may be the same memory; a memory that the module defines never is an
// import of the same instance. Invariant: fewer than 32 regions, so that a set of regions is one 32-bit mask.
namespace Tarn.Compiler.IR;

/// <summary>What a load or store may alias.</summary>
internal enum AliasRegion : byte
{
    /// <summary>Not an access.</summary>
    None,

    /// <summary>Storage that does not change while an instance lives: may be moved and merged freely.</summary>
    ReadOnly,

    /// <summary>Byte lengths of memories.</summary>
    MemoryLength,

    /// <summary>Byte lengths of shared memories: what other threads may change, so that each atomic access may.</summary>
    SharedMemoryLength,

    /// <summary>Lengths of tables.</summary>
    TableLength,

    /// <summary>Elements of tables, of all tables.</summary>
    TableElements,

    /// <summary>Globals that this module defines: base and offset tell two of them apart.</summary>
    GlobalDefined,

    /// <summary>Mutable globals that this module imports: two may be the same.</summary>
    GlobalImported,

    /// <summary>Remaining lengths of segments.</summary>
    SegmentState,

    /// <summary>The header of the VM context and the execution record.</summary>
    Execution,

    /// <summary>Type and length of managed objects.</summary>
    HeapHeader,

    /// <summary>Where managed objects are: what a collection changes.</summary>
    HeapLayout,

    /// <summary>Fields and elements of managed objects that are references.</summary>
    HeapReferences,

    /// <summary>Other fields of structures.</summary>
    HeapFields,

    /// <summary>Other elements of arrays.</summary>
    HeapElements,

    /// <summary>All memories that are imported.</summary>
    MemoryImported = 16,

    /// <summary>The first memory that the module defines; the others follow.</summary>
    MemoryDefined = 17,

    /// <summary>The last region: the fifteenth memory that the module defines and all after it.</summary>
    MemoryLast = 31,
}

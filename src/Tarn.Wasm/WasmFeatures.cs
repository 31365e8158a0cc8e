// The parts of WebAssembly that can be switched off (all of 3.0) or on (proposals). Public: an embedder chooses what guests may use.
// Decoder, validator and text parser ask this one set, so that a feature is either wholly there or refused by name.
namespace Tarn;

/// <summary>Features of WebAssembly beyond 1.0 that modules may use.</summary>
[Flags]
public enum WasmFeatures : long
{
    /// <summary>WebAssembly 1.0 alone.</summary>
    None = 0,

    /// <summary>Import and export of mutable globals.</summary>
    MutableGlobals = 1 << 0,

    /// <summary>Conversions from floating point that saturate instead of trapping.</summary>
    SaturatingFloatToInt = 1 << 1,

    /// <summary>Instructions that extend the sign of narrow integers.</summary>
    SignExtension = 1 << 2,

    /// <summary>Functions and blocks with any number of results, blocks with parameters.</summary>
    MultiValue = 1 << 3,

    /// <summary>References as values, several tables.</summary>
    ReferenceTypes = 1 << 4,

    /// <summary>Bulk operations on memories and tables, passive segments.</summary>
    BulkMemory = 1 << 5,

    /// <summary>128-bit vectors.</summary>
    Simd = 1 << 6,

    /// <summary>Vector instructions whose results may differ between machines.</summary>
    RelaxedSimd = 1 << 7,

    /// <summary>Tail calls.</summary>
    TailCalls = 1 << 8,

    /// <summary>Integer arithmetic in constant expressions.</summary>
    ExtendedConstants = 1 << 9,

    /// <summary>More than one memory in a module.</summary>
    MultiMemory = 1 << 10,

    /// <summary>Memories and tables with 64-bit addresses.</summary>
    Memory64 = 1 << 11,

    /// <summary>References to functions of a known type, non-null references.</summary>
    FunctionReferences = 1 << 12,

    /// <summary>Structs, arrays, casts and recursive types.</summary>
    GarbageCollection = 1 << 13,

    /// <summary>Exceptions with <c>try_table</c> and <c>exnref</c>.</summary>
    Exceptions = 1 << 14,

    /// <summary>Shared memories and atomic instructions. A proposal: off by default.</summary>
    Threads = 1 << 15,

    /// <summary>Memories with pages of one byte. A proposal: off by default.</summary>
    CustomPageSizes = 1 << 16,

    /// <summary>128-bit integer arithmetic on pairs of 64-bit values. A proposal: off by default.</summary>
    WideArithmetic = 1 << 17,

    /// <summary>In components: asynchronous functions, streams and futures. Newer than WASI 0.2: off by default.</summary>
    ComponentAsync = 1 << 18,

    /// <summary>In components: asynchronous functions that are lifted without a callback. A proposal: off by default.</summary>
    ComponentAsyncStackful = 1 << 19,

    /// <summary>In components: built-in functions on threads. A proposal: off by default.</summary>
    ComponentThreading = 1 << 20,

    /// <summary>In components: the type <c>error-context</c>. A proposal: off by default.</summary>
    ComponentErrorContext = 1 << 21,

    /// <summary>In components: lists of a fixed length. A proposal: off by default.</summary>
    ComponentFixedLengthLists = 1 << 22,

    /// <summary>In components: maps. A proposal: off by default.</summary>
    ComponentMaps = 1 << 23,

    /// <summary>In components: values as imports and exports, and start functions. A proposal: off by default.</summary>
    ComponentValues = 1 << 24,

    /// <summary>In components: names with nested namespaces, and dependencies by name. A proposal: off by default.</summary>
    ComponentNestedNames = 1 << 25,

    /// <summary>In components: the attributes <c>implements</c> and <c>external-id</c> of names. A proposal: off by default.</summary>
    ComponentImplements = 1 << 26,

    /// <summary>In components: interface names with a canonical version. A proposal: off by default.</summary>
    ComponentCanonicalNames = 1 << 27,

    /// <summary>In components: memories with 64-bit addresses behind the canonical ABI. A proposal: off by default.</summary>
    ComponentMemory64 = 1 << 28,

    /// <summary>In components: the canonical ABI over managed objects. A proposal: off by default.</summary>
    ComponentGarbageCollection = 1 << 29,

    /// <summary>In components: more asynchronous built-in functions. A proposal: off by default.</summary>
    ComponentMoreAsync = 1 << 30,

    /// <summary>
    /// The exception instructions that WebAssembly 3.0 replaced: <c>try</c>, <c>catch</c>, <c>catch_all</c>, <c>delegate</c> and <c>rethrow</c>. Older producers emit them; they need
    /// <see cref="Exceptions"/> for their tags and for <c>throw</c>. Never part of the standard: off by default.
    /// </summary>
    LegacyExceptions = 1L << 31,

    /// <summary>Imports in groups: the module's name once for several imports, and one type for several names (the compact import section). A proposal: off by default.</summary>
    CompactImports = 1L << 32,

    /// <summary>All of WebAssembly 3.0: what is on by default.</summary>
    Wasm3 = MutableGlobals | SaturatingFloatToInt | SignExtension | MultiValue | ReferenceTypes | BulkMemory | Simd | RelaxedSimd | TailCalls
        | ExtendedConstants | MultiMemory | Memory64 | FunctionReferences | GarbageCollection | Exceptions,

    /// <summary>Everything that is known, proposals included.</summary>
    All = Wasm3 | Threads | CustomPageSizes | WideArithmetic | ComponentAsync | ComponentAsyncStackful | ComponentThreading | ComponentErrorContext | ComponentFixedLengthLists
        | ComponentMaps | ComponentValues | ComponentNestedNames | ComponentImplements | ComponentCanonicalNames | ComponentMemory64 | ComponentGarbageCollection
        | ComponentMoreAsync | LegacyExceptions | CompactImports,
}

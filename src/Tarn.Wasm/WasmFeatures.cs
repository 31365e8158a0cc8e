// The parts of WebAssembly that can be switched off (all of 3.0) or on (proposals). Public: an embedder chooses what guests may use.
// Decoder, validator and text parser ask this one set, so that a feature is either wholly there or refused by name.
namespace Tarn;

/// <summary>Features of WebAssembly beyond 1.0 that modules may use.</summary>
[Flags]
public enum WasmFeatures
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

    /// <summary>All of WebAssembly 3.0: what is on by default.</summary>
    Wasm3 = MutableGlobals | SaturatingFloatToInt | SignExtension | MultiValue | ReferenceTypes | BulkMemory | Simd | RelaxedSimd | TailCalls
        | ExtendedConstants | MultiMemory | Memory64 | FunctionReferences | GarbageCollection | Exceptions,

    /// <summary>Everything that is known, proposals included.</summary>
    All = Wasm3 | Threads | CustomPageSizes | WideArithmetic,
}

// Why: what compiled code may ask of the runtime by a direct call, with signatures in BuiltinSignatures. The ids go into serialised code:
// append, never renumber.
namespace Tarn.Compiler.Abi;

internal enum BuiltinId : byte
{
    /// <summary>(memory, delta pages) → previous pages, or −1 as i64.</summary>
    MemoryGrow = 0,

    /// <summary>(memory, data segment, destination, source, count); checks bounds and traps.</summary>
    MemoryInit = 1,

    /// <summary>(destination address, source address, count): memmove in machine code; the caller has checked bounds.</summary>
    MemoryCopyBytes = 2,

    /// <summary>(destination address, byte, count): memset in machine code; the caller has checked bounds.</summary>
    MemoryFillBytes = 3,

    /// <summary>(data segment).</summary>
    DataDrop = 4,

    /// <summary>(table, element segment, destination, source, count); checks bounds and traps.</summary>
    TableInit = 5,

    /// <summary>(destination table, source table, destination, source, count); checks bounds and traps.</summary>
    TableCopy = 6,

    /// <summary>(table, index, value, count); checks bounds and traps.</summary>
    TableFill = 7,

    /// <summary>(table, value, delta) → previous length, or −1 as i64.</summary>
    TableGrow = 8,

    /// <summary>(element segment).</summary>
    ElementDrop = 9,

    /// <summary>(function index) → its reference, for functions that have no record in the VM context.</summary>
    FunctionReference = 10,

    /// <summary>() at an interruption check; preserves all registers.</summary>
    Interrupt = 11,

    /// <summary>() when fuel has gone below zero; preserves all registers.</summary>
    FuelExhausted = 12,

    /// <summary>(canonical type id, canonical type id of the supertype) → 1 or 0.</summary>
    IsSubtype = 13,

    /// <summary>(memory, address, count) → waiters woken.</summary>
    MemoryAtomicNotify = 14,

    /// <summary>(memory, address, expected, timeout) → 0 woken, 1 not equal, 2 timed out.</summary>
    MemoryAtomicWait32 = 15,

    /// <summary>(memory, address, expected, timeout) → 0 woken, 1 not equal, 2 timed out.</summary>
    MemoryAtomicWait64 = 16,

    /// <summary>(exception reference): throws it; does not return.</summary>
    ThrowReference = 17,

    /// <summary>
    /// Reached through a lazy thunk only, never by relocation: (number of the function) → address of its code, which is then entered with the arguments
    /// untouched.
    /// </summary>
    CompileFunction = 18,

    /// <summary>() where the nursery has no room for what the execution record's HeapRequest says; preserves all registers but for managed references, which it updates.</summary>
    CollectGarbage = 19,

    /// <summary>(canonical type id, length) → a new object, all zero, that is too large for the nursery.</summary>
    AllocateObject = 20,

    /// <summary>(canonical type id, data segment, offset, length) → a new array; checks bounds and traps.</summary>
    ArrayNewData = 21,

    /// <summary>(canonical type id, element segment, offset, length) → a new array; checks bounds and traps.</summary>
    ArrayNewElement = 22,

    /// <summary>(array, index, data segment, offset, count); checks bounds and traps.</summary>
    ArrayInitData = 23,

    /// <summary>(array, index, element segment, offset, count); checks bounds and traps.</summary>
    ArrayInitElement = 24,

    /// <summary>(destination, index, source, index, count) of arrays of managed references; the caller has checked bounds.</summary>
    ArrayCopyReferences = 25,

    /// <summary>(reference to a function) → its index in the store's table of functions.</summary>
    FunctionHandle = 26,

    /// <summary>(tag): throws an exception with the payload that is in the VM context; does not return.</summary>
    Throw = 27,

    /// <summary>How many there are; not a builtin.</summary>
    Count = 28,
}

// Which IR type a WebAssembly type has. References to functions are addresses of records that never move; all others are managed: offsets of objects, and handles of what the host keeps.
using Tarn.Compiler.IR;
using Tarn.Wasm;

namespace Tarn.Compiler.Frontend;

internal static class ValueTypes
{
    /// <summary>The IR type of a value type of a module.</summary>
    public static IrType Of(WasmModule module, ValType type) => type.Bits switch
    {
        0x7F => IrType.I32,
        0x7E => IrType.I64,
        0x7D => IrType.F32,
        0x7C => IrType.F64,
        0x7B => IrType.V128,
        _ => IsManaged(module, type.Heap) ? IrType.Managed : IrType.Ref,
    };

    /// <summary>Whether references to a heap type are managed.</summary>
    public static bool IsManaged(WasmModule module, HeapType heap) => heap.IsConcrete
        ? module.TypeArray[heap.TypeIndex].Composite.Kind != CompositeKind.Function
        : heap != HeapType.Func && heap != HeapType.NoFunc;
}

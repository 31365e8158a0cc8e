// From the validator's types to the kinds that embedders see, and to the classes of the calling convention.
using Tarn.Compiler.Abi;

namespace Tarn;

internal static class ValueKinds
{
    public static ValueKind Of(ValType type, TypeRegistry types)
    {
        if (type.IsReference)
            return OfReference(type.Heap, types);
        if (type == ValType.I32)
            return ValueKind.I32;
        if (type == ValType.I64)
            return ValueKind.I64;
        if (type == ValType.F32)
            return ValueKind.F32;
        return type == ValType.F64 ? ValueKind.F64 : ValueKind.V128;
    }

    public static AbiType AbiOf(ValType type)
    {
        if (type == ValType.I32)
            return AbiType.I32;
        if (type == ValType.I64)
            return AbiType.I64;
        if (type == ValType.F32)
            return AbiType.F32;
        if (type == ValType.F64)
            return AbiType.F64;
        return type == ValType.V128 ? AbiType.V128 : AbiType.Reference;
    }

    /// <summary>Which hierarchy a (canonical) heap type belongs to.</summary>
    private static ValueKind OfReference(HeapType heap, TypeRegistry types)
    {
        if (heap.IsConcrete)
            return types[heap.TypeIndex].Composite.Kind == CompositeKind.Function ? ValueKind.FuncRef : ValueKind.AnyRef;
        if (heap == HeapType.Func || heap == HeapType.NoFunc)
            return ValueKind.FuncRef;
        if (heap == HeapType.Extern || heap == HeapType.NoExtern)
            return ValueKind.ExternRef;
        return heap == HeapType.Exn || heap == HeapType.NoExn ? ValueKind.ExnRef : ValueKind.AnyRef;
    }
}

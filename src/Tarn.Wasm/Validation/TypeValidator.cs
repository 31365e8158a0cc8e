// Validates the type section and makes its types canonical, group by group: a group may refer to what came before it and to itself. Supertypes come before
// their subtypes, so that depths are finite and known, and the registry's displays can be built in order.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

/// <summary>Validation of the type section.</summary>
internal static class TypeValidator
{
    /// <summary>Returns the canonical id of each type. The registry's types are in use from now on until <see cref="WasmModule.ReleaseTypes"/>, or not at all where this throws.</summary>
    /// <exception cref="InvalidModuleException">A type refers to what is not there, or is not a subtype of the type that it names.</exception>
    public static int[] Validate(WasmModule module, TypeRegistry registry)
    {
        int[] canonical = new int[module.TypeArray.Length];
        byte[] depths = new byte[module.TypeArray.Length];
        int used = 0;
        try
        {
            foreach (RecursionGroup group in module.RecursionGroupArray)
            {
                Validate(module, registry, group, canonical, depths, ref used);
            }
        }
        catch
        {
            foreach (RecursionGroup group in module.RecursionGroupArray.AsSpan(0, used))
                registry.Release(group, canonical);
            throw;
        }

        return canonical;
    }

    private static void Validate(WasmModule module, TypeRegistry registry, RecursionGroup group, int[] canonical, byte[] depths, ref int used)
    {
        SubType[] types = module.TypeArray;
        int end = group.Start + group.Length;
        for (int i = group.Start; i < end; i++)
        {
            CheckReferences(module, types[i].Composite, i, end);
            CheckSupertype(module, depths, i);
        }

        registry.Add(types.AsSpan(group.Start, group.Length), group.Start, canonical);
        used++;
        for (int i = group.Start; i < end; i++)
        {
            if (types[i].HasSupertype && !Subtyping.IsSubtype(types[i].Composite, types[types[i].Supertype].Composite, registry, canonical))
            {
                throw new InvalidModuleException(
                    $"sub type {i} does not match super type {types[i].Supertype}: {types[i].Composite} is not a subtype of {types[types[i].Supertype].Composite}", OffsetOf(module, i));
            }
        }
    }

    private static int OffsetOf(WasmModule module, int type) => ModuleDecoder.OffsetOf(module, SectionId.Type, type);

    private static void CheckSupertype(WasmModule module, byte[] depths, int index)
    {
        SubType[] types = module.TypeArray;
        if (!types[index].HasSupertype)
            return;
        int super = types[index].Supertype;
        if (super >= index)
            throw new InvalidModuleException($"unknown type {super}: the supertype of type {index} must come before it", OffsetOf(module, index));
        if (types[super].IsFinal)
            throw new InvalidModuleException($"sub type {index} does not match super type {super}: the super type is final", OffsetOf(module, index));
        depths[index] = (byte)(depths[super] + 1);
        if (depths[index] > ImplementationLimits.SubtypingDepth)
            throw new InvalidModuleException($"sub type {index} has too many supertypes above it: the implementation limit is {ImplementationLimits.SubtypingDepth}", OffsetOf(module, index));
    }

    private static void CheckReferences(WasmModule module, CompositeType composite, int index, int end)
    {
        switch (composite)
        {
            case CoreFunctionType function:
                foreach (ValType type in function.Parameters)
                    CheckReference(module, type, index, end);
                foreach (ValType type in function.Results)
                    CheckReference(module, type, index, end);
                break;
            case StructType structure:
                foreach (FieldType field in structure.Fields)
                    CheckReference(module, field.Storage, index, end);
                break;
            case ArrayType array:
                CheckReference(module, array.Element.Storage, index, end);
                break;
        }
    }

    private static void CheckReference(WasmModule module, ValType type, int index, int end)
    {
        if (type.IsConcrete && type.Heap.TypeIndex >= end)
            throw new InvalidModuleException($"unknown type {type.Heap.TypeIndex}: type {index} may refer to the types up to {end - 1}, the end of its recursion group", OffsetOf(module, index));
    }
}

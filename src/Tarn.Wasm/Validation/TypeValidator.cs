// Validates the type section and makes its types canonical, group by group: a group may refer to what came before it and to itself. Supertypes come before
// their subtypes, so that depths are finite and known, and the registry's displays can be built in order.
namespace Tarn.Wasm.Validation;

/// <summary>Validation of the type section.</summary>
internal static class TypeValidator
{
    /// <summary>Returns the canonical id of each type.</summary>
    /// <exception cref="InvalidModuleException">A type refers to what is not there, or is no subtype of what it says it is.</exception>
    public static int[] Validate(WasmModule module, TypeRegistry registry)
    {
        SubType[] types = module.TypeArray;
        int[] canonical = new int[types.Length];
        byte[] depths = new byte[types.Length];
        int offset = module.SectionOffset(SectionId.Type);
        foreach (RecursionGroup group in module.RecursionGroupArray)
        {
            int end = group.Start + group.Length;
            for (int i = group.Start; i < end; i++)
            {
                CheckReferences(types[i].Composite, i, end, offset);
                CheckSupertype(types, depths, i, offset);
            }

            registry.Add(types.AsSpan(group.Start, group.Length), group.Start, canonical);
            for (int i = group.Start; i < end; i++)
            {
                if (types[i].HasSupertype && !Subtyping.IsSubtype(types[i].Composite, types[types[i].Supertype].Composite, registry, canonical))
                {
                    throw new InvalidModuleException(
                        $"sub type {i} does not match super type {types[i].Supertype}: {types[i].Composite} is no subtype of {types[types[i].Supertype].Composite}", offset);
                }
            }
        }

        return canonical;
    }

    private static void CheckSupertype(SubType[] types, byte[] depths, int index, int offset)
    {
        if (!types[index].HasSupertype)
            return;
        int super = types[index].Supertype;
        if (super >= index)
            throw new InvalidModuleException($"unknown type {super}: the supertype of type {index} must come before it", offset);
        if (types[super].IsFinal)
            throw new InvalidModuleException($"sub type {index} does not match super type {super}: the super type is final", offset);
        depths[index] = (byte)(depths[super] + 1);
        if (depths[index] > ImplementationLimits.SubtypingDepth)
            throw new InvalidModuleException($"sub type {index} has too many supertypes above it: the implementation limit is {ImplementationLimits.SubtypingDepth}", offset);
    }

    private static void CheckReferences(CompositeType composite, int index, int end, int offset)
    {
        switch (composite)
        {
            case FunctionType function:
                foreach (ValType type in function.Parameters)
                    CheckReference(type, index, end, offset);
                foreach (ValType type in function.Results)
                    CheckReference(type, index, end, offset);
                break;
            case StructType structure:
                foreach (FieldType field in structure.Fields)
                    CheckReference(field.Storage, index, end, offset);
                break;
            case ArrayType array:
                CheckReference(array.Element.Storage, index, end, offset);
                break;
        }
    }

    private static void CheckReference(ValType type, int index, int end, int offset)
    {
        if (type.IsConcrete && type.Heap.TypeIndex >= end)
            throw new InvalidModuleException($"unknown type {type.Heap.TypeIndex}: type {index} may refer to the types up to {end - 1}, the end of its recursion group", offset);
    }
}

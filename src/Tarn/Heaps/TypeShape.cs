// What the collector and the host need to know of a struct or array type: how large its objects are and where references lie in them. Made once for each canonical type, from the type
// alone, and never changed.
using Tarn.Compiler.Abi;

namespace Tarn.Heaps;

internal sealed class TypeShape
{
    public TypeShape(CompositeType type, TypeRegistry types)
    {
        Kind = type.Kind;
        if (type is StructType structure)
        {
            FieldOffsets = ObjectLayout.FieldOffsets(structure);
            Fields = structure.Fields.ToArray();
            Bytes = FieldOffsets[^1];
            var references = new List<int>();
            for (int i = 0; i < Fields.Length; i++)
            {
                if (IsManaged(Fields[i].Storage, types))
                    references.Add(FieldOffsets[i]);
            }
            References = [.. references];
        }
        else
        {
            FieldType element = ((ArrayType)type).Element;
            Fields = [element];
            ElementShift = ObjectLayout.ShiftOf(element.Storage);
            HasReferenceElements = IsManaged(element.Storage, types);
        }
    }

    public CompositeKind Kind { get; }

    /// <summary>Fields in order; of an array the element.</summary>
    public FieldType[] Fields { get; }

    /// <summary>Of a structure, where each field is; the last entry is the size.</summary>
    public int[] FieldOffsets { get; } = [];

    /// <summary>Of a structure, its bytes.</summary>
    public int Bytes { get; }

    /// <summary>Of a structure, offsets of the managed references in it.</summary>
    public int[] References { get; } = [];

    /// <summary>Of an array, base 2 logarithm of an element's bytes.</summary>
    public int ElementShift { get; }

    /// <summary>Of an array, whether its elements are managed references.</summary>
    public bool HasReferenceElements { get; }

    /// <summary>Whether objects hold managed references at all.</summary>
    public bool HasReferences => HasReferenceElements || References.Length != 0;

    /// <summary>Bytes of an object of the type.</summary>
    /// <param name="length">Of an array, its length.</param>
    public long SizeOf(uint length) => Kind == CompositeKind.Struct
        ? Bytes
        : (ObjectLayout.Elements + ((long)length << ElementShift) + ObjectLayout.Alignment - 1) & -ObjectLayout.Alignment;

    /// <summary>Globals of a module whose cell in the VM context holds a managed reference: those that it defines, and immutable imported ones, which are copies.</summary>
    public static int[] ManagedGlobals(WasmModule module)
    {
        List<int> found = [];
        for (int i = 0; i < module.Globals.Length; i++)
        {
            CoreGlobalType global = module.Globals[i];
            if ((i >= module.ImportedGlobalCount || !global.IsMutable) && global.Type.IsReference && Compiler.Frontend.ValueTypes.IsManaged(module, global.Type.Heap))
                found.Add(i);
        }
        return [.. found];
    }

    /// <summary>Whether a value of a type with canonical references is a managed reference: any reference but those to functions.</summary>
    public static bool IsManaged(ValType type, TypeRegistry types)
    {
        if (!type.IsReference)
            return false;
        HeapType heap = type.Heap;
        if (heap.IsConcrete)
            return types[heap.TypeIndex].Composite.Kind != CompositeKind.Function;
        return heap != HeapType.Func && heap != HeapType.NoFunc;
    }
}

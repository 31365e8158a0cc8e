// The words of the IR's text form, shared by printer and parser so that what one writes the other reads.
namespace Tarn.Compiler.IR;

/// <summary>Names in IR text.</summary>
internal static class IrText
{
    /// <summary>Names of types, by <see cref="IrType"/>.</summary>
    public static readonly string[] Types = ["none", "i32", "i64", "f32", "f64", "v128", "ref", "managed"];

    /// <summary>Names of integer conditions.</summary>
    public static readonly string[] IntegerConditions = ["eq", "ne", "slt", "sge", "sle", "sgt", "ult", "uge", "ule", "ugt"];

    /// <summary>Names of floating-point conditions.</summary>
    public static readonly string[] FloatConditions = ["eq", "ne", "lt", "nlt", "le", "nle", "gt", "ngt", "ge", "nge"];

    /// <summary>Names of shapes.</summary>
    public static readonly string[] Shapes = ["i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"];

    /// <summary>Names of atomic operations.</summary>
    public static readonly string[] AtomicOperations = ["add", "sub", "and", "or", "xor", "xchg"];

    /// <summary>Name of an alias region.</summary>
    public static string Region(AliasRegion region) => region switch
    {
        AliasRegion.None => "none",
        AliasRegion.ReadOnly => "readonly",
        AliasRegion.MemoryLength => "memlength",
        AliasRegion.SharedMemoryLength => "sharedlength",
        AliasRegion.TableLength => "tablelength",
        AliasRegion.TableElements => "elements",
        AliasRegion.GlobalDefined => "global",
        AliasRegion.GlobalImported => "importedglobal",
        AliasRegion.SegmentState => "segment",
        AliasRegion.Execution => "execution",
        AliasRegion.HeapHeader => "heapheader",
        AliasRegion.HeapLayout => "heaplayout",
        AliasRegion.HeapReferences => "heapreferences",
        AliasRegion.HeapFields => "heapfields",
        AliasRegion.HeapElements => "heapelements",
        AliasRegion.MemoryImported => "importedmemory",
        _ => $"memory{region - AliasRegion.MemoryDefined}",
    };

    /// <summary>The region of a name.</summary>
    public static bool TryParseRegion(string text, out AliasRegion region)
    {
        for (region = AliasRegion.None; region <= AliasRegion.MemoryLast; region++)
        {
            if (Region(region) == text)
            {
                return true;
            }
        }

        return false;
    }
}

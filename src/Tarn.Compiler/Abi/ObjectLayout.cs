// Why: how managed objects and the heap that holds them are laid out, in one place for compiled code, the runtime and the collector. If two of them disagreed, guests would read
// references as numbers; they still could not leave the heap, since every access is the heap's base plus 32 bits plus an offset below GuardBytes.
//
//   reference   0 is null; xx…x1 an i31, its value in the upper 31 bits; xx…10 a handle of an object of the host; xx…000 an object's offset from the heap's base
//   struct      type id u32 | fields in order, each aligned to its size, at most to 8      (a supertype's fields are a prefix, so they are where they are in the supertype)
//   array       type id u32 | length u32 | elements
//
//   heap        card table (one byte for each 512 of the heap) | base: null zone | nursery | old space … 4 GiB | guard
//
// References in objects take 4 bytes: a managed reference and one to an exception as they are, one to a function as an index into the store's table of functions. Objects are multiples of 8 bytes.
// Descriptors, one of 64 bytes for each type id, tell compiled code what casts ask: kind, and the ids of the supertypes by depth.
using System.Numerics;
using Tarn.Wasm;

namespace Tarn.Compiler.Abi;

internal static class ObjectLayout
{
    /// <summary>Offset of an object's type id.</summary>
    public const int TypeId = 0;

    /// <summary>Offset of an array's length.</summary>
    public const int Length = 4;

    /// <summary>Offset of an array's first element.</summary>
    public const int Elements = 8;

    /// <summary>Offset from which a structure's fields are laid out.</summary>
    public const int Fields = 4;

    /// <summary>Objects start at multiples of this.</summary>
    public const int Alignment = 8;

    /// <summary>The bit that an i31 has and nothing else.</summary>
    public const int SmallIntegerBit = 1;

    /// <summary>The low bits of a reference that say what it is.</summary>
    public const int TagMask = 3;

    /// <summary>The low bits of a handle.</summary>
    public const int HandleTag = 2;

    /// <summary>The bit that is set in handles of exceptions, and clear in those of the host's objects.</summary>
    public const int ExceptionBit = 4;

    /// <summary>The first bit of a handle's index.</summary>
    public const int HandleShift = 3;

    /// <summary>Bytes from the heap's base that are never accessible: null is in them.</summary>
    public const int NullZone = 1 << 16;

    /// <summary>Where the nursery starts.</summary>
    public const int NurseryStart = NullZone;

    /// <summary>Where the nursery ends at the most, and old space starts.</summary>
    public const int NurseryEnd = NurseryStart + (4 << 20);

    /// <summary>Base 2 logarithm of the bytes that one card stands for.</summary>
    public const int CardShift = 9;

    /// <summary>Bytes of the card table, which lies right below the heap's base.</summary>
    public const int CardTableBytes = 1 << (32 - CardShift);

    /// <summary>Bytes behind the 4 GiB of a heap that fault. No offset in an object that compiled code adds to a reference is larger.</summary>
    public const int GuardBytes = 1 << 20;

    /// <summary>Objects above this many bytes are allocated by the runtime.</summary>
    public const int LargestInline = 1 << 14;

    /// <summary>Base 2 logarithm of the bytes of a descriptor.</summary>
    public const int DescriptorShift = 6;

    /// <summary>Offset of <see cref="CompositeKind"/> in a descriptor, u32.</summary>
    public const int DescriptorKind = 0;

    /// <summary>Offset of the first type id of a descriptor's display.</summary>
    public const int DescriptorDisplay = 16;

    /// <summary>Supertypes up to this depth are in the display.</summary>
    public const int DisplayLength = 12;

    /// <summary>Bytes that a field or element takes.</summary>
    public static int BytesOf(ValType storage) => storage.IsReference ? 4 : storage.Size;

    /// <summary>Bytes of an array, rounded up to whole objects.</summary>
    public static long ArrayBytes(ValType element, long length) => AlignUp(Elements + (length * BytesOf(element)));

    /// <summary>Where a structure's fields are; the last entry is the structure's size.</summary>
    public static int[] FieldOffsets(StructType type)
    {
        int[] offsets = new int[type.Fields.Length + 1];
        int end = Fields;
        for (int i = 0; i < type.Fields.Length; i++)
        {
            int bytes = BytesOf(type.Fields[i].Storage);
            int alignment = Math.Min(bytes, Alignment);
            end = (end + alignment - 1) & -alignment;
            offsets[i] = end;
            end += bytes;
        }

        offsets[^1] = (int)AlignUp(end);
        return offsets;
    }

    /// <summary>Base 2 logarithm of <see cref="BytesOf"/>.</summary>
    public static int ShiftOf(ValType storage) => BitOperations.Log2((uint)BytesOf(storage));

    private static long AlignUp(long bytes) => (bytes + Alignment - 1) & -Alignment;
}

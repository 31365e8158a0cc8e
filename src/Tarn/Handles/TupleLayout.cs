// Finds where the fields of a ValueTuple are. The runtime lays them out as it likes and says nothing; reflection over fields would not survive trimming. So a tuple is
// filled with numbered bytes and read through ITuple: the bytes of an element tell where it is.
//
// Words that hold references must not hold such bytes when the collector looks. They are found first, by putting one object's reference into word after word of
// an otherwise empty tuple: a word that is no reference holds a harmless number then, and if it is one, the element that has become that object is found.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tarn;

internal static class TupleLayout
{
    // Numbered bytes have to differ.
    private const int MostBytes = 250;

    public static bool IsTuple(Type type) => type.IsValueType && type.IsGenericType && type.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal);

    /// <summary>Finds the fields of a tuple, those of tuples in it included, in order.</summary>
    /// <exception cref="NotSupportedException">A field's type has no WebAssembly type, or the tuple is too large.</exception>
    public static TupleField[] Find<T>()
    {
        List<Type> types = [];
        Flatten(typeof(T), types);
        FieldCodec[] codecs = [.. types.Select(FieldCodec.For)];
        int size = Unsafe.SizeOf<T>();
        if (size > MostBytes)
            throw new NotSupportedException($"{typeof(T)} is too large for results: it has {size} bytes, and {MostBytes} are the most.");
        int[] offsets = new int[codecs.Length];
        Array.Fill(offsets, -1);
        bool[] isReference = new bool[(size / Unsafe.SizeOf<nint>()) + 1];
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
            FindReferences<T>(size, types, offsets, isReference);
        T probe = default!;
        ref byte bytes = ref Unsafe.As<T, byte>(ref probe);
        for (int i = 0; i < size; i++)
        {
            if (!isReference[i / Unsafe.SizeOf<nint>()])
                Unsafe.Add(ref bytes, i) = (byte)(i + 1);
        }
        List<object?> elements = Elements(probe);
        for (int i = 0; i < offsets.Length; i++)
        {
            if (offsets[i] < 0)
                offsets[i] = LowestByte(elements[i]!) - 1;
        }
        return [.. codecs.Select((codec, i) => new TupleField(offsets[i], codec))];
    }

    private static void FindReferences<T>(int size, List<Type> types, int[] offsets, bool[] isReference)
    {
        object marker = new();
        for (int offset = 0; offset + Unsafe.SizeOf<nint>() <= size; offset += Unsafe.SizeOf<nint>())
        {
            T probe = default!;
            Unsafe.As<byte, object>(ref Unsafe.Add(ref Unsafe.As<T, byte>(ref probe), offset)) = marker;
            List<object?> elements = Elements(probe);
            for (int i = 0; i < elements.Count; i++)
            {
                if (types[i] == typeof(Function) && ReferenceEquals(((Function)elements[i]!).Store, marker))
                    offsets[i] = offset - Function.StoreOffset;
                else if (!types[i].IsValueType && ReferenceEquals(elements[i], marker))
                    offsets[i] = offset;
                else
                    continue;
                isReference[offset / Unsafe.SizeOf<nint>()] = true;
            }
        }
    }

    private static void Flatten(Type type, List<Type> types)
    {
        foreach (Type argument in type.GetGenericArguments())
        {
            if (IsTuple(argument))
                Flatten(argument, types);
            else
                types.Add(argument);
        }
    }

    private static List<object?> Elements<T>(T tuple)
    {
        var elements = new List<object?>();
        Add((ITuple)tuple!, elements);
        return elements;
    }

    // ITuple counts the elements of the eighth field, the rest, as its own; others that are tuples are elements.
    private static void Add(ITuple tuple, List<object?> elements)
    {
        for (int i = 0; i < tuple.Length; i++)
        {
            if (tuple[i] is ITuple inner)
                Add(inner, elements);
            else
                elements.Add(tuple[i]);
        }
    }

    private static byte LowestByte(object value) => value switch
    {
        bool v => Unsafe.As<bool, byte>(ref v),
        byte v => v,
        sbyte v => (byte)v,
        short v => (byte)v,
        ushort v => (byte)v,
        char v => (byte)v,
        int v => (byte)v,
        uint v => (byte)v,
        long v => (byte)v,
        ulong v => (byte)v,
        nint v => (byte)v,
        nuint v => (byte)v,
        float v => (byte)BitConverter.SingleToUInt32Bits(v),
        double v => (byte)BitConverter.DoubleToUInt64Bits(v),
        Vector128<byte> v => v.GetElement(0),
        Vector128<sbyte> v => v.AsByte().GetElement(0),
        Vector128<short> v => v.AsByte().GetElement(0),
        Vector128<ushort> v => v.AsByte().GetElement(0),
        Vector128<int> v => v.AsByte().GetElement(0),
        Vector128<uint> v => v.AsByte().GetElement(0),
        Vector128<long> v => v.AsByte().GetElement(0),
        Vector128<ulong> v => v.AsByte().GetElement(0),
        Vector128<float> v => v.AsByte().GetElement(0),
        Vector128<double> v => v.AsByte().GetElement(0),
        _ => throw new NotSupportedException($"{value.GetType()} cannot be one of several results."),
    };
}

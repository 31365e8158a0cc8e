// Moves a call's results into and out of consecutive raw slots, where several results are one ValueTuple. A tuple's
// fields lie where the runtime likes, so their offsets are found once for each tuple type by reading a tuple made of
// numbered bytes; afterwards a result costs a copy, and nothing is boxed. No reflection over members: trimming and NativeAOT are safe.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tarn;

internal static unsafe class ResultCodec<T>
{
    // Empty for a single result.
    private static readonly Field[] s_fields = FindFields();
    private static readonly ValType[] s_types = FindTypes();

    public static ReadOnlySpan<ValType> Types => s_types;

    public static bool IsTuple
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_fields.Length != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read(Store store, RawValue* slots) => IsTuple ? ReadTuple(slots) : ValueCodec<T>.Read(store, slots);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Store store, RawValue* slots, T value)
    {
        if (IsTuple)
            WriteTuple(slots, value);
        else
            ValueCodec<T>.Write(store, slots, value);
    }

    private static T ReadTuple(RawValue* slots)
    {
        Unsafe.SkipInit(out T result);
        ref byte bytes = ref Unsafe.As<T, byte>(ref result);
        foreach (Field field in s_fields)
        {
            Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref bytes, field.Offset), ref *(byte*)slots, field.Size);
            slots++;
        }
        return result;
    }

    private static void WriteTuple(RawValue* slots, T value)
    {
        ref byte bytes = ref Unsafe.As<T, byte>(ref value);
        foreach (Field field in s_fields)
        {
            slots->Low = 0;
            Unsafe.CopyBlockUnaligned(ref *(byte*)slots, ref Unsafe.Add(ref bytes, field.Offset), field.Size);
            slots++;
        }
    }

    private static bool IsValueTuple() =>
        typeof(T).IsValueType && typeof(T).IsGenericType && typeof(T).FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal);

    private static ValType[] FindTypes()
    {
        if (!IsValueTuple())
            return [ValueCodec<T>.Type];
        var types = new ValType[s_fields.Length];
        for (int i = 0; i < types.Length; i++)
            types[i] = s_fields[i].Type;
        return types;
    }

    private static Field[] FindFields()
    {
        if (!IsValueTuple())
            return [];
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
            throw new NotSupportedException($"{typeof(T)} holds references; several results of which one is a reference need the untyped Invoke");
        int size = Unsafe.SizeOf<T>();
        if (size > 250)
            throw new NotSupportedException($"{typeof(T)} is too large");
        // Byte k of the probe is k + 1, so the lowest byte of a field names its offset.
        Unsafe.SkipInit(out T probe);
        ref byte bytes = ref Unsafe.As<T, byte>(ref probe);
        for (int i = 0; i < size; i++)
            Unsafe.Add(ref bytes, i) = (byte)(i + 1);
        var tuple = (ITuple)probe!;
        var fields = new Field[tuple.Length];
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i] = tuple[i] switch
            {
                int v => new Field(ValType.I32, (byte)v - 1, 4),
                uint v => new Field(ValType.I32, (byte)v - 1, 4),
                long v => new Field(ValType.I64, (byte)v - 1, 8),
                ulong v => new Field(ValType.I64, (byte)v - 1, 8),
                float v => new Field(ValType.F32, (byte)BitConverter.SingleToUInt32Bits(v) - 1, 4),
                double v => new Field(ValType.F64, (byte)BitConverter.DoubleToUInt64Bits(v) - 1, 8),
                Vector128<byte> v => new Field(ValType.V128, v.GetElement(0) - 1, 16),
                object other => throw new NotSupportedException($"{other.GetType()} cannot be one of several results; use int, uint, long, ulong, float, double or Vector128<byte>"),
                null => throw new NotSupportedException($"{typeof(T)} cannot be the type of several results"),
            };
        }
        return fields;
    }

    private readonly record struct Field(ValType Type, int Offset, uint Size);
}

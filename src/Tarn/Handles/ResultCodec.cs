// Moves a call's results into and out of consecutive raw slots, where several results are one ValueTuple, nested ones for more than seven or as the caller
// likes. A tuple's fields are where the runtime likes, so their offsets are found once for each tuple type (TupleLayout); afterwards a result costs a copy, and
// nothing is boxed.
//
// A type that cannot be a result is refused when its types are asked for, which is when a function is defined or looked up, by an exception of its own:
// one thrown by a static constructor would come wrapped, and from then on for ever.
using System.Runtime.CompilerServices;

namespace Tarn;

internal static unsafe class ResultCodec<T>
{
    // Empty for a single result.
    private static readonly TupleField[] s_fields = FindFields();
    private static readonly ValType[] s_types = FindTypes();
    private static readonly string? s_refusal = Refusal();

    /// <summary>Gets the WebAssembly types of the results.</summary>
    /// <exception cref="NotSupportedException">The type cannot be a result.</exception>
    public static ReadOnlySpan<ValType> Types => s_refusal is null ? s_types : throw new NotSupportedException(s_refusal);

    public static bool IsTuple
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_fields.Length != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read(StoreCore store, RawValue* slots) => IsTuple ? ReadTuple(store, slots) : ValueCodec<T>.Read(store, slots);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(StoreCore store, RawValue* slots, T value)
    {
        if (IsTuple)
            WriteTuple(store, slots, value);
        else
            ValueCodec<T>.Write(store, slots, value);
    }

    private static T ReadTuple(StoreCore store, RawValue* slots)
    {
        T result = default!;
        ref byte bytes = ref Unsafe.As<T, byte>(ref result);
        foreach (TupleField field in s_fields)
        {
            field.Codec.Read(store, slots, ref Unsafe.Add(ref bytes, field.Offset));
            slots++;
        }
        return result;
    }

    private static void WriteTuple(StoreCore store, RawValue* slots, T value)
    {
        ref byte bytes = ref Unsafe.As<T, byte>(ref value);
        foreach (TupleField field in s_fields)
        {
            *slots = default;
            field.Codec.Write(store, slots, ref Unsafe.Add(ref bytes, field.Offset));
            slots++;
        }
    }

    private static ValType[] FindTypes()
    {
        if (TupleLayout.IsTuple(typeof(T)))
            return Array.ConvertAll(s_fields, field => field.Codec.Type);
        try
        {
            return [ValueCodec<T>.Type];
        }
        catch (NotSupportedException)
        {
            return [];
        }
    }

    private static TupleField[] FindFields()
    {
        try
        {
            return TupleLayout.IsTuple(typeof(T)) ? TupleLayout.Find<T>() : [];
        }
        catch (NotSupportedException)
        {
            return [];
        }
    }

    // The words of what the two above have caught.
    private static string? Refusal()
    {
        try
        {
            if (TupleLayout.IsTuple(typeof(T)))
                TupleLayout.Find<T>();
            else
                _ = ValueCodec<T>.Type;
            return null;
        }
        catch (NotSupportedException e)
        {
            return e.Message;
        }
    }
}

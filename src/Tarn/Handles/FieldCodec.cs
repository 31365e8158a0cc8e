// Moves one field of a tuple whose type is known at run time only into and out of a raw slot. One object for each type.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tarn.Handles;

namespace Tarn;

internal abstract unsafe class FieldCodec
{
    private static readonly Dictionary<Type, FieldCodec> s_values = new()
    {
        [typeof(int)] = new Of<int>(),
        [typeof(uint)] = new Of<uint>(),
        [typeof(bool)] = new Of<bool>(),
        [typeof(byte)] = new Of<byte>(),
        [typeof(sbyte)] = new Of<sbyte>(),
        [typeof(short)] = new Of<short>(),
        [typeof(ushort)] = new Of<ushort>(),
        [typeof(char)] = new Of<char>(),
        [typeof(long)] = new Of<long>(),
        [typeof(ulong)] = new Of<ulong>(),
        [typeof(nint)] = new Of<nint>(),
        [typeof(nuint)] = new Of<nuint>(),
        [typeof(float)] = new Of<float>(),
        [typeof(double)] = new Of<double>(),
        [typeof(Vector128<byte>)] = new Of<Vector128<byte>>(),
        [typeof(Vector128<sbyte>)] = new Of<Vector128<sbyte>>(),
        [typeof(Vector128<short>)] = new Of<Vector128<short>>(),
        [typeof(Vector128<ushort>)] = new Of<Vector128<ushort>>(),
        [typeof(Vector128<int>)] = new Of<Vector128<int>>(),
        [typeof(Vector128<uint>)] = new Of<Vector128<uint>>(),
        [typeof(Vector128<long>)] = new Of<Vector128<long>>(),
        [typeof(Vector128<ulong>)] = new Of<Vector128<ulong>>(),
        [typeof(Vector128<float>)] = new Of<Vector128<float>>(),
        [typeof(Vector128<double>)] = new Of<Vector128<double>>(),
        [typeof(Function)] = new Of<Function>(),
    };

    public abstract ValType Type { get; }

    /// <exception cref="NotSupportedException">The type has no WebAssembly type.</exception>
    public static FieldCodec For(Type type)
    {
        if (s_values.TryGetValue(type, out FieldCodec? codec))
            return codec;
        return type.IsValueType
            ? throw new NotSupportedException($"{type} cannot be one of several results. Use int, uint, bool, byte, sbyte, short, ushort, char, long, ulong, nint, nuint, float, double, Vector128<T> of numbers, Function, or a reference type for externref.")
            : new Reference(type);
    }

    public abstract void Read(StoreCore store, RawValue* slot, ref byte field);

    public abstract void Write(StoreCore store, RawValue* slot, ref byte field);

    private sealed class Of<T> : FieldCodec
    {
        public override ValType Type => ValueCodec<T>.Type;

        public override void Read(StoreCore store, RawValue* slot, ref byte field) => Unsafe.As<byte, T>(ref field) = ValueCodec<T>.Read(store, slot);

        public override void Write(StoreCore store, RawValue* slot, ref byte field) => ValueCodec<T>.Write(store, slot, Unsafe.As<byte, T>(ref field));
    }

    private sealed class Reference(Type type) : FieldCodec
    {
        public override ValType Type { get; } = type.IsAssignableTo(typeof(GuestReference)) ? ValType.Reference(HeapType.Any, nullable: true) : ValType.ExternRef;

        public override void Read(StoreCore store, RawValue* slot, ref byte field)
        {
            object? value = store.ToObject(slot->Low);
            // What the guest returns may be any object that it was given.
            if (value is not null && !type.IsInstanceOfType(value))
                throw new InvalidCastException($"The guest returned an object of type {value.GetType()} where the result is of type {type}.");
            Unsafe.As<byte, object?>(ref field) = value;
        }

        public override void Write(StoreCore store, RawValue* slot, ref byte field) => slot->Low = store.ToReference(Unsafe.As<byte, object?>(ref field));
    }
}

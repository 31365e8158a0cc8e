// Moves one .NET value into and out of a raw slot. Written so that the JIT folds every type test: for a value type each method
// is a move or two, and nothing is boxed. References to guests' objects are anyref, and all other reference types travel as externref through the store's table. Types narrower than 32 bits take the low bits of an
// i32 and fill it with their sign or with zeros, as the C calling convention for WebAssembly has them; native integers are i64, on whatever host.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tarn.Handles;

namespace Tarn;

internal static unsafe class ValueCodec<T>
{
    /// <summary>The WebAssembly type that <typeparamref name="T"/> stands for.</summary>
    public static ValType Type
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (typeof(T) == typeof(int) || typeof(T) == typeof(uint) || typeof(T) == typeof(bool) || IsNarrow)
                return ValType.I32;
            if (typeof(T) == typeof(long) || typeof(T) == typeof(ulong) || typeof(T) == typeof(nint) || typeof(T) == typeof(nuint))
                return ValType.I64;
            if (typeof(T) == typeof(float))
                return ValType.F32;
            if (typeof(T) == typeof(double))
                return ValType.F64;
            if (IsVector)
                return ValType.V128;
            if (typeof(T) == typeof(Function))
                return ValType.FuncRef;
            if (typeof(T).IsValueType)
                return Unsupported();
            return typeof(T).IsAssignableTo(typeof(GuestReference)) ? ValType.Reference(HeapType.Any, nullable: true) : ValType.ExternRef;
        }
    }

    private static bool IsNarrow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => typeof(T) == typeof(byte) || typeof(T) == typeof(sbyte) || typeof(T) == typeof(short) || typeof(T) == typeof(ushort) || typeof(T) == typeof(char);
    }

    // A vector of any lanes: the same 128 bits.
    private static bool IsVector
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => typeof(T) == typeof(Vector128<byte>) || typeof(T) == typeof(Vector128<sbyte>) || typeof(T) == typeof(Vector128<short>) || typeof(T) == typeof(Vector128<ushort>)
            || typeof(T) == typeof(Vector128<int>) || typeof(T) == typeof(Vector128<uint>) || typeof(T) == typeof(Vector128<long>) || typeof(T) == typeof(Vector128<ulong>)
            || typeof(T) == typeof(Vector128<float>) || typeof(T) == typeof(Vector128<double>);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read(StoreCore store, RawValue* slot)
    {
        // The low bytes come first.
        if (IsNarrow)
            return Unsafe.As<ulong, T>(ref slot->Low);
        if (typeof(T) == typeof(nint) || typeof(T) == typeof(nuint))
        {
            nuint value = (nuint)slot->Low;
            return Unsafe.As<nuint, T>(ref value);
        }
        if (typeof(T) == typeof(int) || typeof(T) == typeof(uint))
        {
            uint value = (uint)slot->Low;
            return Unsafe.As<uint, T>(ref value);
        }
        if (typeof(T) == typeof(bool))
        {
            bool value = (uint)slot->Low != 0;
            return Unsafe.As<bool, T>(ref value);
        }
        if (typeof(T) == typeof(long) || typeof(T) == typeof(ulong) || typeof(T) == typeof(double))
            return Unsafe.As<ulong, T>(ref slot->Low);
        if (typeof(T) == typeof(float))
        {
            uint value = (uint)slot->Low;
            return Unsafe.As<uint, T>(ref value);
        }
        if (IsVector)
        {
            Vector128<byte> value = Vector128.Create(slot->Low, slot->High).AsByte();
            return Unsafe.As<Vector128<byte>, T>(ref value);
        }
        if (typeof(T) == typeof(Function))
        {
            Function value = store.FunctionFromReference(slot->Low);
            return Unsafe.As<Function, T>(ref value);
        }
        return (T)store.ToObject(slot->Low)!;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(StoreCore store, RawValue* slot, T value)
    {
        if (typeof(T) == typeof(int) || typeof(T) == typeof(uint) || typeof(T) == typeof(float))
            slot->Low = Unsafe.As<T, uint>(ref value);
        else if (typeof(T) == typeof(byte))
            slot->Low = Unsafe.As<T, byte>(ref value);
        else if (typeof(T) == typeof(sbyte))
            slot->Low = (uint)Unsafe.As<T, sbyte>(ref value);
        else if (typeof(T) == typeof(short))
            slot->Low = (uint)Unsafe.As<T, short>(ref value);
        else if (typeof(T) == typeof(ushort) || typeof(T) == typeof(char))
            slot->Low = Unsafe.As<T, ushort>(ref value);
        else if (typeof(T) == typeof(nint))
            slot->Low = (ulong)(long)Unsafe.As<T, nint>(ref value);
        else if (typeof(T) == typeof(nuint))
            slot->Low = Unsafe.As<T, nuint>(ref value);
        else if (typeof(T) == typeof(bool))
            slot->Low = Unsafe.As<T, bool>(ref value) ? 1u : 0u;
        else if (typeof(T) == typeof(long) || typeof(T) == typeof(ulong) || typeof(T) == typeof(double))
            slot->Low = Unsafe.As<T, ulong>(ref value);
        else if (IsVector)
            Unsafe.As<T, Vector128<byte>>(ref value).StoreUnsafe(ref *(byte*)slot);
        else if (typeof(T) == typeof(Function))
            slot->Low = store.ReferenceFromFunction(Unsafe.As<T, Function>(ref value));
        else
            slot->Low = store.ToReference(value);
    }

    [DoesNotReturn]
    private static ValType Unsupported() => throw new NotSupportedException(
        $"{typeof(T)} has no WebAssembly type. Use int, uint, bool, byte, sbyte, short, ushort, char, long, ulong, nint, nuint, float, double, Vector128<T> of numbers, Function, a tuple of these, GuestReference or a type derived from it for anyref, or another reference type for externref.");
}

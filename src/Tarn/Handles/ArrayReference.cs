// A guest's array as the host sees it. Elements that are numbers can be copied as a block, after their size and kind were compared with what the host has.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn;

/// <summary>A reference to an array of a guest, whose elements the host can read and write. <see cref="Store.CreateArray(DefinedType, int)"/> makes one.</summary>
[DebuggerDisplay("array")]
public sealed unsafe class ArrayReference : GuestReference
{
    internal ArrayReference(StoreCore store, uint raw)
        : base(store, raw)
    {
    }

    /// <summary>Gets the array's own type, which may be a subtype of the one that it was received as.</summary>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public DefinedType Type => OwnType();

    /// <summary>Gets the number of elements.</summary>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public int Length
    {
        get
        {
            using StoreUse use = Enter();
            return LengthNow;
        }
    }

    /// <summary>Reads or writes an element. Elements of 8 and 16 bits are of kind i32: reading fills with zeros, writing takes the low bits.</summary>
    /// <param name="index">Which one, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ArgumentException">The value is not of the elements' type.</exception>
    /// <exception cref="InvalidOperationException">An element is written and the array is immutable.</exception>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public Value this[int index]
    {
        get
        {
            using StoreUse use = Enter();
            return Read(Element(index, out int offset), offset);
        }

        set
        {
            using StoreUse use = Enter();
            FieldType element = Element(index, out int offset);
            RequireMutable(element);
            Write(element, offset, value);
        }
    }

    /// <summary>Copies elements that are numbers to the host.</summary>
    /// <typeparam name="T">A number of the elements' size: <see cref="byte"/> or <see cref="sbyte"/> for i8, <see cref="short"/>, <see cref="ushort"/> or <see cref="char"/> for i16, and so on.</typeparam>
    /// <param name="start">The first element to copy.</param>
    /// <param name="destination">Receives as many elements as it has room for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The array does not have that many elements from <paramref name="start"/> on.</exception>
    /// <exception cref="ArgumentException">The elements are not numbers of the size and kind of <typeparamref name="T"/>.</exception>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public void CopyTo<T>(int start, Span<T> destination)
        where T : unmanaged
    {
        using StoreUse use = Enter();
        Elements<T>(start, destination.Length).CopyTo(destination);
    }

    /// <summary>Copies all elements, which are numbers, to a new array.</summary>
    /// <typeparam name="T">A number of the elements' size, as in <see cref="CopyTo{T}"/>.</typeparam>
    /// <exception cref="ArgumentException">The elements are not numbers of the size and kind of <typeparamref name="T"/>.</exception>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        using StoreUse use = Enter();
        return Elements<T>(0, LengthNow).ToArray();
    }

    /// <summary>Writes elements that are numbers.</summary>
    /// <typeparam name="T">A number of the elements' size, as in <see cref="CopyTo{T}"/>.</typeparam>
    /// <param name="start">The first element to write.</param>
    /// <param name="source">The numbers.</param>
    /// <exception cref="ArgumentOutOfRangeException">The array does not have that many elements from <paramref name="start"/> on.</exception>
    /// <exception cref="ArgumentException">The elements are not numbers of the size and kind of <typeparamref name="T"/>.</exception>
    /// <exception cref="InvalidOperationException">The array is immutable.</exception>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public void CopyFrom<T>(int start, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        using StoreUse use = Enter();
        RequireMutable(Shape.Fields[0]);
        source.CopyTo(Elements<T>(start, source.Length));
    }

    /// <summary>Gives an element of a new array its value. Inside the store.</summary>
    internal void Initialize(int index, Value value) => Write(Element(index, out int offset), offset, value);

    /// <summary>Gives the elements of a new array their values. Inside the store.</summary>
    internal void Initialize<T>(ReadOnlySpan<T> values)
        where T : unmanaged => values.CopyTo(Elements<T>(0, values.Length));

    /// <summary>Refuses elements that are not numbers of a type's size and kind.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    internal static void RequireElements<T>(ValType storage)
        where T : unmanaged
    {
        if (!IsElement<T>(storage))
            throw new ArgumentException($"Elements of type {storage} cannot be copied as {typeof(T)}.");
    }

    // Lengths have 32 bits, but the bytes of an array are far less than that.
    private int LengthNow => (int)*(uint*)(Heap.Base + Raw() + ObjectLayout.Length);

    private static void RequireMutable(FieldType element)
    {
        if (!element.IsMutable)
            throw new InvalidOperationException("The array is immutable.");
    }

    private FieldType Element(int index, out int offset)
    {
        int length = LengthNow;
        if ((uint)index >= (uint)length)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"The array has {length} elements.");
        TypeShape shape = Shape;
        offset = ObjectLayout.Elements + (index << shape.ElementShift);
        return shape.Fields[0];
    }

    private Span<T> Elements<T>(int start, int count)
        where T : unmanaged
    {
        RequireElements<T>(Shape.Fields[0].Storage);
        int length = LengthNow;
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        if (count > length - start)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"The array has {length} elements, and {count} from {start} on are wanted.");
        return new Span<T>(Heap.Base + Raw() + ObjectLayout.Elements + ((long)start * sizeof(T)), count);
    }

    private static bool IsElement<T>(ValType storage)
        where T : unmanaged
    {
        if (storage.IsReference || storage.Size != Unsafe.SizeOf<T>())
            return false;
        if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
            return storage == ValType.F32 || storage == ValType.F64;
        return storage == ValType.V128
            ? !typeof(T).IsPrimitive
            : (typeof(T).IsPrimitive && typeof(T) != typeof(bool) && storage != ValType.F32 && storage != ValType.F64);
    }
}

// A guest's structure as the host sees it.
using System.Diagnostics;

namespace Tarn;

/// <summary>A reference to a structure of a guest, whose fields the host can read and write. <see cref="Store.CreateStruct"/> makes one.</summary>
[DebuggerDisplay("struct")]
public sealed class StructReference : GuestReference
{
    internal StructReference(StoreCore store, uint raw)
        : base(store, raw)
    {
    }

    /// <summary>Gets the structure's own type, which may be a subtype of the one that it was received as.</summary>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public DefinedType Type => OwnType();

    /// <summary>Gets the number of fields.</summary>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public int FieldCount
    {
        get
        {
            using StoreUse use = Enter();
            return Shape.Fields.Length;
        }
    }

    /// <summary>Reads or writes a field. Fields of 8 and 16 bits are of kind i32: reading fills with zeros, writing takes the low bits.</summary>
    /// <param name="index">Which one, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such field.</exception>
    /// <exception cref="ArgumentException">The value is not of the field's type.</exception>
    /// <exception cref="InvalidOperationException">The field is written and immutable.</exception>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public Value this[int index]
    {
        get
        {
            using StoreUse use = Enter();
            return Read(Field(index, out int offset), offset);
        }

        set
        {
            using StoreUse use = Enter();
            FieldType field = Field(index, out int offset);
            if (!field.IsMutable)
                throw new InvalidOperationException($"Field {index} of the structure is immutable.");
            Write(field, offset, value);
        }
    }

    /// <summary>Gives a field of a new structure its value. Inside the store.</summary>
    internal void Initialize(int index, Value value) => Write(Field(index, out int offset), offset, value);

    private FieldType Field(int index, out int offset)
    {
        Heaps.TypeShape shape = Shape;
        if ((uint)index >= (uint)shape.Fields.Length)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"The structure has {shape.Fields.Length} fields.");
        offset = shape.FieldOffsets[index];
        return shape.Fields[index];
    }
}

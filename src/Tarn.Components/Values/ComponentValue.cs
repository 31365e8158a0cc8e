// A value of the component model for hosts that learn of types at run time. Immutable but for the resource that it may hold; equal if it means the same.
//
// A list of bytes keeps them as bytes. A string that came from a guest remembers how it was encoded there, which decides how its memory is allocated in the next guest (CanonicalABI.md,
// "Storing"); two strings with the same text are equal all the same.
using System.Globalization;
using System.Text;

namespace Tarn.Components;

/// <summary>Represents a value that a component takes or returns.</summary>
public sealed class ComponentValue : IEquatable<ComponentValue>
{
    private static readonly ComponentValue[] s_none = [];

    private readonly ComponentValue[] _items = s_none;
    private readonly string[] _names = [];
    private readonly byte[]? _bytes;

    private ComponentValue(ComponentValueKind kind, ulong bits = 0, string? text = null)
    {
        Kind = kind;
        Bits = bits;
        Text = text ?? "";
    }

    private ComponentValue(ComponentValueKind kind, ComponentValue[] items, string[]? names = null, string? text = null)
        : this(kind, 0, text)
    {
        _items = items;
        _names = names ?? [];
    }

    private ComponentValue(byte[] bytes)
        : this(ComponentValueKind.List) => _bytes = bytes;

    /// <summary>Gets the kind of the value.</summary>
    public ComponentValueKind Kind { get; }

    /// <summary>Gets the number of elements of a list or tuple, of fields of a record, or of flags that are set; 1 for a case with a payload.</summary>
    public int Count => _bytes?.Length ?? (Kind == ComponentValueKind.Flags ? _names.Length : _items.Length);

    /// <summary>Gets the name of the case of a variant, enumeration, option (<c>none</c>, <c>some</c>) or result (<c>ok</c>, <c>error</c>).</summary>
    /// <exception cref="InvalidOperationException">The value has no cases.</exception>
    public string Case => Kind is ComponentValueKind.Variant or ComponentValueKind.Enum or ComponentValueKind.Option or ComponentValueKind.Result ? Text : throw Wrong("a case");

    /// <summary>Gets the names of a record's fields, or of the flags that are set.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Gets the payload of a case, or <see langword="null"/> where it has none.</summary>
    /// <exception cref="InvalidOperationException">The value has no cases.</exception>
    public ComponentValue? Payload
    {
        get
        {
            _ = Case;
            return _items.Length == 0 ? null : _items[0];
        }
    }

    internal ulong Bits { get; }

    internal string Text { get; }

    internal byte[]? ByteItems => _bytes;

    internal ReadOnlySpan<ComponentValue> Items => _items;

    /// <summary>How a string was encoded where it comes from, and how many code units it had; with the bit of UTF-16 where the encoding is the mixed one.</summary>
    internal (StringEncoding Encoding, uint Units)? Origin { get; private init; }

    /// <summary>The resource of a handle.</summary>
    internal ComponentResource? Handle { get; private init; }

    /// <summary>Gets an element of a list or tuple, or the value of a record's field by its position.</summary>
    /// <param name="index">The position, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    public ComponentValue this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return _bytes is null ? _items[index] : FromUInt8(_bytes[index]);
        }
    }

    /// <summary>Gets the value of a record's field.</summary>
    /// <param name="name">The field's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such field.</exception>
    public ComponentValue this[string name]
    {
        get
        {
            int index = Kind == ComponentValueKind.Record ? Array.IndexOf(_names, name) : -1;
            return index < 0 ? throw new KeyNotFoundException($"The value has no field named '{name}'.") : _items[index];
        }
    }

    /// <summary>Creates a Boolean value.</summary>
    public static ComponentValue FromBoolean(bool value) => new(ComponentValueKind.Bool, value ? 1UL : 0);

    /// <summary>Creates a signed 8-bit integer.</summary>
    public static ComponentValue FromInt8(sbyte value) => new(ComponentValueKind.S8, (ulong)value);

    /// <summary>Creates an unsigned 8-bit integer.</summary>
    public static ComponentValue FromUInt8(byte value) => new(ComponentValueKind.U8, value);

    /// <summary>Creates a signed 16-bit integer.</summary>
    public static ComponentValue FromInt16(short value) => new(ComponentValueKind.S16, (ulong)value);

    /// <summary>Creates an unsigned 16-bit integer.</summary>
    public static ComponentValue FromUInt16(ushort value) => new(ComponentValueKind.U16, value);

    /// <summary>Creates a signed 32-bit integer.</summary>
    public static ComponentValue FromInt32(int value) => new(ComponentValueKind.S32, (ulong)value);

    /// <summary>Creates an unsigned 32-bit integer.</summary>
    public static ComponentValue FromUInt32(uint value) => new(ComponentValueKind.U32, value);

    /// <summary>Creates a signed 64-bit integer.</summary>
    public static ComponentValue FromInt64(long value) => new(ComponentValueKind.S64, (ulong)value);

    /// <summary>Creates an unsigned 64-bit integer.</summary>
    public static ComponentValue FromUInt64(ulong value) => new(ComponentValueKind.U64, value);

    /// <summary>Creates a 32-bit floating-point number.</summary>
    public static ComponentValue FromSingle(float value) => new(ComponentValueKind.F32, BitConverter.SingleToUInt32Bits(value));

    /// <summary>Creates a 64-bit floating-point number.</summary>
    public static ComponentValue FromDouble(double value) => new(ComponentValueKind.F64, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Creates a character.</summary>
    public static ComponentValue FromRune(Rune value) => new(ComponentValueKind.Char, (uint)value.Value);

    /// <summary>Creates a string.</summary>
    /// <exception cref="ArgumentException">The string holds a surrogate without its partner.</exception>
    public static ComponentValue FromString(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        for (int i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i]))
                continue;
            if (i + 1 >= value.Length || !char.IsSurrogatePair(value[i], value[i + 1]))
                throw new ArgumentException($"The string holds a surrogate without its partner at position {i}.", nameof(value));
            i++;
        }

        return new ComponentValue(ComponentValueKind.String, 0, value);
    }

    /// <summary>Creates a list of unsigned 8-bit integers.</summary>
    public static ComponentValue FromBytes(ReadOnlySpan<byte> value) => new(value.ToArray());

    /// <summary>Creates a list.</summary>
    public static ComponentValue FromList(params ReadOnlySpan<ComponentValue> items) => new(ComponentValueKind.List, items.ToArray());

    /// <summary>Creates a tuple.</summary>
    public static ComponentValue FromTuple(params ReadOnlySpan<ComponentValue> items) => new(ComponentValueKind.Tuple, items.ToArray());

    /// <summary>Creates a record.</summary>
    /// <param name="fields">Names and values in the order of the record's type.</param>
    public static ComponentValue FromRecord(params ReadOnlySpan<(string Name, ComponentValue Value)> fields)
    {
        var items = new ComponentValue[fields.Length];
        string[] names = new string[fields.Length];
        for (int i = 0; i < fields.Length; i++)
            (names[i], items[i]) = fields[i];
        return new ComponentValue(ComponentValueKind.Record, items, names);
    }

    /// <summary>Creates a case of a variant.</summary>
    public static ComponentValue FromVariant(string name, ComponentValue? payload = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new ComponentValue(ComponentValueKind.Variant, payload is null ? s_none : [payload], null, name);
    }

    /// <summary>Creates a case of an enumeration.</summary>
    public static ComponentValue FromEnum(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new ComponentValue(ComponentValueKind.Enum, 0, name);
    }

    /// <summary>Creates an option.</summary>
    /// <param name="value">The value, or <see langword="null"/> for none.</param>
    public static ComponentValue FromOption(ComponentValue? value) => new(ComponentValueKind.Option, value is null ? s_none : [value], null, value is null ? "none" : "some");

    /// <summary>Creates the result of an operation that succeeded.</summary>
    public static ComponentValue Ok(ComponentValue? value = null) => new(ComponentValueKind.Result, value is null ? s_none : [value], null, "ok");

    /// <summary>Creates the result of an operation that failed.</summary>
    public static ComponentValue Error(ComponentValue? value = null) => new(ComponentValueKind.Result, value is null ? s_none : [value], null, "error");

    /// <summary>Creates a set of flags.</summary>
    /// <param name="names">The flags that are set.</param>
    public static ComponentValue FromFlags(params ReadOnlySpan<string> names) => new(ComponentValueKind.Flags, s_none, names.ToArray());

    /// <summary>Creates a handle of a resource: passed where the callee takes ownership, the resource is no longer the caller's; passed where it borrows, it is lent for the call.</summary>
    public static ComponentValue FromResource(ComponentResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ComponentValue(ComponentValueKind.Resource) { Handle = resource };
    }

    /// <summary>Returns the value as a Boolean.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public bool AsBoolean() => BitsOf(ComponentValueKind.Bool) != 0;

    /// <summary>Returns the value as a signed 8-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public sbyte AsInt8() => (sbyte)BitsOf(ComponentValueKind.S8);

    /// <summary>Returns the value as an unsigned 8-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public byte AsUInt8() => (byte)BitsOf(ComponentValueKind.U8);

    /// <summary>Returns the value as a signed 16-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public short AsInt16() => (short)BitsOf(ComponentValueKind.S16);

    /// <summary>Returns the value as an unsigned 16-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public ushort AsUInt16() => (ushort)BitsOf(ComponentValueKind.U16);

    /// <summary>Returns the value as a signed 32-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public int AsInt32() => (int)BitsOf(ComponentValueKind.S32);

    /// <summary>Returns the value as an unsigned 32-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public uint AsUInt32() => (uint)BitsOf(ComponentValueKind.U32);

    /// <summary>Returns the value as a signed 64-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public long AsInt64() => (long)BitsOf(ComponentValueKind.S64);

    /// <summary>Returns the value as an unsigned 64-bit integer.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public ulong AsUInt64() => BitsOf(ComponentValueKind.U64);

    /// <summary>Returns the value as a 32-bit floating-point number.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public float AsSingle() => BitConverter.UInt32BitsToSingle((uint)BitsOf(ComponentValueKind.F32));

    /// <summary>Returns the value as a 64-bit floating-point number.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public double AsDouble() => BitConverter.UInt64BitsToDouble(BitsOf(ComponentValueKind.F64));

    /// <summary>Returns the value as a character.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public Rune AsRune() => new((uint)BitsOf(ComponentValueKind.Char));

    /// <summary>Returns the value as a string.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public string AsString() => Kind == ComponentValueKind.String ? Text : throw Wrong("a string");

    /// <summary>Returns the bytes of a list of unsigned 8-bit integers.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public byte[] AsBytes() => _bytes is not null
        ? [.. _bytes]
        : Kind == ComponentValueKind.List ? Array.ConvertAll(_items, item => item.AsUInt8()) : throw Wrong("a list of bytes");

    /// <summary>Returns the resource of a handle. Where the handle is owned, the caller is now its owner and disposes it.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    public ComponentResource AsResource() => Handle ?? throw Wrong("a resource");

    /// <summary>Returns whether a flag is set.</summary>
    public bool HasFlag(string name) => Kind == ComponentValueKind.Flags && Array.IndexOf(_names, name) >= 0;

    /// <inheritdoc/>
    public bool Equals(ComponentValue? other)
    {
        if (other is null || Kind != other.Kind || Bits != other.Bits || Text != other.Text || Handle != other.Handle || Count != other.Count)
            return false;
        if (_bytes is not null && other._bytes is not null)
            return _bytes.AsSpan().SequenceEqual(other._bytes);
        if (Kind == ComponentValueKind.Flags)
            return _names.ToHashSet().SetEquals(other._names);
        if (!_names.AsSpan().SequenceEqual(other._names))
            return false;
        for (int i = 0; i < Count; i++)
        {
            if (!this[i].Equals(other[i]))
                return false;
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ComponentValue);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Bits, Text, Count);

    /// <summary>Returns the value in the notation of WAVE, as far as it can be told without the type.</summary>
    public override string ToString() => Kind switch
    {
        ComponentValueKind.Bool => Bits != 0 ? "true" : "false",
        ComponentValueKind.S8 or ComponentValueKind.S16 or ComponentValueKind.S32 or ComponentValueKind.S64 => ((long)Bits).ToString(CultureInfo.InvariantCulture),
        ComponentValueKind.F32 => AsSingle().ToString("R", CultureInfo.InvariantCulture),
        ComponentValueKind.F64 => AsDouble().ToString("R", CultureInfo.InvariantCulture),
        ComponentValueKind.Char => $"'{AsRune()}'",
        ComponentValueKind.String => $"\"{Text}\"",
        ComponentValueKind.List => $"[{string.Join(", ", Enumerable.Range(0, Count).Select(i => this[i]))}]",
        ComponentValueKind.Tuple => $"({string.Join(", ", (object[])_items)})",
        ComponentValueKind.Record => $"{{{string.Join(", ", _names.Zip(_items, (name, item) => $"{name}: {item}"))}}}",
        ComponentValueKind.Flags => $"{{{string.Join(", ", _names)}}}",
        ComponentValueKind.Variant or ComponentValueKind.Enum or ComponentValueKind.Option or ComponentValueKind.Result => _items.Length == 0 ? Text : $"{Text}({_items[0]})",
        ComponentValueKind.Resource => "resource",
        _ => Bits.ToString(CultureInfo.InvariantCulture),
    };

    internal static ComponentValue FromBits(ComponentValueKind kind, ulong bits) => new(kind, bits);

    internal static ComponentValue FromGuestString(string text, StringEncoding encoding, uint units) => new(ComponentValueKind.String, 0, text) { Origin = (encoding, units) };

    internal static ComponentValue FromOwnedBytes(byte[] bytes) => new(bytes);

    internal static ComponentValue FromItems(ComponentValueKind kind, ComponentValue[] items, string[]? names = null, string? text = null) => new(kind, items, names, text);

    private ulong BitsOf(ComponentValueKind kind) => Kind == kind ? Bits : throw Wrong(kind.ToString());

    private InvalidOperationException Wrong(string wanted) => new($"The value is of the kind {Kind}, and {wanted} was asked for.");
}

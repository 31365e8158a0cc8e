// An attribute's value: its form and a number, which for texts and blocks is where they are.
namespace Tarn.Symbols;

internal readonly record struct DwarfValue(ulong Form, ulong Number)
{
    public const ulong Address = 0x01;
    public const ulong String = 0x08;
    public const ulong StringPointer = 0x0e;
    public const ulong ReferenceAddress = 0x10;
    public const ulong ReferenceUnsigned = 0x15;
    public const ulong SectionOffset = 0x17;
    public const ulong StringIndex = 0x1a;
    public const ulong AddressIndex = 0x1b;
    public const ulong LineStringPointer = 0x1f;
    public const ulong RangeListIndex = 0x23;
    private const ulong Indirect = 0x16;
    private const ulong ImplicitConstant = 0x21;

    public bool IsPresent => Form != 0;

    /// <summary>Whether the value is an address, or the number of one.</summary>
    public bool IsAddress => Form is Address or AddressIndex or >= 0x29 and <= 0x2c;

    /// <summary>Reads a value.</summary>
    public static DwarfValue Read(ref DwarfReader reader, ulong form, int addressSize, long implicitConstant)
    {
        // Some forms have no bytes, and may be written by the thousand.
        reader.Spend();
        if (form == Indirect)
        {
            form = reader.Unsigned();
            if (form is Indirect or ImplicitConstant)
                throw new DwarfException();
        }
        int at = reader.At;
        switch (form)
        {
            case Address:
                return new(form, reader.Sized(addressSize));
            case 0x0b or 0x11 or 0x0c or 0x25 or 0x29:
                return new(form, reader.U8());
            case 0x05 or 0x12 or 0x26 or 0x2a:
                return new(form, reader.U16());
            case 0x27 or 0x2b:
                return new(form, reader.U8() | ((ulong)reader.U16() << 8));
            case 0x06 or 0x13 or StringPointer or ReferenceAddress or SectionOffset or 0x1c or 0x1d or LineStringPointer or 0x28 or 0x2c:
                return new(form, reader.U32());
            case 0x07 or 0x14 or 0x20 or 0x24:
                return new(form, reader.U64());
            case String:
                reader.SkipText();
                return new(form, (ulong)at);
            case 0x0d:
                return new(form, (ulong)reader.Signed());
            case 0x0f or ReferenceUnsigned or StringIndex or AddressIndex or 0x22 or RangeListIndex:
                return new(form, reader.Unsigned());
            case 0x19:
                return new(form, 1);
            case ImplicitConstant:
                return new(form, (ulong)implicitConstant);
            case 0x03:
                reader.Skip(reader.U16());
                return new(form, (ulong)at);
            case 0x04:
                reader.Skip(reader.U32());
                return new(form, (ulong)at);
            case 0x0a:
                reader.Skip(reader.U8());
                return new(form, (ulong)at);
            case 0x09 or 0x18:
                reader.Skip(reader.Unsigned() is <= int.MaxValue and ulong length ? (long)length : -1);
                return new(form, (ulong)at);
            case 0x1e:
                reader.Skip(16);
                return new(form, (ulong)at);
            default:
                throw new DwarfException();
        }
    }
}

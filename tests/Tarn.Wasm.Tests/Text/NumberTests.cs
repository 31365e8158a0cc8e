// Numbers of the text format. Hexadecimal and decimal floats are held against exact arithmetic on big integers: the float that is nearest to the written value,
// ties to even, found by comparing the value with the midpoints between neighbours.
using System.Globalization;
using System.Numerics;
using System.Text;
using CsCheck;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Tests.Text;

public sealed class NumberTests
{
    [Theory]
    [InlineData("0", "Natural")]
    [InlineData("0x_1", "End")]
    [InlineData("1_000", "Natural")]
    [InlineData("1__0", "End")]
    [InlineData("1_", "End")]
    [InlineData("-0xFf", "Integer")]
    [InlineData("+7", "Integer")]
    [InlineData("0x", "End")]
    [InlineData("1.", "Float")]
    [InlineData("1.e5", "Float")]
    [InlineData("1e", "End")]
    [InlineData("1.5E+1_0", "Float")]
    [InlineData("0x1.8p-3", "Float")]
    [InlineData("0x1.p1", "Float")]
    [InlineData("0x1p", "End")]
    [InlineData("0x1pA", "End")]
    [InlineData("0x1e5", "Natural")]
    [InlineData(".5", "End")]
    [InlineData("-inf", "Float")]
    [InlineData("nan", "Float")]
    [InlineData("nan:0x1", "Float")]
    [InlineData("nan:1", "End")]
    [InlineData("1_.5", "End")]
    [InlineData("1._5", "End")]
    public void Words_are_told_apart(string word, string kind) =>
        Assert.Equal(kind, NumberSyntax.Classify(Encoding.ASCII.GetBytes(word)).ToString());

    [Theory]
    [InlineData("4294967295", 32, 0xFFFF_FFFFUL)]
    [InlineData("-2147483648", 32, 0xFFFF_FFFF_8000_0000UL)]
    [InlineData("+2147483647", 32, 0x7FFF_FFFFUL)]
    [InlineData("18446744073709551615", 64, ulong.MaxValue)]
    [InlineData("-9223372036854775808", 64, 0x8000_0000_0000_0000UL)]
    [InlineData("0xff", 8, 0xFFUL)]
    public void Integers_in_range(string word, int bits, ulong expected)
    {
        Assert.True(NumberSyntax.TryInteger(Encoding.ASCII.GetBytes(word), bits, out ulong value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("4294967296", 32)]
    [InlineData("-2147483649", 32)]
    [InlineData("+2147483648", 32)]
    [InlineData("18446744073709551616", 64)]
    [InlineData("0x1_0000_0000_0000_0000", 64)]
    [InlineData("-129", 8)]
    public void Integers_out_of_range(string word, int bits) => Assert.False(NumberSyntax.TryInteger(Encoding.ASCII.GetBytes(word), bits, out _));

    [Theory]
    [InlineData("0x1.fffffep127", 0x7F7F_FFFFu)]
    [InlineData("0x1.fffffefffffffffffp127", 0x7F7F_FFFFu)]
    [InlineData("0x1p-149", 1u)]
    [InlineData("0x1p-150", 0u)]
    [InlineData("0x1.000000000000000001p-150", 1u)]
    [InlineData("0x1.8p-149", 2u)]
    [InlineData("-0x0p99999999999999999999", 0x8000_0000u)]
    [InlineData("0x1.000001p0", 0x3F80_0000u)]
    [InlineData("0x1.00000100000000000000000001p0", 0x3F80_0001u)]
    [InlineData("0x1.000003p0", 0x3F80_0002u)]
    [InlineData("1.00000005960464477539062500000000000000000000000001", 0x3F80_0001u)]
    [InlineData("1.000000059604644775390625", 0x3F80_0000u)]
    [InlineData("nan", 0x7FC0_0000u)]
    [InlineData("-nan:0x7fffff", 0xFFFF_FFFFu)]
    [InlineData("0.000_000_1e+7", 0x3F80_0000u)]
    public void Floats_of_32_bits(string word, uint expected)
    {
        Assert.True(NumberSyntax.TryFloat32(Encoding.ASCII.GetBytes(word), out uint bits));
        Assert.Equal(expected, bits);
    }

    [Theory]
    [InlineData("0x1p128")]
    [InlineData("0x1.ffffffp127")]
    [InlineData("3.5e38")]
    [InlineData("340282356779733661637539395458142568448")]
    [InlineData("nan:0x0")]
    [InlineData("nan:0x800000")]
    [InlineData("0x1p9999999999999999999999")]
    public void Floats_of_32_bits_out_of_range(string word) => Assert.False(NumberSyntax.TryFloat32(Encoding.ASCII.GetBytes(word), out _));

    [Fact]
    public void Long_digit_strings_with_opposite_exponents_are_exact()
    {
        Assert.True(NumberSyntax.TryFloat64(Encoding.ASCII.GetBytes("0." + new string('0', 20000) + "1e20001"), out ulong bits));
        Assert.Equal(BitConverter.DoubleToUInt64Bits(1.0), bits);
        Assert.True(NumberSyntax.TryFloat64(Encoding.ASCII.GetBytes("1" + new string('0', 20000) + "e-20000"), out bits));
        Assert.Equal(BitConverter.DoubleToUInt64Bits(1.0), bits);
        Assert.True(NumberSyntax.TryFloat64(Encoding.ASCII.GetBytes("0x1" + new string('0', 20000) + "p-80000"), out bits));
        Assert.Equal(BitConverter.DoubleToUInt64Bits(1.0), bits);
    }

    [Fact]
    public void Hexadecimal_floats_round_as_exact_arithmetic_does() =>
        Gen.Select(Gen.Byte.Array[1, 14], Gen.Int[0, 20], Gen.OneOf(Gen.Int[-1200, 1100], Gen.Int[-180, 140])).Sample((digits, fraction, exponent) =>
        {
            string hex = Convert.ToHexString(digits);
            int point = Math.Min(fraction, hex.Length - 1);
            string word = $"0x{hex[..^point]}.{hex[^point..]}p{exponent.ToString(CultureInfo.InvariantCulture)}";
            BigInteger numerator = BigInteger.Parse("0" + hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Check(word, numerator, exponent - (4 * point), 2);
        }, iter: 20_000);

    [Fact]
    public void Decimal_floats_round_as_exact_arithmetic_does() =>
        Gen.Select(Gen.Char['0', '9'].Array[1, 40], Gen.OneOf(Gen.Int[-370, 320], Gen.Int[-60, 40])).Sample((digits, exponent) =>
        {
            string text = new(digits);
            Check($"{text}e{exponent.ToString(CultureInfo.InvariantCulture)}", BigInteger.Parse(text, CultureInfo.InvariantCulture), exponent, 10);
        }, iter: 5_000);

    private static void Check(string word, BigInteger significand, int exponent, int radix)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(word);
        BigInteger numerator = exponent >= 0 ? significand * BigInteger.Pow(radix, exponent) : significand;
        BigInteger denominator = exponent >= 0 ? BigInteger.One : BigInteger.Pow(radix, -exponent);
        bool valid32 = NumberSyntax.TryFloat32(bytes, out uint bits32);
        AssertNearest(word, numerator, denominator, valid32 ? bits32 : null, 23, 8);
        bool valid64 = NumberSyntax.TryFloat64(bytes, out ulong bits64);
        AssertNearest(word, numerator, denominator, valid64 ? bits64 : null, 52, 11);
    }

    private static void AssertNearest(string word, BigInteger numerator, BigInteger denominator, ulong? bits, int mantissa, int exponentBits)
    {
        ulong infinity = ((1UL << exponentBits) - 1) << mantissa;
        ulong found = bits ?? infinity;
        // Midpoints to both neighbours, scaled by two so that they are integers times a power of two.
        int upper = CompareToMidpoint(numerator, denominator, found, mantissa, exponentBits);
        bool even = (found & 1) == 0;
        if (found != infinity)
            Assert.True(upper < 0 || (upper == 0 && even), $"{word} is too low: {found:x}");
        if (found != 0)
        {
            int lower = CompareToMidpoint(numerator, denominator, found - 1, mantissa, exponentBits);
            Assert.True(lower > 0 || (lower == 0 && even), $"{word} is too high: {found:x}");
        }
    }

    /// <summary>Compares a fraction with the midpoint between a float and the next one up.</summary>
    private static int CompareToMidpoint(BigInteger numerator, BigInteger denominator, ulong bits, int mantissa, int exponentBits)
    {
        int field = (int)(bits >> mantissa);
        BigInteger significand = bits & ((1UL << mantissa) - 1);
        if (field != 0)
            significand += BigInteger.One << mantissa;
        int exponent = Math.Max(field, 1) - ((1 << (exponentBits - 1)) - 1) - mantissa - 1;
        BigInteger middle = (significand * 2) + 1;
        return exponent >= 0
            ? numerator.CompareTo((middle << exponent) * denominator)
            : (numerator << -exponent).CompareTo(middle * denominator);
    }
}

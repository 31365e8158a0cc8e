// Division and remainder by constants, which are compiled to multiplications: each multiplier and shift is derived from its divisor, so it is the divisors that have to be tried. Those around
// powers of two, at both ends of each width, multiples of them, and random ones of every length, against dividends around multiples of the divisor and at the ends; what
// is right is what .NET's own division says. (Divisors above 2^63 were wrong once: their multiplier was computed from 2^128 in 128 bits. Random modules seldom have any.)
using System.Globalization;
using System.Text;

namespace Tarn.Runtime.Tests.Arithmetic;

public sealed class DivisionByConstantTests
{
    private const int FunctionsOfOneModule = 400;

    [Fact]
    public void Quotients_and_remainders_of_32_bits_are_right() => Check("i32", [.. Divisors(32).Select(d => (ulong)(uint)d).Where(d => d != 0).Distinct()], 32);

    [Fact]
    public void Quotients_and_remainders_of_64_bits_are_right() => Check("i64", [.. Divisors(64).Where(d => d != 0).Distinct()], 64);

    private static IEnumerable<ulong> Divisors(int width)
    {
        var random = new Random(20261129);
        for (ulong small = 1; small <= 130; small++)
            yield return small;
        foreach (ulong known in (ulong[])[641, 1000, 3600, 10_000, 86_400, 1_000_000, 1_000_000_007, 6_700_417, 10_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000])
            yield return known;
        for (int bit = 0; bit < width; bit++)
        {
            ulong power = 1UL << bit;
            foreach (ulong by in (ulong[])[0, 1, 2, 3, power >> 1, (power >> 1) + 1, power >> 2, power / 3, power - (power / 5)])
            {
                yield return power + by;
                yield return power - by;
                yield return 0 - (power + by);
            }
            for (int i = 0; i < 12; i++)
                yield return power | ((ulong)random.NextInt64(long.MinValue, long.MaxValue) & (power - 1));
        }
    }

    private static void Check(string type, ulong[] divisors, int width)
    {
        string[] operations = ["div_u", "rem_u", "div_s", "rem_s"];
        using var engine = new Engine();
        var random = new Random(7);
        long compared = 0;
        foreach (ulong[] some in divisors.Chunk(FunctionsOfOneModule / operations.Length))
        {
            var text = new StringBuilder("(module\n");
            foreach (ulong divisor in some)
            {
                foreach (string operation in operations)
                    text.Append(CultureInfo.InvariantCulture, $"(func (export \"{operation} {divisor}\") (param {type}) (result {type}) ({type}.{operation} (local.get 0) ({type}.const {divisor})))\n");
            }
            using Module module = Module.FromText(engine, text.Append(')').ToString());
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance instance = template.Instantiate();
            foreach (ulong divisor in some)
            {
                foreach (string operation in operations)
                {
                    Func<ulong, ulong?> run = width == 32 ? Narrow(instance, operation, divisor) : Wide(instance, operation, divisor);
                    foreach (ulong dividend in Dividends(random, divisor, width))
                    {
                        ulong? expected = Divide(operation, dividend, divisor, width);
                        ulong? actual = run(dividend);
                        Assert.True(expected == actual, $"{type}.{operation} {dividend} by {divisor} is {expected}, not {actual}");
                        compared++;
                    }
                }
            }
        }
        Assert.True(compared > 50_000, $"{compared}");
    }

    private static Func<ulong, ulong?> Narrow(Instance instance, string operation, ulong divisor)
    {
        TypedFunction<int, int> function = instance.GetFunction<int, int>(Name(operation, divisor));
        return dividend => function.TryInvoke((int)dividend, out int result, out _) ? (uint)result : null;
    }

    private static Func<ulong, ulong?> Wide(Instance instance, string operation, ulong divisor)
    {
        TypedFunction<long, long> function = instance.GetFunction<long, long>(Name(operation, divisor));
        return dividend => function.TryInvoke((long)dividend, out long result, out _) ? (ulong)result : null;
    }

    private static string Name(string operation, ulong divisor) => string.Create(CultureInfo.InvariantCulture, $"{operation} {divisor}");

    private static IEnumerable<ulong> Dividends(Random random, ulong divisor, int width)
    {
        ulong mask = width == 32 ? uint.MaxValue : ulong.MaxValue;
        ulong most = 1UL << (width - 1);
        foreach (ulong near in (ulong[])[0, divisor, 2 * divisor, 0 - divisor, mask / divisor * divisor, most / divisor * divisor, 0 - (most / divisor * divisor), most])
        {
            yield return (near - 1) & mask;
            yield return near & mask;
            yield return (near + 1) & mask;
        }
        for (int i = 0; i < 6; i++)
            yield return (ulong)random.NextInt64(long.MinValue, long.MaxValue) & mask;
    }

    // Null where it traps: the smallest integer by -1.
    private static ulong? Divide(string operation, ulong a, ulong b, int width) => (operation, width) switch
    {
        ("div_u", _) => a / b,
        ("rem_u", _) => a % b,
        ("div_s", 32) => (int)a == int.MinValue && (int)b == -1 ? null : (uint)((int)a / (int)b),
        ("rem_s", 32) => (int)b == -1 ? 0 : (uint)((int)a % (int)b),
        ("div_s", _) => (long)a == long.MinValue && (long)b == -1 ? null : (ulong)((long)a / (long)b),
        _ => (long)b == -1 ? 0 : (ulong)((long)a % (long)b),
    };
}

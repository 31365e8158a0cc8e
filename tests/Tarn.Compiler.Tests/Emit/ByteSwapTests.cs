// Trees of shifts, masks, rotations and ors that swap bytes are one instruction, and any others, however near, mean what they say: random ones are
// held against the same tree computed here.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Tarn.TestSupport;

namespace Tarn.Compiler.Tests.Emit;

public sealed class ByteSwapTests
{
    private static readonly ulong[] s_values = [0, 0x01020304, 0x80FF7F01, 0x0102030405060708, 0xFEDCBA9876543210, ulong.MaxValue, 0xFF, 0xFF00000000000000];

    // How clang writes them, and with rotations.
    private const string Swap32 = """
          v1:i32 = const 24
          v2:i32 = const 8
          v3:i32 = const 65280
          v4:i32 = shl v0, v1
          v5:i32 = and v0, v3
          v6:i32 = shl v5, v2
          v7:i32 = or v4, v6
          v8:i32 = shr.u v0, v2
          v9:i32 = and v8, v3
          v10:i32 = shr.u v0, v1
          v11:i32 = or v9, v10
          v12:i32 = or v7, v11
          return(v12)
        """;

    private const string Rotated32 = """
          v1:i32 = const 8
          v2:i32 = const 16711935
          v3:i32 = const -16711936
          v4:i32 = rotl v0, v1
          v5:i32 = and v4, v2
          v6:i32 = rotr v0, v1
          v7:i32 = and v6, v3
          v8:i32 = or v5, v7
          return(v8)
        """;

    [Theory]
    [InlineData(Swap32)]
    [InlineData(Rotated32)]
    public void Bytes_of_32_bits_are_swapped_at_once(string body)
    {
        using var runner = new CodeRunner();
        var code = runner.Load($"function 0 (i32) -> (i32)\nblock0(v0:i32):\n{body}");
        var text = Disassembler.Format(code.Code, withBytes: false);
        Assert.Contains("bswap", text, StringComparison.Ordinal);
        Assert.DoesNotContain("or ", text, StringComparison.Ordinal);
        foreach (var value in s_values)
        {
            Assert.Equal(BinaryPrimitives.ReverseEndianness((uint)value), Run(runner, 0, (uint)value));
        }
    }

    [Fact]
    public void Bytes_of_64_bits_are_swapped_at_once()
    {
        var body = new StringBuilder("function 0 (i64) -> (i64)\nblock0(v0:i64):\n");
        var next = 1;
        var sum = -1;
        for (var k = 0; k < 8; k++)
        {
            var distance = 56 - (16 * k);
            body.Append(CultureInfo.InvariantCulture, $"  v{next}:i64 = const {Math.Abs(distance)}\n  v{next + 1}:i64 = {(distance > 0 ? "shl" : "shr.u")} v0, v{next}\n");
            body.Append(CultureInfo.InvariantCulture, $"  v{next + 2}:i64 = const {unchecked((long)(0xFFUL << (56 - (8 * k))))}\n  v{next + 3}:i64 = and v{next + 1}, v{next + 2}\n");
            if (sum >= 0)
            {
                body.Append(CultureInfo.InvariantCulture, $"  v{next + 4}:i64 = or v{sum}, v{next + 3}\n");
            }

            sum = sum >= 0 ? next + 4 : next + 3;
            next += 5;
        }

        using var runner = new CodeRunner();
        var code = runner.Load($"{body}  return(v{sum})");
        Assert.Contains("bswap", Disassembler.Format(code.Code, withBytes: false), StringComparison.Ordinal);
        foreach (var value in s_values)
        {
            Assert.Equal(BinaryPrimitives.ReverseEndianness(value), Run(runner, 0, value));
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void Trees_of_bytes_mean_what_they_say(int width)
    {
        var random = new Random(width);
        var swapped = 0;
        for (var n = 0; n < 400; n++)
        {
            using var runner = new CodeRunner();
            var tree = new Tree(random, width);
            var code = runner.Load(tree.Text);
            swapped += Disassembler.Format(code.Code, withBytes: false).Contains("bswap", StringComparison.Ordinal) ? 1 : 0;
            foreach (var value in s_values)
            {
                var argument = width == 4 ? (uint)value : value;
                Assert.True(tree.Compute(argument) == Run(runner, 0, argument), $"{argument:x}\n{tree.Text}");
            }
        }

        Assert.InRange(swapped, 100, 300);
    }

    private static ulong Run(CodeRunner runner, int function, ulong argument)
    {
        var results = new ulong[1];
        Assert.Null(runner.Call(function, [argument], [], results));
        return results[0];
    }

    // A byte at a time, in any order and grouping; half of them with one fault: a shift, a mask or a byte that is another.
    private sealed class Tree
    {
        private readonly List<(int From, int To, ulong Mask, bool IsRotated)> _terms = [];
        private readonly int _width;

        public Tree(Random random, int width)
        {
            _width = width;
            foreach (var k in Enumerable.Range(0, width).OrderBy(_ => random.Next()).ToArray())
            {
                _terms.Add((k, width - 1 - k, 0xFFUL << (8 * (width - 1 - k)), random.Next(3) == 0));
            }

            if (random.Next(2) == 0)
            {
                var at = random.Next(width);
                var term = _terms[at];
                _terms[at] = random.Next(4) switch
                {
                    0 => term with { From = (term.From + 1) % width },
                    1 => term with { Mask = term.Mask ^ (1UL << random.Next(8 * width)) },
                    2 => term with { Mask = term.Mask << 8 | term.Mask >> 8 },
                    _ => term with { To = (term.To + 1) % width },
                };
            }

            var type = width == 4 ? "i32" : "i64";
            var text = new StringBuilder($"function 0 ({type}) -> ({type})\nblock0(v0:{type}):\n");
            var next = 1;
            var open = new List<int>();
            foreach (var term in _terms)
            {
                var distance = 8 * (term.To - term.From);
                var operation = term.IsRotated ? "rotl" : distance >= 0 ? "shl" : "shr.u";
                var count = term.IsRotated ? distance & ((8 * width) - 1) : Math.Abs(distance);
                var mask = width == 4 ? (int)term.Mask : unchecked((long)term.Mask);
                text.Append(CultureInfo.InvariantCulture, $"  v{next}:{type} = const {count}\n  v{next + 1}:{type} = {operation} v0, v{next}\n");
                text.Append(CultureInfo.InvariantCulture, $"  v{next + 2}:{type} = const {mask}\n  v{next + 3}:{type} = and v{next + 1}, v{next + 2}\n");
                open.Add(next + 3);
                next += 4;
            }

            while (open.Count > 1)
            {
                var a = random.Next(open.Count);
                var left = open[a];
                open.RemoveAt(a);
                var b = random.Next(open.Count);
                text.Append(CultureInfo.InvariantCulture, $"  v{next}:{type} = or v{left}, v{open[b]}\n");
                open[b] = next++;
            }

            Text = text.Append(CultureInfo.InvariantCulture, $"  return(v{open[0]})\n").ToString();
        }

        public string Text { get; }

        public ulong Compute(ulong value)
        {
            var result = 0UL;
            foreach (var term in _terms)
            {
                var distance = 8 * (term.To - term.From);
                var moved = !term.IsRotated ? distance >= 0 ? value << distance : value >> -distance
                    : _width == 4 ? uint.RotateLeft((uint)value, distance) : ulong.RotateLeft(value, distance);
                result |= moved & term.Mask;
            }

            return _width == 4 ? (uint)result : result;
        }
    }
}

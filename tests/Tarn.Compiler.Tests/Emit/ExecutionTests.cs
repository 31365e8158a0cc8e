// Code that is run, without a runtime: every scalar operation on edge values against C#, with all instruction-set extensions and with none; and
// small programs with loops, calls, stack arguments, many results and tail calls.
using System.Numerics;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;

namespace Tarn.Compiler.Tests.Emit;

public sealed class ExecutionTests
{
    private static readonly uint[] s_words = [0, 1, 2, 3, 5, 7, 31, 32, 33, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0x12345678];

    private static readonly ulong[] s_longs =
    [
        0, 1, 2, 3, 7, 63, 64, 255, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0x8000000000000001,
        0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF80000000, 0x123456789ABCDEF0, 0x8000000000000401, 0xFFFFFFFFFFFFF800,
    ];

    private static readonly double[] s_doubles =
    [
        0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994, 4503599627370497.5, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e300, -1e300,
        double.Epsilon, 2147483647, 2147483648, -2147483648, -2147483649, -2147483648.9, 2147483647.9, 4294967295, 4294967295.9, 4294967296, -0.9, 9223372036854775807, 9223372036854774784,
        -9223372036854775808d, -9223372036854777856d, 18446744073709551615d, 18446744073709549568d, 3.75, -3.25,
    ];

    private static readonly float[] s_floats =
    [
        0f, -0f, 1, -1, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 8388609.5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e38f, -1e38f, float.Epsilon, 2147483520, 2147483648,
        -2147483648, -2147483904, 4294967040, 4294967296, -0.9f, 9223371487098961920, 9223372036854775808f, -9223372036854775808f, -9223373136366403584f, 18446742974197923840, 18446744073709551616f, 3.75f,
    ];

    public static TheoryData<bool> Extensions => [true, false];

    private static CodeRunner Runner(bool all) => new(all ? null : CpuFeatures.None);

    private static ulong Bits(double d) => BitConverter.DoubleToUInt64Bits(d);

    private static ulong Bits(float f) => BitConverter.SingleToUInt32Bits(f);

    private static void Binary<T>(CodeRunner runner, string type, string operation, T[] values, Func<T, T, ulong?> reference, Func<T, ulong> bits, string? result = null)
    {
        result ??= type;
        runner.Load($"""
            function 0 ({type}, {type}) -> ({result})
            block0(v0:{type}, v1:{type}):
              v2:{result} = {operation} v0, v1
              return(v2)
            """);
        foreach (var a in values)
        {
            foreach (var b in values)
            {
                Check(runner, type, result, operation, [bits(a), bits(b)], reference(a, b));
            }

            // The second operand a constant: immediate forms.
        }
    }

    private static void Unary<T>(CodeRunner runner, string type, string operation, T[] values, Func<T, ulong?> reference, Func<T, ulong> bits, string? result = null)
    {
        result ??= type;
        runner.Load($"""
            function 0 ({type}) -> ({result})
            block0(v0:{type}):
              v2:{result} = {operation} v0
              return(v2)
            """);
        foreach (var a in values)
        {
            Check(runner, type, result, operation, [bits(a)], reference(a));
        }
    }

    private static void Check(CodeRunner runner, string type, string resultType, string operation, ulong[] arguments, ulong? expected)
    {
        var results = new ulong[14];
        var isFloat = type[0] == 'f';
        var trap = runner.Call(0, isFloat ? [] : arguments, isFloat ? arguments : [], results);
        var actual = results[resultType[0] == 'f' ? 6 : 0];
        if (resultType == "f32")
        {
            actual = (uint)actual;
        }

        var where = $"{operation}({string.Join(", ", arguments.Select(x => x.ToString("x")))})";
        if (expected is null)
        {
            Assert.True(trap is not null, $"{where} should trap and gives {actual:x}");
            return;
        }

        Assert.True(trap is null, $"{where} traps with {trap}");
        var isNaN = resultType switch
        {
            "f64" => double.IsNaN(BitConverter.UInt64BitsToDouble(expected.Value)) && double.IsNaN(BitConverter.UInt64BitsToDouble(actual)),
            "f32" => float.IsNaN(BitConverter.UInt32BitsToSingle((uint)expected.Value)) && float.IsNaN(BitConverter.UInt32BitsToSingle((uint)actual)),
            _ => false,
        };
        Assert.True(isNaN || actual == expected.Value, $"{where} is {actual:x}, not {expected:x}");
    }

    [Theory]
    [MemberData(nameof(Extensions))]
    public void Integers_of_32_bits(bool all)
    {
        using var runner = Runner(all);
        void B(string op, Func<uint, uint, uint?> f) => Binary(runner, "i32", op, s_words, (a, b) => f(a, b), x => x);
        B("add", (a, b) => a + b);
        B("sub", (a, b) => a - b);
        B("mul", (a, b) => a * b);
        B("mulhi.s", (a, b) => (uint)(((long)(int)a * (int)b) >> 32));
        B("mulhi.u", (a, b) => (uint)(((ulong)a * b) >> 32));
        B("and", (a, b) => a & b);
        B("or", (a, b) => a | b);
        B("xor", (a, b) => a ^ b);
        B("shl", (a, b) => a << (int)b);
        B("shr.s", (a, b) => (uint)((int)a >> (int)b));
        B("shr.u", (a, b) => a >> (int)b);
        B("rotl", (a, b) => BitOperations.RotateLeft(a, (int)b));
        B("rotr", (a, b) => BitOperations.RotateRight(a, (int)b));
        B("div.u", (a, b) => b == 0 ? null : a / b);
        B("rem.u", (a, b) => b == 0 ? null : a % b);
        B("div.s", (a, b) => b == 0 || (a == 0x80000000 && b == uint.MaxValue) ? null : (uint)((int)a / (int)b));
        B("rem.s", (a, b) => b == 0 ? null : b == uint.MaxValue ? 0 : (uint)((int)a % (int)b));
        B("icmp.eq", (a, b) => a == b ? 1u : 0);
        B("icmp.ne", (a, b) => a != b ? 1u : 0);
        B("icmp.slt", (a, b) => (int)a < (int)b ? 1u : 0);
        B("icmp.sge", (a, b) => (int)a >= (int)b ? 1u : 0);
        B("icmp.sle", (a, b) => (int)a <= (int)b ? 1u : 0);
        B("icmp.sgt", (a, b) => (int)a > (int)b ? 1u : 0);
        B("icmp.ult", (a, b) => a < b ? 1u : 0);
        B("icmp.uge", (a, b) => a >= b ? 1u : 0);
        B("icmp.ule", (a, b) => a <= b ? 1u : 0);
        B("icmp.ugt", (a, b) => a > b ? 1u : 0);
        void U(string op, Func<uint, uint> f) => Unary(runner, "i32", op, s_words, a => f(a), x => x);
        U("clz", a => (uint)BitOperations.LeadingZeroCount(a));
        U("ctz", a => a == 0 ? 32 : (uint)BitOperations.TrailingZeroCount(a));
        U("popcnt", a => (uint)BitOperations.PopCount(a));
        U("sext8", a => (uint)(sbyte)a);
        U("sext16", a => (uint)(short)a);
        Unary(runner, "i32", "extend.s", s_words, a => (ulong)(int)a, x => x, "i64");
        Unary(runner, "i32", "extend.u", s_words, a => a, x => x, "i64");
        Unary(runner, "i32", "fromint.s", s_words, a => Bits((double)(int)a), x => x, "f64");
        Unary(runner, "i32", "fromint.u", s_words, a => Bits((double)a), x => x, "f64");
        Unary(runner, "i32", "fromint.s", s_words, a => Bits((float)(int)a), x => x, "f32");
        Unary(runner, "i32", "fromint.u", s_words, a => Bits((float)a), x => x, "f32");
        Unary(runner, "i32", "bitcast", s_words, a => a, x => x, "f32");
    }

    [Theory]
    [MemberData(nameof(Extensions))]
    public void Integers_of_64_bits(bool all)
    {
        using var runner = Runner(all);
        void B(string op, Func<ulong, ulong, ulong?> f) => Binary(runner, "i64", op, s_longs, f, x => x);
        B("add", (a, b) => a + b);
        B("sub", (a, b) => a - b);
        B("mul", (a, b) => a * b);
        B("mulhi.s", (a, b) => (ulong)Math.BigMul((long)a, (long)b, out _));
        B("mulhi.u", (a, b) => Math.BigMul(a, b, out _));
        B("and", (a, b) => a & b);
        B("or", (a, b) => a | b);
        B("xor", (a, b) => a ^ b);
        B("shl", (a, b) => a << (int)b);
        B("shr.s", (a, b) => (ulong)((long)a >> (int)b));
        B("shr.u", (a, b) => a >> (int)b);
        B("rotl", (a, b) => BitOperations.RotateLeft(a, (int)b));
        B("rotr", (a, b) => BitOperations.RotateRight(a, (int)b));
        B("div.u", (a, b) => b == 0 ? null : a / b);
        B("rem.u", (a, b) => b == 0 ? null : a % b);
        B("div.s", (a, b) => b == 0 || (a == 1UL << 63 && b == ulong.MaxValue) ? null : (ulong)((long)a / (long)b));
        B("rem.s", (a, b) => b == 0 ? null : b == ulong.MaxValue ? 0 : (ulong)((long)a % (long)b));
        void U(string op, Func<ulong, ulong> f, string? result = null) => Unary(runner, "i64", op, s_longs, a => f(a), x => x, result);
        U("clz", a => (ulong)BitOperations.LeadingZeroCount(a));
        U("ctz", a => (ulong)BitOperations.TrailingZeroCount(a));
        U("popcnt", a => (ulong)BitOperations.PopCount(a));
        U("sext8", a => (ulong)(sbyte)a);
        U("sext16", a => (ulong)(short)a);
        U("sext32", a => (ulong)(int)a);
        U("wrap", a => (uint)a, "i32");
        U("fromint.s", a => Bits((double)(long)a), "f64");
        U("fromint.u", a => Bits((double)a), "f64");
        U("fromint.s", a => Bits((float)(long)a), "f32");
        U("fromint.u", a => Bits((float)a), "f32");
        Binary(runner, "i64", "icmp.slt", s_longs, (a, b) => (long)a < (long)b ? 1u : 0, x => x, "i32");
        Binary(runner, "i64", "icmp.ugt", s_longs, (a, b) => a > b ? 1u : 0, x => x, "i32");
    }

    [Theory]
    [MemberData(nameof(Extensions))]
    public void Floats_of_64_bits(bool all)
    {
        using var runner = Runner(all);
        void B(string op, Func<double, double, double> f) => Binary(runner, "f64", op, s_doubles, (a, b) => Bits(f(a, b)), Bits);
        B("fadd", (a, b) => a + b);
        B("fsub", (a, b) => a - b);
        B("fmul", (a, b) => a * b);
        B("fdiv", (a, b) => a / b);
        B("fmin", Math.Min);
        B("fmax", Math.Max);
        B("fcopysign", Math.CopySign);
        void C(string op, Func<double, double, bool> f) => Binary(runner, "f64", op, s_doubles, (a, b) => f(a, b) ? 1u : 0, Bits, "i32");
        C("fcmp.eq", (a, b) => a == b);
        C("fcmp.ne", (a, b) => a != b);
        C("fcmp.lt", (a, b) => a < b);
        C("fcmp.nlt", (a, b) => !(a < b));
        C("fcmp.le", (a, b) => a <= b);
        C("fcmp.nle", (a, b) => !(a <= b));
        C("fcmp.gt", (a, b) => a > b);
        C("fcmp.ngt", (a, b) => !(a > b));
        C("fcmp.ge", (a, b) => a >= b);
        C("fcmp.nge", (a, b) => !(a >= b));
        void U(string op, Func<double, double> f) => Unary(runner, "f64", op, s_doubles, a => Bits(f(a)), Bits);
        U("fabs", Math.Abs);
        U("fneg", a => -a);
        U("fsqrt", Math.Sqrt);
        U("fceil", Math.Ceiling);
        U("ffloor", Math.Floor);
        U("ftrunc", Math.Truncate);
        U("fnearest", a => Math.Round(a, MidpointRounding.ToEven));
        Unary(runner, "f64", "demote", s_doubles, a => Bits((float)a), Bits, "f32");
        Unary(runner, "f64", "bitcast", s_doubles, a => Bits(a), Bits, "i64");
        Truncations("f64", s_doubles, a => a, Bits, runner);
    }

    [Theory]
    [MemberData(nameof(Extensions))]
    public void Floats_of_32_bits(bool all)
    {
        using var runner = Runner(all);
        void B(string op, Func<float, float, float> f) => Binary(runner, "f32", op, s_floats, (a, b) => Bits(f(a, b)), Bits);
        B("fadd", (a, b) => a + b);
        B("fsub", (a, b) => a - b);
        B("fmul", (a, b) => a * b);
        B("fdiv", (a, b) => a / b);
        B("fmin", Math.Min);
        B("fmax", Math.Max);
        B("fcopysign", MathF.CopySign);
        void U(string op, Func<float, float> f) => Unary(runner, "f32", op, s_floats, a => Bits(f(a)), Bits);
        U("fabs", Math.Abs);
        U("fneg", a => -a);
        U("fsqrt", MathF.Sqrt);
        U("fceil", MathF.Ceiling);
        U("ffloor", MathF.Floor);
        U("ftrunc", MathF.Truncate);
        U("fnearest", a => MathF.Round(a, MidpointRounding.ToEven));
        Binary(runner, "f32", "fcmp.lt", s_floats, (a, b) => a < b ? 1u : 0, Bits, "i32");
        Binary(runner, "f32", "fcmp.eq", s_floats, (a, b) => a == b ? 1u : 0, Bits, "i32");
        Unary(runner, "f32", "promote", s_floats, a => Bits((double)a), Bits, "f64");
        Truncations("f32", s_floats, a => a, Bits, runner);
    }

    private static void Truncations<T>(string type, T[] values, Func<T, double> value, Func<T, ulong> bits, CodeRunner runner)
    {
        void U(string op, string result, double low, double high, Func<BigInteger, ulong> convert, ulong least, ulong most)
        {
            Unary(runner, type, op, values, a => InRange(value(a)) ? convert(new BigInteger(Math.Truncate(value(a)))) : null, bits, result);
            Unary(
                runner, type, op.Replace("toint", "tointsat", StringComparison.Ordinal), values,
                a => InRange(value(a)) ? convert(new BigInteger(Math.Truncate(value(a)))) : double.IsNaN(value(a)) ? 0 : value(a) < 0 ? least : most, bits, result);

            bool InRange(double x) => !double.IsNaN(x) && Math.Truncate(x) >= low && Math.Truncate(x) <= high && Math.Truncate(x) < 18446744073709551616.0 && (high < 9e18 || high > 1e19 || x < 9223372036854775808.0);
        }

        U("toint.s", "i32", int.MinValue, int.MaxValue, x => (uint)(int)x, 0x80000000, 0x7FFFFFFF);
        U("toint.u", "i32", 0, uint.MaxValue, x => (uint)x, 0, uint.MaxValue);
        U("toint.s", "i64", long.MinValue, long.MaxValue, x => (ulong)(long)x, 1UL << 63, long.MaxValue);
        U("toint.u", "i64", 0, ulong.MaxValue, x => (ulong)x, 0, ulong.MaxValue);
    }

    [Theory]
    [InlineData("""
        function 0 (i64, i64) -> (i64)
        block0(v0:i64, v1:i64):
          v9:i64 = const 0
          jump block1(v0, v9)
        block1(v2:i64, v3:i64):
          v4:i64 = add v3, v2
          v5:i64 = const -1
          v6:i64 = add v2, v5
          v7:i64 = const 0
          v8:i32 = icmp.ne v6, v7
          branchif v8, block1(v6, v4), block2
        block2:
          return(v4)
        """, 10, 0, 55)]
    [InlineData("""
        function 0 (i64, i64) -> (i64)
        block0(v0:i64, v1:i64):
          v2:i64 = const 2
          v3:i32 = icmp.slt v0, v2
          branchif v3, block1, block2
        block1:
          return(v0)
        block2:
          v4:i64 = const -1
          v5:i64 = add v0, v4
          v6 = call 0(v5, v1) (i64, i64) -> (i64)
          v7:i64 = result v6, 0
          v8:i64 = const -2
          v9:i64 = add v0, v8
          v10 = call 0(v9, v1) (i64, i64) -> (i64)
          v11:i64 = result v10, 0
          v12:i64 = add v7, v11
          return(v12)
        """, 20, 0, 6765)]
    [InlineData("""
        function 0 (i64, i64) -> (i64)
        block0(v0:i64, v1:i64):
          v2:i32 = wrap v0
          switch v2, [block1, block2(v1), block2(v0), block3]
        block1:
          v3:i64 = const 100
          return(v3)
        block2(v4:i64):
          v5:i64 = add v4, v4
          return(v5)
        block3:
          v6:i64 = const 300
          return(v6)
        """, 2, 21, 4)]
    [InlineData("""
        function 0 (i64, i64) -> (i64)
        block0(v0:i64, v1:i64):
          jump block1(v0, v1)
        block1(v2:i64, v3:i64):
          v4:i64 = const 0
          v5:i32 = icmp.eq v3, v4
          branchif v5, block3, block2
        block2:
          v6:i64 = rem.u v2, v3 nonzero
          jump block1(v3, v6)
        block3:
          return(v2)
        """, 1071, 462, 21)]
    public void Programs(string ir, ulong a, ulong b, ulong expected)
    {
        foreach (var all in (bool[])[true, false])
        {
            using var runner = Runner(all);
            runner.Load(ir);
            var results = new ulong[1];
            Assert.Null(runner.Call(0, [a, b], [], results));
            Assert.Equal(expected, results[0]);
        }
    }

    // Ten arguments, nine results, some of them on the stack; forwarded by a call and by tail calls of more and of fewer arguments.
    [Theory]
    [MemberData(nameof(Extensions))]
    public void Arguments_and_results_on_the_stack(bool all)
    {
        using var runner = Runner(all);
        const string ten = "(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64)";
        const string nine = "(i64, i64, i64, i64, i64, i64, i64, i64, i64)";
        runner.Load($"""
            function 1 {ten} -> {nine}
            block0(v0:i64, v1:i64, v2:i64, v3:i64, v4:i64, v5:i64, v6:i64, v7:i64, v8:i64, v9:i64):
              v10:i64 = add v8, v9
              return(v10, v7, v6, v5, v4, v3, v2, v1, v0)
            """);
        runner.Load($"""
            function 2 (i64, i64) -> {nine}
            block0(v0:i64, v1:i64):
              v2:i64 = add v0, v1
              tailcall 1(v0, v1, v2, v0, v1, v2, v0, v1, v2, v2) {ten} -> {nine}
            """);
        runner.Load($"""
            function 3 {ten} -> {nine}
            block0(v0:i64, v1:i64, v2:i64, v3:i64, v4:i64, v5:i64, v6:i64, v7:i64, v8:i64, v9:i64):
              tailcall 2(v8, v9) (i64, i64) -> {nine}
            """);
        runner.Load($"""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const 1000
              v3 = call 3(v2, v2, v2, v2, v2, v2, v2, v2, v0, v1) {ten} -> {nine}
              v4:i64 = result v3, 0
              v5:i64 = result v3, 1
              v6:i64 = result v3, 7
              v7:i64 = result v3, 8
              v8:i64 = mul v4, v2
              v9:i64 = add v8, v5
              v10:i64 = mul v9, v2
              v11:i64 = add v10, v6
              v12:i64 = mul v11, v2
              v13:i64 = add v12, v7
              v14:i64 = add v13, v0
              return(v14)
            """);
        var results = new ulong[1];
        Assert.Null(runner.Call(0, [3, 4], [], results));
        Assert.Equal((((((14UL * 1000) + 4) * 1000) + 4) * 1000) + 3 + 3, results[0]);
    }

    [Fact]
    public unsafe void Records_and_memory()
    {
        using var runner = Runner(true);
        var memory = stackalloc uint[64];
        memory[3] = 5;
        *(ulong*)(runner.Context + 0x60) = (ulong)memory;
        runner.Load("""
            function 0 (i32, i32) -> (i32)
            block0(v0:i32, v1:i32):
              v2:i64 = vmctx
              v3:i64 = loadvm.64 v2+96 readonly
              v4:i32 = load.32 v3[v0]+4 memory0 fault
              v5:i32 = add v4, v1
              store.32 v3[v0]+4 memory0 fault, v5
              v6:i32 = load.8 v3[v0]+4 memory0 fault
              v7:i32 = const 200
              v8:i32 = icmp.ugt v6, v7
              trapif v8, IntegerOverflow
              v9:i32 = load.32 v3[v0]+4 memory0 fault
              return(v9)
            """);
        var results = new ulong[1];
        Assert.Null(runner.Call(0, [8, 100], [], results));
        Assert.Equal(105UL, results[0]);
        Assert.Equal(105u, memory[3]);
        Assert.Equal(TrapCode.IntegerOverflow, runner.Call(0, [8, 100], [], results));
    }
}

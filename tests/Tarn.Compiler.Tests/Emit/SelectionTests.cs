// What instruction selection and layout are meant to achieve, asserted on the code and on its results: the carry flag added, comparisons of bytes and of
// counters after their step, addresses folded where no wrapping is possible and only there, loops without a jump in each round, switches repeated or
// made tests of bits, choices made minima and maxima, multiples in hashes made shifts and sums.
using System.Text.RegularExpressions;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.TestSupport;

namespace Tarn.Compiler.Tests.Emit;

public sealed partial class SelectionTests
{
    private static readonly ulong[] s_values = [0, 1, 2, 3, 9, 10, 0x7F, 0x80, 0xFF, 0x100, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, ulong.MaxValue];

    [Theory]
    [InlineData("icmp.ult", "adc")]
    [InlineData("icmp.ugt", "adc")]
    [InlineData("icmp.eq", "adc", "0")]
    [InlineData("icmp.ne", "sbb", "0")]
    [InlineData("icmp.ult", "adc", "10")]
    [InlineData("icmp.ult", "adc", "-1")]
    public void Outcomes_are_added_by_the_carry_flag(string comparison, string expected, string? constant = null)
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load($"""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const {constant ?? "0"}
              v3:i32 = {comparison} v0, {(constant is null ? "v1" : "v2")}
              v4:i64 = extend.u v3
              v5:i64 = add v1, v4
              return(v5)
            """));
        Assert.Contains(expected, code, StringComparison.Ordinal);
        Assert.DoesNotContain("set", code, StringComparison.Ordinal);
        foreach (var a in s_values)
        {
            foreach (var b in s_values)
            {
                var other = constant is null ? b : unchecked((ulong)long.Parse(constant, System.Globalization.CultureInfo.InvariantCulture));
                var holds = comparison switch { "icmp.ult" => a < other, "icmp.ugt" => a > other, "icmp.eq" => a == other, _ => a != other };
                Assert.Equal(b + (holds ? 1UL : 0), Run(runner, a, b));
            }
        }
    }

    [Theory]
    [InlineData("icmp.ult", 9)]
    [InlineData("icmp.ule", 200)]
    [InlineData("icmp.uge", 128)]
    [InlineData("icmp.ugt", 255)]
    [InlineData("icmp.eq", 255)]
    [InlineData("icmp.ne", 0)]
    public void Low_bytes_are_compared_in_place(string comparison, uint limit)
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load($"""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i32 = wrap v0
              v3:i32 = const 255
              v4:i32 = and v2, v3
              v5:i32 = const {limit}
              v6:i32 = {comparison} v4, v5
              branchif v6, block1, block2
            block1:
              return(v1)
            block2:
              return(v0)
            """));
        if (limit != 0)
        {
            Assert.DoesNotContain("movzx", code, StringComparison.Ordinal);
        }

        foreach (var a in s_values)
        {
            var low = (uint)a & 0xFF;
            var holds = comparison switch { "icmp.ult" => low < limit, "icmp.ule" => low <= limit, "icmp.uge" => low >= limit, "icmp.ugt" => low > limit, "icmp.eq" => low == limit, _ => low != limit };
            Assert.Equal(holds ? 77UL : a, Run(runner, a, 77));
        }
    }

    // The counter is compared before its step; its old value is not needed, so it can be stepped in place.
    [Theory]
    [InlineData("i32", 0, 3, 30)]
    [InlineData("i32", -5, 1, -1)]
    [InlineData("i32", 2147483640, 4, -2147483644)]
    [InlineData("i64", 10, -2, 0)]
    public void Counters_are_compared_after_their_step(string type, int start, int step, int last)
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load($"""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:{type} = const {start}
              v3:i64 = const 1
              v4:{type} = const {step}
              v5:{type} = const {last}
              jump block1(v2, v0)
            block1(v6:{type}, v7:i64):
              v8:i64 = add v7, v3
              v9:{type} = add v6, v4
              v10:i32 = icmp.eq v6, v5
              branchif v10, block2, block1(v9, v8)
            block2:
              return(v8)
            """));
        var rounds = 1UL;
        for (var i = (long)start; type == "i32" ? (int)i != last : i != last; i += step)
        {
            rounds++;
        }

        Assert.Equal(1000 + rounds, Run(runner, 1000, 0));
        Assert.DoesNotContain("jmp", code, StringComparison.Ordinal);
        Assert.Single(Jumps().Matches(code));
    }

    [Fact]
    public void Counters_whose_old_value_is_needed_keep_it()
    {
        using var runner = new CodeRunner();
        runner.Load("""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const 0
              v3:i64 = const 1
              v4:i64 = const 9
              jump block1(v2)
            block1(v5:i64):
              v6:i64 = add v5, v3
              v7:i32 = icmp.eq v5, v4
              branchif v7, block2, block1(v6)
            block2:
              v8:i64 = const 100
              v9:i64 = mul v5, v8
              v10:i64 = add v9, v6
              return(v10)
            """);
        Assert.Equal(910UL, Run(runner, 0, 0));
    }

    // A loop whose test is at the top is turned: one conditional jump in each round.
    [Fact]
    public void Loops_are_turned()
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load("""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const 0
              v3:i64 = const 1
              jump block1(v2, v0)
            block1(v4:i64, v5:i64):
              v6:i32 = icmp.ult v4, v1
              branchif v6, block2, block3
            block2:
              v7:i64 = add v4, v3
              v8:i64 = xor v5, v7
              jump block1(v7, v8)
            block3:
              return(v5)
            """));
        foreach (var n in (ulong[])[0, 1, 2, 100])
        {
            var expected = 5UL;
            for (var i = 1UL; i <= n; i++)
            {
                expected ^= i;
            }

            Assert.Equal(expected, Run(runner, 5, n));
        }

        var lines = code.Split('\n');
        var back = Array.FindIndex(lines, l => l.Contains(" jb ", StringComparison.Ordinal));
        Assert.True(back >= 0, code);
        Assert.DoesNotContain(lines.Skip(back), l => l.Contains(" jmp ", StringComparison.Ordinal));
    }

    // Below 2³¹ a sum is folded into the address; one that may wrap at 2³² is not.
    [Fact]
    public unsafe void Addresses_fold_what_cannot_wrap()
    {
        using var runner = new CodeRunner();
        var memory = stackalloc uint[256];
        for (var k = 0U; k < 256; k++)
        {
            memory[k] = k * 1000;
        }

        *(ulong*)(runner.Context + 0x60) = (ulong)memory;
        const string source = """
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = vmctx
              v3:i64 = loadvm.64 v2+96 readonly
              v4:i32 = wrap v0
              v5:i32 = const MASK
              v6:i32 = and v4, v5
              v7:i32 = const 2
              v8:i32 = shl v6, v7
              v9:i32 = const 8
              v10:i32 = add v8, v9
              v11:i32 = load.32 v3[v10]+4 memory0 fault
              v12:i64 = extend.u v11
              return(v12)
            """;
        var folded = Text(runner.Load(source.Replace("MASK", "63", StringComparison.Ordinal)));
        Assert.Contains("*4+0xC]", folded, StringComparison.Ordinal);
        foreach (var a in (ulong[])[0, 1, 62, 63, 64, 0xFFFFFFFF])
        {
            Assert.Equal(((a & 63) + 3) * 1000, Run(runner, a, 0));
        }

        // 0xFFFFFFFF << 2 + 8 is 4 in 32 bits.
        var wraps = Text(runner.Load(source.Replace("MASK", "-1", StringComparison.Ordinal)));
        Assert.DoesNotContain("*4+0xC]", wraps, StringComparison.Ordinal);
        Assert.Equal(2000UL, Run(runner, 0xFFFFFFFF, 0));
        Assert.Equal(3000UL, Run(runner, 0x40000000, 0));
    }

    // A counter's range follows from its start, its step and its comparison. Each loop adds what lies at the counter + 1000 to a sum; where that sum wraps, or
    // nothing bounds the counter, it must stay one of 32 bits.
    [Theory]
    [InlineData("ne", true, 0, 4, 40, 10, true)]
    [InlineData("ne", false, 0, 4, 40, 11, true)]
    [InlineData("ult", true, 0, 4, 39, 10, true)]
    [InlineData("ult", false, 0, 4, 39, 11, true)]
    [InlineData("ule", true, 0, 4, 40, 11, true)]
    [InlineData("slt", true, 0, 4, 39, 10, true)]
    [InlineData("sle", false, 0, 4, 40, 12, true)]
    [InlineData("ne", true, 0, 3, 39, 13, true)]
    [InlineData("ne", true, -1000, 4, -960, 10, false)]
    [InlineData("ne", true, -1000, 100, 0, 10, false)]
    [InlineData("slt", true, -1000, 100, 0, 10, false)]
    [InlineData("ult", true, -1000, 100, -200, 8, false)]
    public unsafe void Counters_bound_addresses(string condition, bool afterStep, int start, int step, int limit, int rounds, bool folds)
    {
        using var runner = new CodeRunner();
        var memory = new byte[8192];
        for (var k = 0; k < memory.Length; k++)
        {
            memory[k] = (byte)(k * 7);
        }

        fixed (byte* @base = memory)
        {
            *(ulong*)(runner.Context + 0x60) = (ulong)@base;
            var code = Text(runner.Load($"""
                function 0 (i64, i64) -> (i64)
                block0(v0:i64, v1:i64):
                  v2:i64 = vmctx
                  v3:i64 = loadvm.64 v2+96 readonly
                  v4:i32 = const {start}
                  v5:i32 = const {step}
                  v6:i32 = const {limit}
                  v7:i32 = const 1000
                  jump block1(v4, v0)
                block1(v8:i32, v9:i64):
                  v10:i32 = add v8, v7
                  v11:i64 = load.8 v3[v10] memory0 fault
                  v12:i64 = add v9, v11
                  v13:i32 = add v8, v5
                  v14:i32 = icmp.{condition} {(afterStep ? "v13" : "v8")}, v6
                  branchif v14, block1(v13, v12), block2
                block2:
                  return(v12)
                """));
            var expected = 0UL;
            for (var r = 0; r < rounds; r++)
            {
                expected += memory[start + (step * r) + 1000];
            }

            Assert.Equal(expected, Run(runner, 0, 0));
            if (folds)
            {
                Assert.Contains("+0x3E8]", code, StringComparison.Ordinal);
            }
        }
    }

    // A pointer that is stepped beside the counter is bounded by the counter's rounds; not by those of a counter that has no bound itself.
    [Theory]
    [InlineData(0, 20, 100, true)]
    [InlineData(-20, 0, 100, false)]
    [InlineData(0, 20, -4, false)]
    public unsafe void Pointers_are_bounded_by_rounds(int start, int limit, int pointer, bool folds)
    {
        using var runner = new CodeRunner();
        var memory = new byte[8192];
        for (var k = 0; k < memory.Length; k++)
        {
            memory[k] = (byte)(k * 7);
        }

        fixed (byte* @base = memory)
        {
            *(ulong*)(runner.Context + 0x60) = (ulong)@base;
            var code = Text(runner.Load($"""
                function 0 (i64, i64) -> (i64)
                block0(v0:i64, v1:i64):
                  v2:i64 = vmctx
                  v3:i64 = loadvm.64 v2+96 readonly
                  v4:i32 = const {start}
                  v5:i32 = const 1
                  v6:i32 = const {limit}
                  v7:i32 = const 1000
                  v8:i32 = const {pointer}
                  v9:i32 = const 100
                  jump block1(v4, v8, v0)
                block1(v10:i32, v11:i32, v12:i64):
                  v13:i32 = add v11, v7
                  v14:i64 = load.8 v3[v13] memory0 fault
                  v15:i64 = add v12, v14
                  v16:i32 = add v10, v5
                  v17:i32 = add v11, v9
                  v18:i32 = icmp.ne v16, v6
                  branchif v18, block1(v16, v17, v15), block2
                block2:
                  return(v15)
                """));
            var expected = 0UL;
            for (var r = 0; r < 20; r++)
            {
                expected += memory[pointer + (100 * r) + 1000];
            }

            Assert.Equal(expected, Run(runner, 0, 0));
            Assert.Equal(folds, code.Contains("+0x3E8]", StringComparison.Ordinal) && !code.Contains("lea", StringComparison.Ordinal));
        }
    }

    // Both branches compare; the outcome is never made a number.
    [Fact]
    public void A_comparison_for_two_branches_is_repeated()
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load("""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const 10
              v3:i32 = icmp.slt v0, v2
              branchif v3, block1, block2
            block1:
              v4:i64 = add v1, v2
              jump block3(v4)
            block2:
              v5:i64 = mul v1, v2
              jump block3(v5)
            block3(v6:i64):
              branchif v3, block4, block5
            block4:
              return(v6)
            block5:
              v7:i64 = add v6, v6
              return(v7)
            """));
        Assert.DoesNotContain("set", code, StringComparison.Ordinal);
        Assert.Equal(17UL, Run(runner, 9, 7));
        Assert.Equal(140UL, Run(runner, 10, 7));
        Assert.Equal(17UL, Run(runner, ulong.MaxValue, 7));
    }

    [Fact]
    public void A_type_id_is_compared_as_an_immediate_that_is_relocated()
    {
        using var runner = new CodeRunner();
        var compiled = runner.Load("""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i32 = loadvm.32 v0+16 readonly
              v3:i32 = typeid 7
              v4:i32 = icmp.ne v2, v3
              trapif v4, BadSignature
              return(v1)
            """);
        var relocation = Assert.Single(compiled.Relocations, r => r.Kind == SymbolKind.TypeId);
        Assert.Equal(7, relocation.Target);
        Assert.Equal(int.MaxValue, BitConverter.ToInt32(compiled.Code, relocation.Offset));
        Assert.Contains("cmp dword ptr [rdi+0x10], 0x7FFFFFFF", Text(compiled), StringComparison.Ordinal);
        Assert.DoesNotContain("mov esi", Text(compiled), StringComparison.Ordinal);
    }

    // An interpreter's loop: a short block that ends in a switch is emitted again instead of jumped to.
    [Fact]
    public void A_switch_in_a_loop_is_repeated()
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load("""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const 3
              v3:i64 = const 2
              jump block1(v0, v1)
            block1(v4:i64, v5:i64):
              v6:i64 = and v4, v2
              v7:i32 = wrap v6
              v8:i64 = shr.u v4, v3
              switch v7, [block2, block3, block4, block5]
            block2:
              return(v5)
            block3:
              v9:i64 = add v5, v2
              jump block1(v8, v9)
            block4:
              v10:i64 = mul v5, v2
              jump block1(v8, v10)
            block5:
              v11:i64 = xor v5, v2
              jump block1(v8, v11)
            """));
        Assert.Equal(4, IndirectJumps().Count(code));
        ulong[] operations = [1, 2, 3, 2, 1, 1, 3, 0];
        ulong program = 0, expected = 5;
        for (var k = 0; k < operations.Length; k++)
        {
            program |= operations[k] << (2 * k);
            expected = operations[k] switch { 1 => expected + 3, 2 => expected * 3, 3 => expected ^ 3, _ => expected };
        }

        Assert.Equal(expected, Run(runner, program, 5));
    }

    // A choice between the two numbers that are compared is the processor's minimum or maximum, down to the bits of NaN and the sign of zero. Any other stays one.
    [Theory]
    [InlineData("lt", true)]
    [InlineData("nlt", true)]
    [InlineData("gt", true)]
    [InlineData("ngt", true)]
    [InlineData("le", false)]
    [InlineData("nle", false)]
    [InlineData("ge", false)]
    [InlineData("nge", false)]
    [InlineData("eq", false)]
    [InlineData("ne", false)]
    public void A_choice_between_numbers_compared_is_a_minimum_or_maximum(string condition, bool isOne)
    {
        ulong[] values =
        [
            .. ((double[])[0.0, -0.0, 1, -1, 1e300, double.Epsilon, double.PositiveInfinity, double.NegativeInfinity]).Select(BitConverter.DoubleToUInt64Bits),
            0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001, 0xFFF0000000000002,
        ];
        uint[] singles =
        [
            .. ((float[])[0f, -0f, 1, -1, 1e38f, float.Epsilon, float.PositiveInfinity, float.NegativeInfinity]).Select(BitConverter.SingleToUInt32Bits),
            0x7FC00000, 0xFFC00001, 0x7F800001, 0xFF800002,
        ];
        foreach (var features in (CpuFeatures?[])[null, CpuFeatures.None])
        {
            // The comparison wanted by the choice alone, or by another as well.
            for (var kind = 0; kind < 8; kind++)
            {
                var (isSwapped, isSingle, isShared) = ((kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0);
                var (number, word) = isSingle ? ("f32", "i32") : ("f64", "i64");
                using var runner = new CodeRunner(features);
                var code = Text(runner.Load($"""
                    function 0 ({word}, {word}) -> ({word}, i32)
                    block0(v0:{word}, v1:{word}):
                      v2:{number} = bitcast v0
                      v3:{number} = bitcast v1
                      v4:i32 = fcmp.{condition} v2, v3
                      v5:{number} = select v4, {(isSwapped ? "v3, v2" : "v2, v3")}
                      v6:{word} = bitcast v5
                      v7:i32 = const 7
                      return(v6, {(isShared ? "v4" : "v7")})
                    """));
                Assert.Equal(isOne, MinimumOrMaximum().IsMatch(code));
                Assert.Equal(!isOne || isShared, code.Contains("ucomis", StringComparison.Ordinal));
                for (var i = 0; i < values.Length * values.Length; i++)
                {
                    var (x, y) = (i % values.Length, i / values.Length);
                    var (a, b) = isSingle ? (singles[x], singles[y]) : (values[x], values[y]);
                    var (p, q) = (BitConverter.UInt64BitsToDouble(values[x]), BitConverter.UInt64BitsToDouble(values[y]));
                    var holds = condition switch
                    {
                        "lt" => p < q,
                        "nlt" => !(p < q),
                        "gt" => p > q,
                        "ngt" => !(p > q),
                        "le" => p <= q,
                        "nle" => !(p <= q),
                        "ge" => p >= q,
                        "nge" => !(p >= q),
                        "eq" => p == q,
                        _ => p != q,
                    };
                    var results = new ulong[2];
                    Assert.Null(runner.Call(0, [a, b], [], results));
                    Assert.Equal(holds != isSwapped ? a : b, results[0]);
                    Assert.Equal(isShared ? holds ? 1UL : 0 : 7, results[1]);
                }
            }
        }
    }

    // A switch with one outcome besides its default asks whether a number is in a set: bits instead of a table of jumps, whatever is passed along.
    [Theory]
    [InlineData(0x1001UL, 13, false)]
    [InlineData(0x1001UL, 13, true)]
    [InlineData(0x40UL, 9, false)]
    [InlineData(0xFFFFFFFFUL, 32, false)]
    [InlineData(0x80000001UL, 32, true)]
    [InlineData(0x180000001UL, 33, false)]
    [InlineData(0x8000000000000002UL, 64, true)]
    [InlineData(0x8000000000000000UL, 64, true)]
    public void Membership_is_tested_by_bits(ulong set, int count, bool passes)
    {
        var entries = Enumerable.Range(0, count).Select(k => (set >> k & 1) != 0 ? passes ? "block1(v3)" : "block2" : "block3").Append("block3");
        using var runner = new CodeRunner();
        var code = Text(runner.Load($"""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i32 = wrap v0
              v3:i64 = const 5
              switch v2, [{string.Join(", ", entries)}]
            block2:
              jump block1(v3)
            block3:
              v4:i64 = add v1, v3
              jump block1(v4)
            block1(v5:i64):
              return(v5)
            """));
        Assert.DoesNotMatch(IndirectJumps(), code);
        foreach (var index in s_values.Concat(Enumerable.Range(0, 70).Select(k => (ulong)k)))
        {
            var isMember = (uint)index < count && (set >> (int)index & 1) != 0;
            Assert.Equal(isMember ? 5UL : 105, Run(runner, index, 100));
        }
    }

    // Two outcomes besides the default, or more numbers than a register has bits, need the table.
    [Theory]
    [InlineData(13, 2)]
    [InlineData(65, 1)]
    public void Other_switches_have_a_table(int count, int outcomes)
    {
        var entries = Enumerable.Range(0, count).Select(k => k == 3 ? "block1" : k == count - 1 ? outcomes == 2 ? "block2" : "block1" : "block3").Append("block3");
        using var runner = new CodeRunner();
        var code = Text(runner.Load($"""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i32 = wrap v0
              v3:i64 = const 5
              switch v2, [{string.Join(", ", entries)}]
            block1:
              return(v3)
            {(outcomes == 2 ? "block2:\n  return(v0)" : "")}
            block3:
              return(v1)
            """));
        Assert.Matches(IndirectJumps(), code);
        for (var index = 0UL; index < 70; index++)
        {
            Assert.Equal(index == 3 ? 5 : index != (ulong)count - 1 ? 100 : outcomes == 2 ? index : 5UL, Run(runner, index, 100));
        }
    }

    // A hash's multiplication by one more or less than a power of two is a shift and a sum, which take a cycle less; its first may be none of a chain.
    [Theory]
    [InlineData("i32", 31, true)]
    [InlineData("i32", 33, true)]
    [InlineData("i64", 31, true)]
    [InlineData("i64", 65, true)]
    [InlineData("i64", 15, true)]
    [InlineData("i64", 65537, true)]
    [InlineData("i32", 2147483647, false)]
    [InlineData("i64", 1073741825, true)]
    [InlineData("i64", 37, false)]
    [InlineData("i64", -31, false)]
    public void Multiples_in_a_hash_are_shifted_and_added(string type, int factor, bool isShifted)
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load($"""
            function 0 ({type}, {type}) -> ({type})
            block0(v0:{type}, v1:{type}):
              v2:{type} = const {factor}
              v3:{type} = mul v0, v2
              v4:{type} = add v3, v1
              v5:{type} = mul v4, v2
              v6:{type} = xor v1, v5
              v7:{type} = mul v6, v2
              return(v7)
            """));
        Assert.Equal(isShifted ? 1 : 3, Multiplications().Count(code));
        foreach (var a in s_values)
        {
            foreach (var b in s_values)
            {
                var (h, m) = type == "i32" ? ((uint)a, (uint)b) : (a, b);
                var expected = unchecked(((((h * (ulong)factor) + m) * (ulong)factor) ^ m) * (ulong)factor);
                Assert.Equal(type == "i32" ? (uint)expected : expected, Run(runner, h, m));
            }
        }
    }

    // Carried from round to round, the first of a chain is one as well.
    [Fact]
    public void A_hash_of_a_loop_has_no_multiplication()
    {
        using var runner = new CodeRunner();
        var code = Text(runner.Load("""
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i64 = const 31
              v3:i64 = const 1
              v4:i64 = const 7
              jump block1(v0, v4)
            block1(v5:i64, v6:i64):
              v7:i64 = mul v6, v2
              v8:i64 = add v7, v5
              v9:i64 = sub v5, v3
              v10:i32 = icmp.ne v5, v3
              branchif v10, block1(v9, v8), block2
            block2:
              return(v8)
            """));
        Assert.Equal(0, Multiplications().Count(code));
        var expected = 7UL;
        for (var k = 100UL; k > 0; k--)
        {
            expected = unchecked((expected * 31) + k);
        }

        Assert.Equal(expected, Run(runner, 100, 0));
    }

    private static string Text(CompiledFunction function) => Disassembler.Format(function.Code, withBytes: false);

    private static ulong Run(CodeRunner runner, ulong a, ulong b)
    {
        var results = new ulong[1];
        Assert.Null(runner.Call(0, [a, b], [], results));
        return results[0];
    }

    [GeneratedRegex(" j[a-z]+ ")]
    private static partial Regex Jumps();

    [GeneratedRegex(" imul ")]
    private static partial Regex Multiplications();

    [GeneratedRegex(" v?(min|max)s[sd] ")]
    private static partial Regex MinimumOrMaximum();

    [GeneratedRegex(" jmp r[0-9a-z]+")]
    private static partial Regex IndirectJumps();
}

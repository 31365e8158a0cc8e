// An i32 is zero-extended wherever it is, since an address is made of it without another look: a guest that gets one with a stray upper half reads and writes all of the
// process. So every operation that yields an i32 is given operands that were just wrapped from an i64 full of bits, of which lowering hands over the wide register, and is
// then extended, which costs nothing and so shows the register as it is. With all instruction-set extensions and with none, in registers and through spill slots and joins.
using Tarn.Assembler.X64;

namespace Tarn.Compiler.Tests.Emit;

public sealed class UpperHalfTests
{
    private static readonly ulong[] s_wide = [0x7FF0_0000_0000_002A, 0xFFFF_FFFF_8000_0001, 0x1234_5678_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0xDEAD_BEEF_0000_0003, 0xC0DE_C0DE_0000_0020];

    public static TheoryData<string> Operations()
    {
        string[] binary = ["add", "sub", "mul", "mulhi.s", "mulhi.u", "and", "or", "xor", "shl", "shr.s", "shr.u", "rotl", "rotr", "div.u", "rem.u", "div.s", "rem.s"];
        string[] unary = ["clz", "ctz", "popcnt", "sext8", "sext16"];
        string[] conversions = ["toint.s", "toint.u", "tointsat.s", "tointsat.u"];
        uint[] constants = [1, 2, 3, 4, 5, 8, 9, 31, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];
        var data = new TheoryData<string>();
        foreach (var operation in binary)
        {
            data.Add($"v9:i32 = {operation} v2, v3");
            data.Add($"v9:i32 = {operation} v2, v2");
            foreach (var constant in constants)
            {
                data.Add($"v8:i32 = const {constant}\n  v9:i32 = {operation} v2, v8");
            }
        }

        foreach (var operation in unary)
        {
            data.Add($"v9:i32 = {operation} v2");
        }

        foreach (var operation in conversions)
        {
            data.Add($"v7:f64 = fromint.u v3\n  v9:i32 = {operation} v7");
            data.Add($"v7:f32 = fromint.s v3\n  v9:i32 = {operation} v7");
        }

        foreach (var condition in (string[])["eq", "slt", "ult", "uge"])
        {
            data.Add($"v9:i32 = icmp.{condition} v2, v3");
            data.Add($"v8:i32 = icmp.{condition} v0, v1\n  v9:i32 = select v8, v2, v3");
            data.Add($"v8:i32 = icmp.{condition} v2, v3\n  v9:i32 = add v2, v8");
        }

        data.Add("v7:f32 = fromint.s v2\n  v8:i32 = fcmp.eq v7, v7\n  v9:i32 = select v8, v2, v3");
        data.Add("v7:f32 = fromint.s v2\n  v8:i32 = fcmp.ne v7, v7\n  v9:i32 = select v8, v2, v3");
        data.Add("v7:f32 = fromint.s v2\n  v9:i32 = fcmp.lt v7, v7");
        data.Add("v7:f32 = bitcast v2\n  v9:i32 = bitcast v7");
        data.Add("v7:i32 = const 3\n  v8:i32 = shl v3, v7\n  v9:i32 = add v2, v8");
        data.Add("v7:i32 = const -1\n  v8:i32 = add v2, v7\n  v9:i32 = and v2, v8");
        data.Add("v7:i32 = const -1\n  v8:i32 = xor v2, v7\n  v9:i32 = and v3, v8");
        data.Add("v7:i32 = const 0\n  v9:i32 = sub v7, v2");
        data.Add("v7:i64 = const 32\n  v8:i64 = shr.u v0, v7\n  v9:i32 = wrap v8");
        data.Add("v7:i64 = const 31\n  v8:i64 = shr.u v0, v7\n  v9:i32 = wrap v8");
        data.Add("v7:i64 = const 4294967280\n  v8:i64 = and v0, v7\n  v9:i32 = wrap v8");
        data.Add("v7:i64 = const 8589934576\n  v8:i64 = and v0, v7\n  v9:i32 = wrap v8");
        foreach (var width in (int[])[8, 16, 32])
        {
            foreach (var operation in (string[])["add", "sub", "and", "or", "xor", "xchg"])
            {
                data.Add($"v9:i32 = atomic.rmw.{operation}.{width} v6 memory0, v2");
            }

            // Of what is there, so that it exchanges; and of something else.
            data.Add($"store.{width} v6 memory0, v2\n  v9:i32 = atomic.cmpxchg.{width} v6 memory0, v2, v3");
            data.Add($"v9:i32 = atomic.cmpxchg.{width} v6 memory0, v2, v3");
            data.Add($"v9:i32 = atomic.load.{width} v6 memory0");
            data.Add($"v9:i32 = load.{width} v6 memory0");
            data.Add($"store.{width} v6 memory0, v2\n  v7:i32 = load.{width} v6 memory0\n  v9:i32 = add v2, v7");
        }

        data.Add("v9:i32 = load.8s v6 memory0");
        data.Add("v9:i32 = load.16s v6 memory0");
        return data;
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public unsafe void An_i32_is_zero_extended(string operation)
    {
        var memory = stackalloc ulong[2];
        foreach (var features in (CpuFeatures?[])[null, CpuFeatures.None])
        {
            using var runner = new CodeRunner(features);
            *(ulong**)(runner.Context + 0x60) = memory;

            // As it comes; through a join, with the wide value beside it; and across a call, with more values than registers.
            const string start = "v2:i32 = wrap v0\n  v3:i32 = wrap v1\n  v5:i64 = vmctx\n  v6:i64 = loadvm.64 v5+96 readonly\n  ";
            runner.Load($"function 0 (i64, i64) -> (i64)\nblock0(v0:i64, v1:i64):\n  {start}{operation}\n  v10:i64 = extend.u v9\n  return(v10)\n");
            runner.Load($$"""
                function 1 (i64, i64) -> (i64)
                block0(v0:i64, v1:i64):
                  {{start}}{{operation}}
                  v10:i64 = const 7
                  v11:i32 = icmp.ult v0, v10
                  branchif v11, block1(v9), block1(v2)
                block1(v12:i32):
                  v13:i64 = extend.u v12
                  return(v13)
                """);
            runner.Load("function 3 () -> ()\nblock0():\n  return()\n");
            var kept = string.Concat(Enumerable.Range(20, 12).Select(i => $"  v{i}:i64 = mul v{(i == 20 ? 0 : i - 1)}, v1\n"));
            var sums = string.Concat(Enumerable.Range(40, 12).Select(i => $"  v{i}:i64 = xor v{(i == 40 ? 20 : i - 1)}, v{i - 20}\n"));
            runner.Load($"""
                function 2 (i64, i64) -> (i64, i64)
                block0(v0:i64, v1:i64):
                  {start}{operation}
                {kept}  v60 = call 3() () -> ()
                  v61:i64 = extend.u v9
                {sums}  return(v61, v51)
                """);
            foreach (var a in s_wide)
            {
                foreach (var b in s_wide)
                {
                    for (var function = 0; function < 3; function++)
                    {
                        if (Call(runner, memory, function, a, b) is not ulong wide)
                        {
                            continue;
                        }

                        Assert.True(wide >> 32 == 0, $"{operation}: {a:x}, {b:x} gave {wide:x} in function {function} with {features?.ToString() ?? "all"}");

                        // Where an i64 is read only by way of a wrap, its upper half does not matter to the lower one either.
                        if (function != 1 && !operation.Contains(" v0", StringComparison.Ordinal) && Call(runner, memory, function, (uint)a, (uint)b) is ulong narrow)
                        {
                            Assert.True(wide == narrow, $"{operation}: {a:x}, {b:x} gave {wide:x}, without upper halves {narrow:x}");
                        }
                    }
                }
            }
        }
    }

    private static unsafe ulong? Call(CodeRunner runner, ulong* memory, int function, ulong a, ulong b)
    {
        Span<ulong> results = stackalloc ulong[1];
        memory[0] = 0xFEDC_BA98_7654_3210;
        return runner.Call(function, [a, b], [], results) is null ? results[0] : null;
    }
}

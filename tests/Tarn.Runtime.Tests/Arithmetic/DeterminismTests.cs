// EngineOptions.Deterministic: every floating-point and relaxed instruction, on operands full of NaNs, has the same bits on processors with all, some and no extensions, and every NaN
// that arithmetic makes is the canonical one. It is part of what an artifact was made for.
using System.Globalization;
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler.Targets.X64;
using Tarn.Execution.X64;

namespace Tarn.Runtime.Tests.Arithmetic;

public sealed class DeterminismTests
{
    private static readonly uint[] s_singles =
        [0x3F800000, 0, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFABCDEF, 0x4F000000, 0x80000001, 0xC0A00000, 0x7F7FFFFF, 0x3EAAAAAB, 0x417FFFFF, 0x12345678];

    private static readonly ulong[] s_doubles =
    [
        0x3FF0000000000000, 0, 0x8000000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001, 0xFFF4567890ABCDEF, 0x41E0000000000000,
        0x8000000000000001, 0xC014000000000000, 0x7FEFFFFFFFFFFFFF, 0x3FD5555555555555,
    ];

    private static readonly string[] s_unary = ["sqrt", "ceil", "floor", "trunc", "nearest"];
    private static readonly string[] s_binary = ["add", "sub", "mul", "div", "min", "max"];

    [Fact]
    public void Results_do_not_depend_on_the_processor()
    {
        byte[]? first = null;
        foreach (CpuFeatures features in (CpuFeatures[])[Processor.Features, Processor.Features & ~CpuFeatures.AnyAvx512, Processor.Features & ~(CpuFeatures.AnyAvx512 | CpuFeatures.AvxVnni | CpuFeatures.Fma), CpuFeatures.None])
        {
            foreach (MemoryStrategy memory in (MemoryStrategy[])[MemoryStrategy.Guarded, MemoryStrategy.Checked])
            {
                byte[] bits = Run(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, Deterministic = true, MemoryStrategy = memory, CodeTarget = new X64Target(features) }, out int nans);
                first ??= bits;
                Assert.True(first.AsSpan().SequenceEqual(bits), $"{features}, {memory}: other results");
                Assert.True(nans > 1000, $"{nans} NaNs");
            }
        }
    }

    [Fact]
    public void An_artifact_made_without_is_refused()
    {
        byte[] wasm = Encoding.UTF8.GetBytes("(module (func (export \"f\") (result f64) (f64.div (f64.const 0) (f64.const 0))))");
        using var plain = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using var deterministic = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, Deterministic = true });
        using Module module = Module.FromText(plain, Encoding.UTF8.GetString(wasm));
        byte[] artifact = module.Serialize();
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(deterministic, artifact));
        using Module same = Module.Deserialize(plain, artifact);
        using Module made = Module.FromText(deterministic, Encoding.UTF8.GetString(wasm));
        using Module loaded = Module.Deserialize(deterministic, made.Serialize());
        using Instance instance = new Linker(deterministic).Prepare(loaded).Instantiate();
        Assert.Equal(0x7FF8000000000000UL, BitConverter.DoubleToUInt64Bits(instance.GetFunction<double>("f").Invoke()));
    }

    // All results, and how many lanes are NaN.
    private static byte[] Run(EngineOptions options, out int nans)
    {
        var text = new StringBuilder("(module (memory (export \"m\") 1)\n");
        List<(string Name, int Bits)> functions = [];
        foreach (int bits in (int[])[32, 64])
        {
            string scalar = $"f{bits}", vector = bits == 32 ? "f32x4" : "f64x2";
            foreach (string type in (string[])[scalar, vector])
            {
                string load = type == scalar ? $"{scalar}.load" : "v128.load", store = type == scalar ? $"{scalar}.store" : "v128.store";
                foreach (string name in s_unary)
                {
                    Add($"{type}.{name}", $"({store} offset=48 (i32.const 0) ({type}.{name} ({load} (i32.const 0))))", bits);
                }

                foreach (string name in s_binary)
                {
                    Add($"{type}.{name}", $"({store} offset=48 (i32.const 0) ({type}.{name} ({load} (i32.const 0)) ({load} offset=16 (i32.const 0))))", bits);
                }
            }

            foreach (string name in (string[])["relaxed_min", "relaxed_max"])
            {
                Add($"{vector}.{name}", $"(v128.store offset=48 (i32.const 0) ({vector}.{name} (v128.load (i32.const 0)) (v128.load offset=16 (i32.const 0))))", bits);
            }

            foreach (string name in (string[])["relaxed_madd", "relaxed_nmadd"])
            {
                Add($"{vector}.{name}", $"(v128.store offset=48 (i32.const 0) ({vector}.{name} (v128.load (i32.const 0)) (v128.load offset=16 (i32.const 0)) (v128.load offset=32 (i32.const 0))))", bits);
            }
        }

        Add("demote", "(f32.store offset=48 (i32.const 0) (f32.demote_f64 (f64.load (i32.const 0))))", 32);
        Add("promote", "(f64.store offset=48 (i32.const 0) (f64.promote_f32 (f32.load (i32.const 0))))", 64);
        Add("vdemote", "(v128.store offset=48 (i32.const 0) (f32x4.demote_f64x2_zero (v128.load (i32.const 0))))", 32);
        Add("vpromote", "(v128.store offset=48 (i32.const 0) (f64x2.promote_low_f32x4 (v128.load (i32.const 0))))", 64);

        // Their results are integers: no NaN to look for.
        foreach (string name in (string[])["i32x4.relaxed_trunc_f32x4_s", "i32x4.relaxed_trunc_f32x4_u", "i32x4.relaxed_trunc_f64x2_s_zero", "i32x4.relaxed_trunc_f64x2_u_zero"])
        {
            Add(name, $"(v128.store offset=48 (i32.const 0) ({name} (v128.load (i32.const 0))))", 0);
        }

        foreach (string name in (string[])["i8x16.relaxed_swizzle", "i16x8.relaxed_q15mulr_s", "i16x8.relaxed_dot_i8x16_i7x16_s"])
        {
            Add(name, $"(v128.store offset=48 (i32.const 0) ({name} (v128.load (i32.const 0)) (v128.load offset=16 (i32.const 0))))", 0);
        }

        foreach (string name in (string[])["i8x16.relaxed_laneselect", "i16x8.relaxed_laneselect", "i32x4.relaxed_laneselect", "i64x2.relaxed_laneselect", "i32x4.relaxed_dot_i8x16_i7x16_add_s"])
        {
            Add(name, $"(v128.store offset=48 (i32.const 0) ({name} (v128.load (i32.const 0)) (v128.load offset=16 (i32.const 0)) (v128.load offset=32 (i32.const 0))))", 0);
        }

        using var engine = new Engine(options);
        using Module module = Module.FromText(engine, text.Append(')').ToString());
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        Memory memory = instance.GetMemory("m");
        var results = new MemoryStream();
        nans = 0;
        foreach ((string name, int bits) in functions)
        {
            TypedAction function = instance.GetAction(name);
            for (int n = 0; n < 200; n++)
            {
                Span<byte> operands = memory.AsSpan()[..64];
                operands[48..].Clear();
                for (int lane = 0; lane < 6; lane++)
                {
                    int at = n * 7 + lane * 5 + lane * n;
                    if (bits == 64 && name != "promote" && name != "vpromote" || name is "demote" or "vdemote" || name.Contains("f64x2", StringComparison.Ordinal))
                    {
                        BitConverter.TryWriteBytes(operands[(8 * lane)..], s_doubles[at % s_doubles.Length]);
                    }
                    else
                    {
                        BitConverter.TryWriteBytes(operands[(8 * lane)..], s_singles[at % s_singles.Length]);
                        BitConverter.TryWriteBytes(operands[(8 * lane + 4)..], s_singles[(at * 3 + 1) % s_singles.Length]);
                    }
                }

                function.Invoke();
                Span<byte> result = memory.AsSpan()[48..64];
                results.Write(result);
                for (int k = 0; bits == 32 && k < 4; k++)
                {
                    uint lane = BitConverter.ToUInt32(result[(4 * k)..]);
                    Assert.True(!float.IsNaN(BitConverter.UInt32BitsToSingle(lane)) || lane == 0x7FC00000, $"{name}: {lane:x}");
                    nans += lane == 0x7FC00000 ? 1 : 0;
                }

                for (int k = 0; bits == 64 && k < 2; k++)
                {
                    ulong lane = BitConverter.ToUInt64(result[(8 * k)..]);
                    Assert.True(!double.IsNaN(BitConverter.UInt64BitsToDouble(lane)) || lane == 0x7FF8000000000000, $"{name}: {lane:x}");
                    nans += lane == 0x7FF8000000000000 ? 1 : 0;
                }
            }
        }

        return results.ToArray();

        void Add(string name, string body, int bits)
        {
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"{name}\") {body})\n");
            functions.Add((name, bits));
        }
    }
}

// What the processor is asked for has the same answer on the CLR and in a native program, and so has the code that follows from it.
using System.Security.Cryptography;
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Execution.X64;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.MachineChecks;

internal static class ProcessorChecks
{
    // Something for each extension that changes code.
    private const string Text = """
        (module
          (memory 1)
          (func (param i64) (result i64) (i64.add (i64.popcnt (local.get 0)) (i64.add (i64.clz (local.get 0)) (i64.ctz (local.get 0)))))
          (func (param i64 i64) (result i64) (i64.xor (i64.shl (local.get 0) (local.get 1)) (i64.rotr (i64.and (i64.xor (local.get 0) (i64.const -1)) (local.get 1)) (i64.const 7))))
          (func (param f64 f64 f32) (result f64) (f64.add (f64.sqrt (f64.mul (local.get 0) (local.get 1))) (f64.promote_f32 (f32.nearest (local.get 2)))))
          (func (param i32) (memory.fill (local.get 0) (i32.const 0) (i32.const 64)) (memory.copy (local.get 0) (i32.const 8) (i32.const 32))))
        """;

    public static void The_processor_says_what_the_kernel_says()
    {
        CpuFeatures found = CpuFeatureDetector.Of(Processor.Identification, _ => null);
        if (!File.Exists("/proc/cpuinfo"))
            return;
        string[] flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal)).Split(' ');
        foreach ((CpuFeatures feature, string flag) in new[]
        {
            (CpuFeatures.Popcnt, "popcnt"), (CpuFeatures.Bmi1, "bmi1"), (CpuFeatures.Bmi2, "bmi2"), (CpuFeatures.Avx, "avx"), (CpuFeatures.Avx2, "avx2"), (CpuFeatures.Fma, "fma"),
            (CpuFeatures.Movbe, "movbe"), (CpuFeatures.FastRep, "erms"), (CpuFeatures.FastShortRep, "fsrm"), (CpuFeatures.AvxVnni, "avx_vnni"),
            (CpuFeatures.Avx512Vbmi, "avx512vbmi"), (CpuFeatures.Avx512Vnni, "avx512_vnni"), (CpuFeatures.Avx512Bitalg, "avx512_bitalg"),
        })
        {
            // Under some hypervisors the kernel's list lacks what the processor says of itself, never the other way round.
            Check.True(!flags.Contains(flag) || (found & feature) != 0, $"{flag} is missing: {found}");
        }

        Check.True((found & CpuFeatures.Avx) == 0 || flags.Contains("avx"), "AVX without an operating system that saves its registers");
        Check.True((found & CpuFeatures.Avx512) == 0 || flags.Contains("avx512f"), "AVX-512 without an operating system that saves its registers");
        Check.True(!new[] { "avx512f", "avx512vl", "avx512bw", "avx512dq" }.All(flags.Contains) || (found & CpuFeatures.Avx512) != 0, "AVX-512 is missing");
        Check.True(!flags.Contains("abm") || (found & CpuFeatures.Lzcnt) != 0, "LZCNT is missing");
    }

    public static void Switches_turn_features_off()
    {
        ProcessorIdentification everything = new()
        {
            MaximumLeaf = 7,
            Leaf1C = uint.MaxValue,
            Leaf7B = uint.MaxValue,
            Leaf7C = uint.MaxValue,
            Leaf7D = uint.MaxValue,
            Leaf7Subleaf1A = uint.MaxValue,
            ExtendedC = uint.MaxValue,
            ControlRegister = 0xE7,
        };
        const CpuFeatures Vectors = CpuFeatures.Avx | CpuFeatures.Avx2 | CpuFeatures.Fma | CpuFeatures.AvxVnni | CpuFeatures.AnyAvx512;
        CpuFeatures all = CpuFeatureDetector.Of(everything, _ => null);
        foreach (CpuFeatures feature in Enum.GetValues<CpuFeatures>())
            Check.True((all & feature) == feature, $"{feature} is not found");
        foreach ((string name, CpuFeatures off) in new[]
        {
            ("EnableHWIntrinsic", all), ("EnableAVX", Vectors), ("EnableAVX2", CpuFeatures.Avx2 | CpuFeatures.AvxVnni | CpuFeatures.AnyAvx512), ("EnableAVX512", CpuFeatures.AnyAvx512),
            ("EnableAVX512F", CpuFeatures.AnyAvx512), ("EnableAVX512VBMI", CpuFeatures.Avx512Vbmi), ("EnableAVX512VNNI", CpuFeatures.Avx512Vnni), ("EnableAVX512BITALG", CpuFeatures.Avx512Bitalg), ("EnableFMA", CpuFeatures.Fma), ("EnableAVXVNNI", CpuFeatures.AvxVnni),
            ("EnableBMI1", CpuFeatures.Bmi1), ("EnableBMI2", CpuFeatures.Bmi2 | CpuFeatures.FastPdep), ("EnableLZCNT", CpuFeatures.Lzcnt), ("EnablePOPCNT", CpuFeatures.Popcnt),
            ("EnableMOVBE", CpuFeatures.Movbe),
        })
        {
            Check.True(CpuFeatureDetector.Of(everything, variable => variable == "DOTNET_" + name ? "0" : null) == (all & ~off), name);
            Check.True(CpuFeatureDetector.Of(everything, variable => variable == "DOTNET_" + name ? "1" : null) == all, name + "=1");
        }

        Check.True(CpuFeatureDetector.Of(everything with { ControlRegister = 7 }, _ => null) == (all & ~CpuFeatures.AnyAvx512), "masks that nobody saves");
        Check.True(CpuFeatureDetector.Of(everything with { ControlRegister = 1 }, _ => null) == (all & ~Vectors), "vectors that nobody saves");
    }

    /// <summary>The features found and a digest of code compiled with them, in a line: what both hosts must agree on.</summary>
    public static string DescribeCode()
    {
        WasmModule module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(Text)));
        ModuleValidator.Validate(module, new TypeRegistry());
        VmContextLayout layout = new(module);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        FunctionCompilation compilation = new(HostTarget.Current);
        for (int i = 0; i < module.Bodies.Length; i++)
            hash.AppendData(compilation.Compile(module, layout, i, TargetDescription.Default).Code);
        return $"{Processor.Features} {Convert.ToHexString(hash.GetHashAndReset())}";
    }
}

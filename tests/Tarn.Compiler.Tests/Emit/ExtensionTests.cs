// Code compiled for a machine without an extension contains nothing of that extension, and code compiled for one with it makes use of it. Every
// instruction is asked of Iced, which knows what each belongs to.
using System.Text;
using Iced.Intel;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;
using Decoder = Iced.Intel.Decoder;

namespace Tarn.Compiler.Tests.Emit;

public sealed class ExtensionTests
{
    // x86-64 with SSE4.2.
    private static readonly CpuidFeature[] s_baseline =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386, CpuidFeature.INTEL486, CpuidFeature.INTEL8086_ONLY,
        CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.MULTIBYTENOP, CpuidFeature.CX8, CpuidFeature.CMPXCHG16B,
        CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.SSE3, CpuidFeature.SSSE3, CpuidFeature.SSE4_1, CpuidFeature.SSE4_2,
    ];

    private static readonly Dictionary<CpuFeatures, CpuidFeature[]> s_extensions = new()
    {
        [CpuFeatures.Popcnt] = [CpuidFeature.POPCNT],
        [CpuFeatures.Lzcnt] = [CpuidFeature.LZCNT],
        [CpuFeatures.Bmi1] = [CpuidFeature.BMI1],
        [CpuFeatures.Bmi2] = [CpuidFeature.BMI2],
        [CpuFeatures.Avx] = [CpuidFeature.AVX],
        [CpuFeatures.Avx2] = [CpuidFeature.AVX2],
        [CpuFeatures.Fma] = [CpuidFeature.FMA],
        [CpuFeatures.Movbe] = [CpuidFeature.MOVBE],
        [CpuFeatures.AvxVnni] = [CpuidFeature.AVX_VNNI],
        [CpuFeatures.Avx512] = [CpuidFeature.AVX512F, CpuidFeature.AVX512VL, CpuidFeature.AVX512DQ, CpuidFeature.AVX512BW],
        [CpuFeatures.Avx512Vbmi] = [CpuidFeature.AVX512_VBMI],
        [CpuFeatures.Avx512Bitalg] = [CpuidFeature.AVX512_BITALG],
        [CpuFeatures.Avx512Vnni] = [CpuidFeature.AVX512_VNNI],
    };

    // What else has to be there: no processor has one without the other.
    private static CpuFeatures Complete(CpuFeatures features)
    {
        features |= (features & CpuFeatures.AnyAvx512) != 0 ? CpuFeatures.Avx512 | CpuFeatures.Avx2 | CpuFeatures.Fma : 0;
        features |= (features & CpuFeatures.AvxVnni) != 0 ? CpuFeatures.Avx2 : 0;
        return features | ((features & (CpuFeatures.Avx2 | CpuFeatures.Fma)) != 0 ? CpuFeatures.Avx : 0);
    }

    // Extensions that WebAssembly has a use for; nothing in it swaps bytes.
    private const CpuFeatures Used = CpuFeatures.Popcnt | CpuFeatures.Lzcnt | CpuFeatures.Bmi1 | CpuFeatures.Bmi2 | CpuFeatures.Avx | CpuFeatures.Avx2 | CpuFeatures.Fma
        | CpuFeatures.AnyAvx512;

    // Every numeric instruction, with operands from parameters and from memory.
    private static readonly Lazy<WasmModule> s_everything = new(() =>
    {
        var text = new StringBuilder("(module (memory 1)\n");
        foreach (string type in (string[])["i32", "i64"])
        {
            foreach (string op in (string[])["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"])
                Unary(type, op, op == "eqz" ? "i32" : type);
            foreach (string op in (string[])["add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"])
                Binary(type, op, type);
            foreach (string op in (string[])["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"])
                Binary(type, op, "i32");
            foreach (int count in (int[])[0, 1, 13, 31])
            {
                foreach (string op in (string[])["shl", "shr_s", "shr_u", "rotl", "rotr", "and", "mul", "div_u", "div_s"])
                    text.Append($"(func (param {type}) (result {type}) ({type}.{op} (local.get 0) ({type}.const {Math.Max(count, 1)})))\n");
            }
            text.Append($"(func (param {type} {type}) (result {type}) ({type}.and (local.get 0) ({type}.xor (local.get 1) ({type}.const -1))))\n");
            text.Append($"(func (param {type}) (result {type}) ({type}.and (local.get 0) ({type}.sub (local.get 0) ({type}.const 1))))\n");
            text.Append($"(func (param {type}) (result {type}) ({type}.and (local.get 0) ({type}.sub ({type}.const 0) (local.get 0))))\n");
            foreach (string from in (string[])["f32", "f64"])
            {
                foreach (string sign in (string[])["s", "u"])
                {
                    Convert(from, $"{type}.trunc_{from}_{sign}", type);
                    Convert(from, $"{type}.trunc_sat_{from}_{sign}", type);
                    Convert(type, $"{from}.convert_{type}_{sign}", from);
                }
            }
        }
        foreach (string type in (string[])["f32", "f64"])
        {
            foreach (string op in (string[])["abs", "neg", "sqrt", "ceil", "floor", "trunc", "nearest"])
                Unary(type, op, type);
            foreach (string op in (string[])["add", "sub", "mul", "div", "min", "max", "copysign"])
                Binary(type, op, type);
            foreach (string op in (string[])["eq", "ne", "lt", "gt", "le", "ge"])
                Binary(type, op, "i32");
            text.Append($"(func (param {type} {type} {type}) (result {type}) ({type}.add ({type}.mul (local.get 0) (local.get 1)) (local.get 2)))\n");
        }
        Convert("i64", "i32.wrap_i64", "i32");
        Convert("i32", "i64.extend_i32_s", "i64");
        Convert("f64", "f32.demote_f64", "f32");
        Convert("f32", "f64.promote_f32", "f64");
        Convert("f32", "i32.reinterpret_f32", "i32");
        Convert("i64", "f64.reinterpret_i64", "f64");
        AddVectors(text);
        var module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(text.Append(')').ToString())), WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        return module;

        void Unary(string type, string op, string result) => Convert(type, $"{type}.{op}", result);

        void Convert(string from, string op, string to) => text
            .Append($"(func (param {from}) (result {to}) ({op} (local.get 0)))\n")
            .Append($"(func (param i32) (result {to}) ({op} ({from}.load offset=8 (local.get 0))))\n");

        void Binary(string type, string op, string result) => text
            .Append($"(func (param {type} {type}) (result {result}) ({type}.{op} (local.get 0) (local.get 1)))\n")
            .Append($"(func (param i32 {type}) (result {result}) ({type}.{op} (local.get 1) ({type}.load offset=8 (local.get 0))))\n");
    });

    // Every vector instruction of values, and shuffles that no instruction does.
    private static void AddVectors(StringBuilder text)
    {
        foreach (Opcode opcode in Enum.GetValues<Opcode>().Where(o => o is >= Opcode.I8x16Swizzle and <= Opcode.I32x4RelaxedDotI8x16I7x16AddS))
        {
            var name = Opcodes.Name(opcode);
            if (name.StartsWith("v128.load", StringComparison.Ordinal) || name.StartsWith("v128.store", StringComparison.Ordinal))
            {
                continue;
            }

            var lane = name.Contains("_lane", StringComparison.Ordinal) && !name.Contains("laneselect", StringComparison.Ordinal) ? " 1" : "";
            var scalar = name.StartsWith("i64x2", StringComparison.Ordinal) ? "i64" : name.StartsWith("f32x4", StringComparison.Ordinal) ? "f32" : name.StartsWith("f64x2", StringComparison.Ordinal) ? "f64" : "i32";
            var parameters = name switch
            {
                _ when name.EndsWith(".splat", StringComparison.Ordinal) => scalar,
                _ when name.Contains("replace_lane", StringComparison.Ordinal) => "v128 " + scalar,
                _ when name.EndsWith(".shl", StringComparison.Ordinal) || name.Contains(".shr_", StringComparison.Ordinal) => "v128 i32",
                "v128.bitselect" => "v128 v128 v128",
                _ when name.Contains("madd", StringComparison.Ordinal) || name.Contains("laneselect", StringComparison.Ordinal) || name.Contains("dot_i8x16_i7x16_add", StringComparison.Ordinal) => "v128 v128 v128",
                _ when IsUnary(name) => "v128",
                _ => "v128 v128",
            };
            var result = name.Contains("extract_lane", StringComparison.Ordinal) ? scalar : name.EndsWith("_true", StringComparison.Ordinal) || name.EndsWith(".bitmask", StringComparison.Ordinal) ? "i32" : "v128";
            var operands = string.Join(' ', parameters.Split(' ').Select((_, k) => $"(local.get {k})"));
            text.Append($"(func (param {parameters}) (result {result}) ({name}{lane} {operands}))\n");
            text.Append($"(func (param {parameters} v128) (result {result}) ({name}{lane} {operands}) (v128.store (i32.const 0) (v128.or (v128.and (local.get {parameters.Split(' ').Length}) (v128.load (i32.const 16))) (v128.load (i32.const 32)))))\n");
        }

        text.Append("(func (param v128 v128) (result v128) (i8x16.shuffle 0 17 3 29 4 4 21 9 31 2 8 30 7 7 19 1 (local.get 0) (local.get 1)))\n");
        text.Append("(func (param i32) (result v128) (v128.load8_splat (local.get 0)))\n");

        static bool IsUnary(string name) => ((string[])["not", "any_true", "all_true", "bitmask", "abs", "neg", "popcnt", "sqrt", "ceil", "floor", "trunc", "nearest"]).Contains(name.Split('.')[1])
            || ((string[])["extract_lane", "extend_", "extadd_", "trunc_sat", "convert_", "demote", "promote", "relaxed_trunc"]).Any(part => name.Contains(part, StringComparison.Ordinal));
    }

    public static TheoryData<uint> Sets => [0, .. s_extensions.Keys.Select(f => (uint)Complete(f)), (uint)Used, .. s_extensions.Keys.Select(f => (uint)(Used & ~(f == CpuFeatures.Avx512 ? CpuFeatures.AnyAvx512 : f is CpuFeatures.Avx or CpuFeatures.Avx2 ? f | CpuFeatures.AnyAvx512 | CpuFeatures.Fma | CpuFeatures.Avx2 : f)))];

    [Theory]
    [MemberData(nameof(Sets))]
    public void Code_keeps_to_the_extensions_that_there_are(uint set)
    {
        var features = (CpuFeatures)set;
        HashSet<CpuidFeature> allowed = [.. s_baseline, .. s_extensions.Where(e => (features & e.Key) != 0).SelectMany(e => e.Value)];
        HashSet<CpuidFeature> seen = [];
        var compilation = new FunctionCompilation(new X64Target(features)) { ChecksAllocation = false };
        WasmModule module = s_everything.Value;
        var layout = new VmContextLayout(module);
        int instructions = 0;
        for (int i = 0; i < module.Bodies.Length; i++)
        {
            CompiledFunction function = CompilationListing.Create(compilation, module, layout, i, new TargetDescription()).Function;
            foreach (Instruction instruction in Reachable(function))
            {
                instructions++;
                foreach (CpuidFeature feature in instruction.CpuidFeatures)
                {
                    Assert.True(allowed.Contains(feature), $"function {i}: {instruction} needs {feature}, which is not among {features}");
                    seen.Add(feature);
                }
            }
        }
        Assert.True(instructions > 1000);
        foreach ((CpuFeatures feature, CpuidFeature[] extensions) in s_extensions)
        {
            if ((features & feature & Used) != 0 && (feature != CpuFeatures.Avx512Vnni || (features & CpuFeatures.AvxVnni) == 0))
                Assert.True(extensions.All(seen.Contains), $"nothing of {feature} was used");
        }
    }

    // Constants lie behind the code, so it is followed from its entry. These functions have no jump tables.
    private static IEnumerable<Instruction> Reachable(CompiledFunction function)
    {
        HashSet<ulong> seen = [];
        Stack<ulong> open = new([0UL]);
        while (open.TryPop(out ulong at))
        {
            var decoder = Decoder.Create(64, new ByteArrayCodeReader(function.Code, (int)at, function.Code.Length - (int)at), at);
            while (seen.Add(decoder.IP))
            {
                Instruction instruction = decoder.Decode();
                Assert.False(instruction.IsInvalid);
                yield return instruction;
                if (instruction.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch)
                    open.Push(instruction.NearBranchTarget);
                bool traps = instruction.FlowControl == FlowControl.Call
                    && function.Relocations.Any(r => r.Kind == SymbolKind.Trap && r.Offset == (int)instruction.IP + 1);
                if (traps || instruction.FlowControl is FlowControl.UnconditionalBranch or FlowControl.Return or FlowControl.Exception)
                    break;
                Assert.NotEqual(FlowControl.IndirectBranch, instruction.FlowControl);
            }
        }
    }
}

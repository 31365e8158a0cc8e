// Every vector operation alone, for every shape and condition, with each operand in memory, in a register that is read again, in one that is not, as a constant, and twice the same; on
// the processor with all extensions, without AVX-512, without AVX2, and with none: the results are those of the reference. Shuffles are tried with lanes that instructions have and with others.
using System.Globalization;
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Build;
using Tarn.Compiler.Tests.Frontend;

namespace Tarn.Compiler.Tests.Emit;

public sealed unsafe class VectorSelectionTests
{
    private const int ResultAt = 48;

    private static readonly UInt128[] s_values =
    [
        0, UInt128.MaxValue, VectorLanes.Splat(0x80, 8), VectorLanes.Splat(0x7F80017FFF008000, 64), new(0x0123456789ABCDEF, 0xFEDCBA9876543210), new(0x7FFFFFFF80000000, 0x8000000000000000),
        // Floats: 1, -0, an infinity and a NaN; what does not fit an integer; halves; doubles.
        new(0x7FC000007F800000, 0x800000003F800000), new(0xCF0000004F000000, 0x5F0000004F7FFFFF), new(0x3F000000BFC00000, 0x40200000C0600000), new(0x41F0000000000000, 0xC1E0000000200000),
        new(0x7FF8000000000000, 0xBFF0000000000000), new(0x8000000000000000, 0x41EFFFFFFFF00000), VectorLanes.Splat(0x0F1E2D3C4B5A6978, 64), new(0x1F0F100F1E0E110E, 0x0706050403020100),
    ];

    public static TheoryData<string> Sets => ["all", "avx2", "avx", "none"];

    private static CpuFeatures FeaturesOf(string set) => set switch
    {
        "all" => CpuFeatureDetector.Detect(),
        "avx2" => CpuFeatureDetector.Detect() & ~CpuFeatures.AnyAvx512,
        "avx" => CpuFeatureDetector.Detect() & CpuFeatures.Avx,
        _ => CpuFeatures.None,
    };

    [Theory]
    [MemberData(nameof(Sets))]
    public void Operations(string set)
    {
        var forms = 0;
        for (var opcode = IrOpcode.VectorSwizzle; opcode <= IrOpcode.VectorPromote; opcode++)
        {
            var info = IrOpcodeInfo.Of(opcode);
            if (info.Name.EndsWith(".relaxed", StringComparison.Ordinal))
            {
                continue;
            }

            for (var shape = VectorShape.I8x16; shape <= VectorShape.F64x2; shape++)
            {
                if (info.Shapes == VectorShapes.None ? shape != 0 : (info.Shapes & (VectorShapes)(1 << (int)shape)) == 0)
                {
                    continue;
                }

                var conditions = opcode == IrOpcode.VectorCompare ? shape == VectorShape.I64x2 ? 6 : 10 : opcode == IrOpcode.VectorFloatCompare ? 10 : 1;
                var lanes = IrOpcodeInfo.HasLane(opcode) ? shape.LaneCount() : 1;
                for (var n = 0; n < conditions * lanes; n++)
                {
                    Try(set, new IrInstruction { Opcode = opcode, Aux = (byte)((int)shape | (n % conditions << 4)), D = n / conditions, A = 0, B = 1, C = 2 });
                    forms++;
                }
            }
        }

        Assert.True(forms > 250, $"{forms} forms");
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Shuffles(string set)
    {
        var random = new Random(5);
        List<UInt128> lanes = [];

        // Units of every size: in order, reversed, halves, interleaved, rotated; from one source, from the other, from both.
        for (var bytes = 1; bytes <= 8; bytes *= 2)
        {
            var units = 16 / bytes;
            Func<int, int>[] patterns =
            [
                u => units - 1 - u, u => u / 2, u => units / 2 + u / 2, u => u / 2 + (u & 1) * units, u => units / 2 + u / 2 + (u & 1) * units, u => (u + 1) % units, u => u + 1, u => u + units / 2,
                u => u + (u & 1) * units, u => u == 1 ? units + 1 : u, u => u == 0 ? 2 * units - 1 : u, _ => 0, _ => units, u => 2 * u % (2 * units), u => (2 * u + 1) % (2 * units), u => u < units / 2 ? u : units + u,
                u => u < units / 2 ? u : units + u - units / 2, u => u < units / 2 ? (u + 1) % 2 : units + u,
            ];
            foreach (var pattern in patterns)
            {
                var list = VectorReference.Lanes(8, k => (ulong)(pattern(k / bytes) * bytes + k % bytes));
                lanes.Add(list);
                lanes.Add(VectorReference.Lanes(8, k => VectorReference.Lane(list, 8, k) ^ 16));
            }
        }

        for (var k = 0; k < 60; k++)
        {
            lanes.Add(VectorReference.Lanes(8, _ => (ulong)random.Next(32)));
        }

        foreach (var list in lanes)
        {
            Assert.True(VectorLanes.AreBelow(list, 32));
            Try(set, new IrInstruction { Opcode = IrOpcode.VectorShuffle, A = 0, B = 1, C = -1 }, list);
        }
    }

    /// <summary>What the compiler folds is what the reference computes.</summary>
    [Fact]
    public void Constants_fold_to_the_same()
    {
        var folded = 0;
        for (var opcode = IrOpcode.VectorShuffle; opcode <= IrOpcode.VectorPromote; opcode++)
        {
            var info = IrOpcodeInfo.Of(opcode);
            for (var shape = VectorShape.I8x16; shape <= VectorShape.F64x2; shape++)
            {
                if (info.Shapes == VectorShapes.None ? shape != 0 : (info.Shapes & (VectorShapes)(1 << (int)shape)) == 0)
                {
                    continue;
                }

                for (var condition = 0; condition < (opcode == IrOpcode.VectorCompare ? shape == VectorShape.I64x2 ? 6 : 10 : 1); condition++)
                {
                    foreach (var a in s_values)
                    {
                        foreach (var b in s_values)
                        {
                            var c = opcode == IrOpcode.VectorShuffle ? b & VectorLanes.Splat(31, 8) : s_values[4];
                            if (VectorFolder.TryFold(opcode, shape, condition, 1, a, b, c, out var result))
                            {
                                var instruction = new IrInstruction { Opcode = opcode, Aux = (byte)((int)shape | (condition << 4)), D = 1 };
                                Assert.True(VectorReference.Evaluate(in instruction, a, b, c) == result, $"{opcode} {shape} {condition}: {a:x} {b:x} {c:x}");
                                folded++;
                            }
                        }
                    }
                }
            }
        }

        Assert.True(folded > 15_000, $"{folded} folded");
    }

    // All variants of one operation.
    private static void Try(string set, IrInstruction instruction, UInt128 lanes = default)
    {
        var info = IrOpcodeInfo.Of(instruction.Opcode);
        OperandRule[] rules = [.. ((OperandRule[])[info.A, info.B, info.C]).Where(r => r is not OperandRule.None)];
        if (instruction.Opcode == IrOpcode.VectorShuffle)
        {
            rules = [OperandRule.Vector, OperandRule.Vector];
        }

        // M: in memory, R: in a register and read again, D: in one and not read again, C: a constant, S: the same as the first, N: a constant of zeros.
        List<string> variants = [new('M', rules.Length), new('R', rules.Length), new('D', rules.Length)];
        for (var k = 0; k < rules.Length; k++)
        {
            variants.Add(new string('D', rules.Length).Remove(k, 1).Insert(k, "C"));
            variants.Add(new string('D', rules.Length).Remove(k, 1).Insert(k, "M"));
            variants.Add(new string('R', rules.Length).Remove(k, 1).Insert(k, "N"));
            if (k > 0 && rules[k] == rules[0])
            {
                variants.Add(new string('R', rules.Length).Remove(k, 1).Insert(k, "S"));
                variants.Add(new string('D', rules.Length).Remove(k, 1).Insert(k, "S"));
            }
        }

        using var runner = new CodeRunner(FeaturesOf(set));
        var index = 0;
        foreach (var variant in variants)
        {
            for (var constant = 0; constant < (variant.Contains('C', StringComparison.Ordinal) ? 3 : 1); constant++)
            {
                var value = s_values[(constant * 5 + index) % s_values.Length];
                runner.Load(Text(index, in instruction, rules, variant, value, lanes));
                Run(runner, index++, in instruction, rules, variant, value, lanes, set);
            }
        }
    }

    private static IrType TypeOf(OperandRule rule, VectorShape shape)
        => rule == OperandRule.Vector ? IrType.V128 : rule == OperandRule.I32 ? IrType.I32 : shape.LaneType();

    private static string Text(int index, in IrInstruction instruction, OperandRule[] rules, string variant, UInt128 constant, UInt128 lanes)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"function {index} (i64) -> ()\nblock0(v0:i64):\n");
        List<string> names = [];
        for (var k = 0; k < rules.Length; k++)
        {
            var type = TypeOf(rules[k], instruction.Shape);
            var word = IrText.Types[(int)type];
            var bits = type == IrType.V128 ? 128 : type is IrType.I64 or IrType.F64 ? 64 : 32;
            names.Add(variant[k] == 'S' ? names[0] : $"v{k + 1}");
            if (variant[k] is 'C' or 'N')
            {
                var value = variant[k] == 'C' ? constant : 0;
                text.Append(CultureInfo.InvariantCulture, $"  v{k + 1}:{word} = const ");
                text.Append(type switch
                {
                    IrType.V128 => "0x" + value.ToString("x32", CultureInfo.InvariantCulture),
                    IrType.F32 => "0x" + ((uint)value).ToString("x8", CultureInfo.InvariantCulture),
                    IrType.F64 => "0x" + ((ulong)value).ToString("x16", CultureInfo.InvariantCulture),
                    IrType.I32 => ((int)value).ToString(CultureInfo.InvariantCulture),
                    _ => ((long)value).ToString(CultureInfo.InvariantCulture),
                }).Append('\n');
            }
            else if (variant[k] != 'S')
            {
                text.Append(CultureInfo.InvariantCulture, $"  v{k + 1}:{word} = loadvm.{bits} v0+{16 * k} {(variant[k] == 'M' ? "readonly" : "importedglobal")}\n");
            }
        }

        // What follows does not pass the loads of variables.
        text.Append("  storevm.64 v0+200 importedglobal, v0\n");
        var info = IrOpcodeInfo.Of(instruction.Opcode);
        var result = info.VectorResult switch { VectorResult.I32 => IrType.I32, VectorResult.Lane => instruction.Shape.LaneType(), _ => IrType.V128 };
        text.Append(CultureInfo.InvariantCulture, $"  v9:{IrText.Types[(int)result]} = {info.Name}");
        if (info.Shapes != VectorShapes.None)
        {
            text.Append('.').Append(IrText.Shapes[(int)instruction.Shape]);
        }

        if (instruction.Opcode == IrOpcode.VectorCompare)
        {
            text.Append('.').Append(IrText.IntegerConditions[(int)instruction.VectorCondition]);
        }
        else if (instruction.Opcode == IrOpcode.VectorFloatCompare)
        {
            text.Append('.').Append(IrText.FloatConditions[(int)instruction.VectorFloatCondition]);
        }

        text.Append(' ').AppendJoin(", ", names);
        if (IrOpcodeInfo.HasLane(instruction.Opcode))
        {
            text.Append(", ").Append(instruction.D);
        }
        else if (instruction.Opcode == IrOpcode.VectorShuffle)
        {
            text.Append(", 0x").Append(lanes.ToString("x32", CultureInfo.InvariantCulture));
        }

        var width = result == IrType.V128 ? 128 : result is IrType.I64 or IrType.F64 ? 64 : 32;
        text.Append(CultureInfo.InvariantCulture, $"\n  storevm.{width} v0+{ResultAt} global, v9\n");
        for (var k = 0; k < rules.Length; k++)
        {
            if (variant[k] == 'R')
            {
                var type = TypeOf(rules[k], instruction.Shape);
                var bits = type == IrType.V128 ? 128 : type is IrType.I64 or IrType.F64 ? 64 : 32;
                text.Append(CultureInfo.InvariantCulture, $"  storevm.{bits} v0+{64 + 16 * k} global, v{k + 1}\n");
            }
        }

        return text.Append("  return\n").ToString();
    }

    private static void Run(CodeRunner runner, int index, in IrInstruction instruction, OperandRule[] rules, string variant, UInt128 constant, UInt128 lanes, string set)
    {
        var info = IrOpcodeInfo.Of(instruction.Opcode);
        var memory = (UInt128*)(runner.Context + 1024);
        var isVector = info.VectorResult == VectorResult.Vector;
        var isWide = info.VectorResult == VectorResult.Lane && instruction.Shape.LaneBits() == 64;
        var isFloat = instruction.Opcode >= IrOpcode.VectorFloatAdd && instruction.Opcode is not (>= IrOpcode.VectorSaturateToSigned and <= IrOpcode.VectorToUnsignedRelaxed);
        Span<UInt128> operands = stackalloc UInt128[3];
        for (var n = 0; n < s_values.Length * (rules.Length > 1 ? s_values.Length : 1); n++)
        {
            operands.Clear();
            for (var k = 0; k < rules.Length; k++)
            {
                var value = variant[k] switch
                {
                    'C' => constant,
                    'N' => (UInt128)0,
                    'S' => operands[0],
                    _ => s_values[(k == 0 ? n : k == 1 ? n / s_values.Length : n * 3 + 1) % s_values.Length],
                };
                var type = TypeOf(rules[k], instruction.Shape);
                operands[k] = type == IrType.V128 ? value : type is IrType.I64 or IrType.F64 ? (ulong)value : (uint)value;
                memory[k] = operands[k];
                memory[4 + k] = 0;
            }

            memory[3] = 0;
            Assert.Null(runner.Call(index, [(ulong)memory], [], []));
            var expected = VectorReference.Evaluate(in instruction, operands[0], operands[1], instruction.Opcode == IrOpcode.VectorShuffle ? lanes : operands[2]);
            var actual = isVector ? memory[3] : isWide ? (ulong)memory[3] : (uint)memory[3];
            if (actual != (isVector || isWide ? expected : (uint)expected) && !(isFloat && AreSame(instruction.Opcode, instruction.Shape, actual, expected)))
            {
                Assert.Fail($"{instruction.Opcode} {instruction.Shape} {instruction.Aux >> 4} {instruction.D} {lanes:x}, {set}, {variant}: {operands[0]:x32} {operands[1]:x32} {operands[2]:x32} is {actual:x32}, not {expected:x32}");
            }

            for (var k = 0; k < rules.Length; k++)
            {
                if (variant[k] == 'R' && memory[4 + k] != operands[k])
                {
                    Assert.Fail($"{instruction.Opcode} {instruction.Shape} {instruction.Aux >> 4} {instruction.D}, {set}, {variant}: operand {k} was overwritten");
                }
            }
        }
    }

    // The same but for which NaN.
    private static bool AreSame(IrOpcode opcode, VectorShape shape, UInt128 x, UInt128 y)
    {
        var bits = opcode switch { IrOpcode.VectorDemote => 32, IrOpcode.VectorPromote => 64, _ => shape.LaneBits() };
        for (var k = 0; k < 128 / bits; k++)
        {
            var (a, b) = (VectorReference.Float(x, bits, k), VectorReference.Float(y, bits, k));
            if (VectorReference.Lane(x, bits, k) != VectorReference.Lane(y, bits, k) && !(double.IsNaN(a) && double.IsNaN(b)))
            {
                return false;
            }
        }

        return true;
    }
}

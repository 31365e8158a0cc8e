// An instruction means the same whether an operand is a constant, which the compiler simplifies, folds into others and turns into cheaper instructions, or comes in a variable, which it
// cannot see through. So each function here exists twice: with constants, and with the same numbers as parameters. Every binary instruction alone with constants on either side, and
// random trees of two and three, with the constants at which simplifications begin and end.
using System.Globalization;
using System.Text;

namespace Tarn.Runtime.Tests.Arithmetic;

public sealed class ConstantOperandTests
{
    private static readonly string[] s_integer =
    [
        "add", "sub", "mul", "div_u", "div_s", "rem_u", "rem_s", "and", "or", "xor", "shl", "shr_u", "shr_s", "rotl", "rotr",
        "eq", "ne", "lt_u", "lt_s", "gt_u", "gt_s", "le_u", "le_s", "ge_u", "ge_s",
    ];

    private static readonly string[] s_float = ["add", "sub", "mul", "div", "min", "max", "eq", "ne", "lt", "gt", "le", "ge"];

    // Without those that read the bits of a float: of an arithmetic NaN they are not determined. (Nor is its sign, which copysign reads: trees have none.)
    private static readonly string[] s_unary =
    [
        "i32.clz", "i32.ctz", "i32.popcnt", "i32.eqz", "i32.extend8_s", "i32.extend16_s", "i32.wrap_i64", "i64.clz", "i64.ctz", "i64.popcnt", "i64.extend8_s", "i64.extend16_s",
        "i64.extend32_s", "i64.extend_i32_s", "i64.extend_i32_u", "f32.neg", "f32.abs", "f32.sqrt", "f32.floor", "f32.nearest", "f64.neg", "f64.abs", "f64.trunc", "f64.ceil",
        "f64.promote_f32", "f32.demote_f64", "i32.trunc_sat_f32_s", "i32.trunc_sat_f64_u", "i64.trunc_sat_f64_s", "i64.trunc_sat_f32_u", "f32.convert_i32_s", "f64.convert_i32_u",
        "f64.convert_i64_u", "f32.convert_i64_s", "f32.reinterpret_i32", "f64.reinterpret_i64",
    ];

    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 4, 5, 7, 8, 10, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 1000, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFE, 0xFFFF_FFFF,
        0x1_0000_0000, 0x1_0000_0001, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0x8000_0000_0000_0001, 0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF_7FFF_FFFF, 0xFFFF_FFFF_8000_0000,
        0xFFFF_FFFF_FFFF_FF80, 0xFFFF_FFFF_FFFF_FFF0, 0xFFFF_FFFF_FFFF_FFFE, ulong.MaxValue, 0xDFFE_8A5C_1234_5677, 0x0123_4567_89AB_CDEF,
    ];

    private static readonly double[] s_floats =
    [
        0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 0.1, 1e10, -1e10, 1e-300, 1e300, 2147483647, 2147483648, -2147483648, 4294967296, 9.2233720368547758e18, 1.8446744073709552e19,
        double.PositiveInfinity, double.NegativeInfinity, double.NaN, float.MaxValue, float.Epsilon, double.Epsilon, 1.4012984643e-45,
    ];

    [Fact]
    public void Each_instruction_alone_takes_a_constant_as_it_takes_a_variable()
    {
        var bodies = new List<Tree>();
        foreach (string type in (string[])["i32", "i64", "f32", "f64"])
        {
            foreach (string operation in type[0] == 'i' ? s_integer : [.. s_float, "copysign"])
            {
                foreach (Constant constant in Constants(type))
                {
                    bodies.Add(Tree.Apply($"{type}.{operation}", Tree.Parameter(type), Tree.Of(constant)));
                    bodies.Add(Tree.Apply($"{type}.{operation}", Tree.Of(constant), Tree.Parameter(type)));
                }
            }
        }
        Check(bodies, new Random(1));
    }

    [Theory]
    [InlineData(1, 6000)]
    [InlineData(2, 6000)]
    public void Trees_of_instructions_take_constants_as_they_take_variables(int seed, int count)
    {
        var random = new Random(seed);
        string[] types = ["i32", "i64", "i32", "i64", "f32", "f64"];
        var trees = new List<Tree>();
        while (trees.Count < count)
        {
            Tree tree = RandomTree(random, types[random.Next(types.Length)], depth: random.Next(2, 4), types[random.Next(types.Length)]);
            if (tree.HasOneParameter)
                trees.Add(tree);
        }
        Check(trees, random);
    }

    // A tree of the type over one parameter, of another type perhaps.
    private static Tree RandomTree(Random random, string type, int depth, string parameter)
    {
        if (depth == 0)
            return type == parameter && random.Next(3) != 0 ? Tree.Parameter(type) : Tree.Of(Pick(random, type));
        if (random.Next(4) == 0)
        {
            string[] fitting = [.. s_unary.Where(u => u.StartsWith(type, StringComparison.Ordinal))];
            string unary = fitting[random.Next(fitting.Length)];
            return Tree.Apply(unary, RandomTree(random, OperandOf(unary), depth - 1, parameter));
        }
        if (type == "i32" && random.Next(3) == 0)
        {
            // A comparison, of any type.
            string of = ((string[])["i32", "i64", "f32", "f64"])[random.Next(4)];
            string comparison = of[0] == 'i' ? s_integer[random.Next(15, s_integer.Length)] : s_float[random.Next(6, s_float.Length)];
            return Tree.Apply($"{of}.{comparison}", RandomTree(random, of, depth - 1, parameter), random.Next(2) == 0 ? Tree.Of(Pick(random, of)) : RandomTree(random, of, depth - 1, parameter));
        }
        string operation = type[0] == 'i' ? s_integer[random.Next(15)] : s_float[random.Next(6)];
        Tree left = RandomTree(random, type, depth - 1, parameter);
        Tree right = random.Next(3) == 0 ? RandomTree(random, type, depth - 1, parameter) : Tree.Of(Pick(random, type));
        return random.Next(5) == 0 ? Tree.Apply($"{type}.{operation}", right, left) : Tree.Apply($"{type}.{operation}", left, right);
    }

    private static string OperandOf(string unary)
    {
        int at = unary.LastIndexOf('_');
        string last = at < 0 ? "" : unary[(at + 1)..];
        if (last is "s" or "u")
            last = unary[..at].Split('_')[^1];
        return last is "i32" or "i64" or "f32" or "f64" ? last : unary[..3];
    }

    private static IEnumerable<Constant> Constants(string type) =>
        type[0] == 'i' ? s_numbers.Where(n => type == "i64" || n <= uint.MaxValue).Select(n => new Constant(type, n)) : s_floats.Select(f => Constant.Of(type, f));

    private static Constant Pick(Random random, string type)
    {
        Constant[] all = [.. Constants(type)];
        if (random.Next(5) != 0)
            return all[random.Next(all.Length)];
        ulong bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
        return new Constant(type, type is "i64" or "f64" ? bits : (uint)bits);
    }

    private static void Check(List<Tree> trees, Random random)
    {
        const int OfOneModule = 500;
        using var engine = new Engine();
        int compared = 0;
        foreach (Tree[] some in trees.Chunk(OfOneModule))
        {
            var text = new StringBuilder("(module\n");
            for (int i = 0; i < some.Length; i++)
            {
                var constants = new List<Constant>();
                string variable = some[i].Write(constants);
                string parameters = string.Concat(constants.Select(c => $" {c.Type}"));
                text.Append(CultureInfo.InvariantCulture, $"(func (export \"c{i}\") (param {some[i].ParameterType}) (result {some[i].Type}) {some[i].Write(null)})\n");
                text.Append(CultureInfo.InvariantCulture, $"(func (export \"v{i}\") (param {some[i].ParameterType}{parameters}) (result {some[i].Type}) {variable})\n");
            }
            using Module module = Module.FromText(engine, text.Append(')').ToString());
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance instance = template.Instantiate();
            for (int i = 0; i < some.Length; i++)
            {
                var constants = new List<Constant>();
                some[i].Write(constants);
                Value[] arguments = [default, .. constants.Select(c => c.Value)];
                Constant[] inputs = [.. Constants(some[i].ParameterType), Pick(random, some[i].ParameterType), Pick(random, some[i].ParameterType)];
                foreach (Constant input in inputs)
                {
                    arguments[0] = input.Value;
                    string constant = Run(instance.GetFunction($"c{i}"), [input.Value], some[i].Type);
                    string variable = Run(instance.GetFunction($"v{i}"), arguments, some[i].Type);
                    Assert.True(constant == variable, $"{some[i].Write(null)} of {input.Text}: {constant}, with variables {variable}");
                    compared++;
                }
            }
        }
        Assert.True(compared > 10_000, $"{compared}");
    }

    private static string Run(Function function, Value[] arguments, string type)
    {
        var result = new Value[1];
        if (!function.TryInvoke(arguments, result, out Trap? trap))
            return trap.Code.ToString();
        return type switch
        {
            "i32" => result[0].AsInt32().ToString(CultureInfo.InvariantCulture),
            "i64" => result[0].AsInt64().ToString(CultureInfo.InvariantCulture),
            // Which of the arithmetic NaNs comes out is not determined.
            "f32" => float.IsNaN(result[0].AsSingle()) ? "NaN" : BitConverter.SingleToUInt32Bits(result[0].AsSingle()).ToString("x8", CultureInfo.InvariantCulture),
            _ => double.IsNaN(result[0].AsDouble()) ? "NaN" : BitConverter.DoubleToUInt64Bits(result[0].AsDouble()).ToString("x16", CultureInfo.InvariantCulture),
        };
    }

    private readonly record struct Constant(string Type, ulong Bits)
    {
        public static Constant Of(string type, double value) => new(type, type == "f32" ? BitConverter.SingleToUInt32Bits((float)value) : BitConverter.DoubleToUInt64Bits(value));

        public Value Value => Type switch
        {
            "i32" => (Value)(int)Bits,
            "i64" => (Value)(long)Bits,
            "f32" => (Value)BitConverter.UInt32BitsToSingle((uint)Bits),
            _ => (Value)BitConverter.UInt64BitsToDouble(Bits),
        };

        // Floats by their bits, so that NaNs keep theirs.
        public string Text => Type switch
        {
            "f32" => $"(f32.reinterpret_i32 (i32.const {Bits}))",
            "f64" => $"(f64.reinterpret_i64 (i64.const {Bits}))",
            _ => $"({Type}.const {Bits})",
        };
    }

    private sealed record Tree(string Type, string? Operation, Tree[] Operands, Constant? Leaf)
    {
        public string ParameterType { get; } = Operation is null ? (Leaf is null ? Type : "") : Operands.Select(o => o.ParameterType).FirstOrDefault(p => p.Length > 0) ?? "";

        /// <summary>Whether the parameter has the same type wherever it occurs.</summary>
        public bool HasOneParameter { get; } = Operands.All(o => o.HasOneParameter) && Operands.Select(o => o.ParameterType).Where(p => p.Length > 0).Distinct().Count() <= 1;

        public static Tree Parameter(string type) => new(type, null, [], null);

        public static Tree Of(Constant constant) => new(constant.Type, null, [], constant);

        public static Tree Apply(string operation, params Tree[] operands)
        {
            string name = operation[4..];
            bool isComparison = name is "eqz" or "eq" or "ne" || name.StartsWith("lt", StringComparison.Ordinal) || name.StartsWith("gt", StringComparison.Ordinal)
                || name.StartsWith("le", StringComparison.Ordinal) || name.StartsWith("ge", StringComparison.Ordinal);
            var tree = new Tree(isComparison ? "i32" : operation[..3], operation, operands, null);
            // Constants alone are a constant: something has to come in.
            return tree.ParameterType.Length > 0 ? tree : new Tree(tree.Type, operation, [Parameter(operands[0].Type), .. operands[1..]], null);
        }

        /// <summary>The expression: with its constants, or with parameters in their places, to which the constants are added.</summary>
        public string Write(List<Constant>? constants)
        {
            if (Operation is not null)
                return $"({Operation} {string.Join(' ', Operands.Select(o => o.Write(constants)))})";
            if (Leaf is not Constant constant)
                return "(local.get 0)";
            if (constants is null)
                return constant.Text;
            constants.Add(constant);
            return $"(local.get {constants.Count})";
        }
    }
}

// The analysis that isolation hangs on, against running the code: a bound holds for each value that is ever taken, and a loop never goes round more often than it is said to. Random
// expressions and random counted loops are evaluated step by step; what the analysis says of them is compared with what happened.
using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Analysis;
using Tarn.TestSupport;

namespace Tarn.Compiler.Tests.IR;

public sealed class ValueRangesTests
{
    private static readonly IrOpcode[] s_binary =
    [
        IrOpcode.Add, IrOpcode.Sub, IrOpcode.Mul, IrOpcode.And, IrOpcode.Or, IrOpcode.Xor, IrOpcode.ShiftLeft, IrOpcode.ShiftRightUnsigned, IrOpcode.ShiftRightSigned,
        IrOpcode.DivUnsigned, IrOpcode.RemUnsigned,
    ];

    private static readonly IrOpcode[] s_unary = [IrOpcode.CountLeadingZeros, IrOpcode.CountTrailingZeros, IrOpcode.PopulationCount];

    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 63, 64, 100, 255, 256, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF,
        0x8000000000000000, ulong.MaxValue - 1, ulong.MaxValue,
    ];

    [Fact]
    public void Bounds_hold_for_every_value_of_random_expressions()
    {
        var random = new Random(1);
        var ranges = new ValueRanges();
        var narrowed = 0;
        for (var round = 0; round < 300; round++)
        {
            var function = new IrFunction();
            function.Reset(0);
            function.Signature = function.AddSignature([IrType.I32, IrType.I64, IrType.I32, IrType.I64], []);
            var block = function.AddBlock();
            foreach (var type in function.ParameterTypes)
            {
                function.AddBlockParameter(block, type);
            }

            for (var n = 0; n < 14; n++)
            {
                AppendRandom(function, block, random);
            }

            function.Append(block, IrOpcode.Return, IrType.None, -1, 0, 0);
            function.ComputeOrder();
            ranges.Prepare(function);
            var values = new ulong[function.Instructions.Count];
            for (var run = 0; run < 30; run++)
            {
                Evaluate(function, values, random);
                for (var v = new Value(0); v < values.Length - 1; v++)
                {
                    foreach (var depth in (int[])[0, 1, ValueRanges.BuildingDepth, ValueRanges.Depth])
                    {
                        var bound = ranges.UpperBound(v, depth);
                        Assert.True(values[v] <= bound, $"{v} is {values[v]}, not at most {bound}:\n{IrPrinter.Print(function)}");
                        var zeros = ranges.TrailingZeros(v, depth);
                        Assert.True(zeros >= 64 ? values[v] == 0 : (values[v] & ((1UL << zeros) - 1)) == 0, $"{v} is {values[v]}, without {zeros} zeros:\n{IrPrinter.Print(function)}");
                        narrowed += bound < ValueRanges.LargestOf(function.TypeOf(v)) ? 1 : 0;
                    }
                }
            }
        }

        Assert.True(narrowed > 10_000, "the analysis says something");
    }

    [Fact]
    public void Counters_stay_within_their_bounds_and_loops_within_their_number_of_rounds()
    {
        var random = new Random(2);
        var ranges = new ValueRanges();
        var counts = new TripCounts();
        int bounded = 0, soon = 0;
        var loops = TestScope.Count(8_000, 1_500);
        for (var round = 0; round < loops; round++)
        {
            var type = random.Next(2) == 0 ? "i32" : "i64";
            var all = type == "i32" ? uint.MaxValue : ulong.MaxValue;
            var start = Number(random, all);
            var other = Number(random, all);
            var step = random.Next(4) == 0 ? Number(random, all) : (ulong)random.Next(-9, 9) & all;
            var stride = (ulong)random.Next(-9, 9) & all;
            var end = random.Next(3) == 0 ? Number(random, all) : (start + (step * (ulong)random.Next(0, 40))) & all;
            var condition = (IntegerCondition)random.Next(10);
            var afterStep = random.Next(2) == 0;
            var goesOnIfTrue = random.Next(2) == 0;
            var function = new IrFunction();
            IrParser.Parse(
                $"""
                function 0 () -> ()
                block0:
                  v0:{type} = const {(long)Signed(start, all)}
                  v1:{type} = const {(long)Signed(other, all)}
                  v2:{type} = const {(long)Signed(step, all)}
                  v3:{type} = const {(long)Signed(stride, all)}
                  v4:{type} = const {(long)Signed(end, all)}
                  jump block1(v0, v1)
                block1(v5:{type}, v6:{type}):
                  interruptcheck
                  v7:{type} = add v5, v2
                  v8:{type} = add v6, v3
                  v9:i32 = icmp.{Name(condition)} {(afterStep ? "v7" : "v5")}, v4
                  branchif v9, {(goesOnIfTrue ? "block1(v7, v8), block2" : "block2, block1(v7, v8)")}
                block2:
                  return
                """,
                function);
            function.ComputeOrder();
            ranges.Prepare(function);
            counts.Prepare(function, ranges);
            Value counter = function.Blocks[1].First, beside = function.Links[counter].Next;
            var (counterBound, besideBound) = (ranges.UpperBound(counter, ValueRanges.Depth), ranges.UpperBound(beside, ValueRanges.Depth));
            var isSoon = counts.IsOverSoon(new(1));
            bounded += counterBound < all || besideBound < all ? 1 : 0;
            soon += isSoon ? 1 : 0;

            // A loop that is said to be over soon is followed to its end, any other for a while.
            var (x, y) = (start, other);
            for (var rounds = 0; ; rounds++)
            {
                var text = () => $"round {rounds}, {x} and {y}, bounds {counterBound} and {besideBound}:\n{IrPrinter.Print(function)}";
                Assert.True(x <= counterBound && y <= besideBound, text());
                Assert.True(!isSoon || rounds < 1 << 18, text());
                var next = (x + step) & all;
                if (Holds(condition, afterStep ? next : x, end, all) != goesOnIfTrue || (rounds > 3000 && !isSoon))
                {
                    break;
                }

                (x, y) = (next, (y + stride) & all);
            }
        }

        Assert.True(bounded > loops / 14 && soon > loops / 14, $"{bounded} bounded, {soon} over soon: the analysis says something");
    }

    [Fact]
    public void Conditions_negate_and_swap()
    {
        foreach (var condition in Enum.GetValues<IntegerCondition>())
        {
            foreach (var a in s_numbers)
            {
                foreach (var b in s_numbers)
                {
                    Assert.Equal(!Holds(condition, a, b, ulong.MaxValue), Holds(condition.Negate(), a, b, ulong.MaxValue));
                    Assert.Equal(Holds(condition, a, b, ulong.MaxValue), Holds(condition.Swap(), b, a, ulong.MaxValue));
                }
            }
        }
    }

    private static ulong Number(Random random, ulong all) => (random.Next(3) == 0 ? s_numbers[random.Next(s_numbers.Length)] : (ulong)random.NextInt64() >> random.Next(64)) & all;

    private static void AppendRandom(IrFunction function, Block block, Random random)
    {
        var type = random.Next(2) == 0 ? IrType.I32 : IrType.I64;
        var a = Pick(function, random, type);
        switch (random.Next(8))
        {
            case 0:
                var constant = function.NewConstant(type, Number(random, ValueRanges.LargestOf(type)));
                function.LinkLast(block, constant);
                break;
            case 1:
                function.Append(block, s_unary[random.Next(s_unary.Length)], type, a);
                break;
            case 2:
                function.Append(block, IrOpcode.ExtendUnsigned, IrType.I64, Pick(function, random, IrType.I32));
                break;
            case 3:
                function.Append(block, IrOpcode.Wrap, IrType.I32, Pick(function, random, IrType.I64));
                break;
            case 4:
                function.Append(block, IrOpcode.CompareInteger, IrType.I32, a, Pick(function, random, type), aux: (byte)random.Next(10));
                break;
            case 5:
                function.Append(block, IrOpcode.Select, type, Pick(function, random, IrType.I32), a, Pick(function, random, type));
                break;
            default:
                function.Append(block, s_binary[random.Next(s_binary.Length)], type, a, Pick(function, random, type));
                break;
        }
    }

    private static Value Pick(IrFunction function, Random random, IrType type)
    {
        while (true)
        {
            var v = new Value(random.Next(function.Instructions.Count));
            if (function.TypeOf(v) == type)
            {
                return v;
            }
        }
    }

    private static void Evaluate(IrFunction function, ulong[] values, Random random)
    {
        for (var v = new Value(0); v < values.Length; v++)
        {
            ref var i = ref function.Get(v);
            var all = ValueRanges.LargestOf(i.Type);
            var width = i.Type == IrType.I32 ? 32 : 64;
            var a = i.A >= 0 && i.Opcode is not (IrOpcode.BlockParameter or IrOpcode.Constant) ? values[i.A] : 0;
            var b = i.B >= 0 && i.Opcode is not (IrOpcode.BlockParameter or IrOpcode.Constant or IrOpcode.Return) ? values[i.B] : 0;
            var shift = (int)b & (width - 1);
            values[v] = all & i.Opcode switch
            {
                IrOpcode.BlockParameter => Number(random, all),
                IrOpcode.Constant => i.Bits,
                IrOpcode.Add => a + b,
                IrOpcode.Sub => a - b,
                IrOpcode.Mul => a * b,
                IrOpcode.And => a & b,
                IrOpcode.Or => a | b,
                IrOpcode.Xor => a ^ b,
                IrOpcode.ShiftLeft => a << shift,
                IrOpcode.ShiftRightUnsigned => a >> shift,
                IrOpcode.ShiftRightSigned => width == 32 ? (ulong)((int)a >> shift) : (ulong)((long)a >> shift),

                // Dividing by zero traps: nobody sees a value.
                IrOpcode.DivUnsigned => b == 0 ? 0 : a / b,
                IrOpcode.RemUnsigned => b == 0 ? 0 : a % b,
                IrOpcode.CountLeadingZeros => (ulong)(System.Numerics.BitOperations.LeadingZeroCount(a) - (64 - width)),
                IrOpcode.CountTrailingZeros => Math.Min((ulong)width, (ulong)System.Numerics.BitOperations.TrailingZeroCount(a)),
                IrOpcode.PopulationCount => (ulong)System.Numerics.BitOperations.PopCount(a),
                IrOpcode.ExtendUnsigned or IrOpcode.Wrap => a,
                IrOpcode.CompareInteger => Holds(i.IntegerCondition, a, b, ValueRanges.LargestOf(function.TypeOf(i.ValueA))) ? 1UL : 0,
                IrOpcode.Select => a != 0 ? values[i.B] : values[i.C],
                _ => 0,
            };
        }
    }

    private static ulong Signed(ulong value, ulong all) => all == uint.MaxValue ? (ulong)(int)value : value;

    private static bool Holds(IntegerCondition condition, ulong a, ulong b, ulong all)
    {
        var (x, y) = ((long)Signed(a, all), (long)Signed(b, all));
        return condition switch
        {
            IntegerCondition.Equal => a == b,
            IntegerCondition.NotEqual => a != b,
            IntegerCondition.LessSigned => x < y,
            IntegerCondition.GreaterEqualSigned => x >= y,
            IntegerCondition.LessEqualSigned => x <= y,
            IntegerCondition.GreaterSigned => x > y,
            IntegerCondition.LessUnsigned => a < b,
            IntegerCondition.GreaterEqualUnsigned => a >= b,
            IntegerCondition.LessEqualUnsigned => a <= b,
            _ => a > b,
        };
    }

    private static string Name(IntegerCondition condition)
        => ((string[])["eq", "ne", "slt", "sge", "sle", "sgt", "ult", "uge", "ule", "ugt"])[(int)condition];
}

// What compiling costs, for the product of constructs, widths and counts that short bodies can ask for (BombModule). Nothing is timed. Counted are the bytes that a fresh
// compiler allocates, what the stages make of the function, and the steps of those searches that are not bounded by what they make. Each is linear in the bytes of the body and
// the units that ComplexityLimits prices, and units are linear in bytes or the function is refused.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Targets.X64;
using Tarn.Wasm;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Limits;

public sealed class CompilationCostTests
{
    // Bytes of memory that one byte of a body and one unit may cost, arrays that have grown by doubling included; most shapes take a third.
    private const long BytesPerByte = 2048;
    private const long BytesPerUnit = 24;

    // Instructions, operands, edges, live ranges, uses, moves and bytes of code.
    private const long MadePerByte = 64;
    private const long MadePerUnit = 1;

    private const long StepsPerByte = 64;
    private const long StepsPerUnit = 1;

    public static TheoryData<string> Constructs => [.. BombModule.Constructs];

    [Theory]
    [MemberData(nameof(Constructs))]
    public void Cost_is_linear_in_the_bytes_of_the_body(string construct)
    {
        foreach (var (width, count, isChecked) in ((int, int, bool)[])[(1, 1, true), (1, 5000, false), (30, 300, true), (30, 3000, true), (999, 1, false), (999, 300, false), (999, 5000, false)])
        {
            if (construct != "call results dropped" || width * count < ImplementationLimits.OperandStack)
            {
                Check(construct, width, count, isChecked);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Constructs))]
    public void Twice_the_count_costs_twice_as_much(string construct)
    {
        const int Count = 4000;
        var once = Compile(BombModule.Create(construct, 30, Count), false);
        var twice = Compile(BombModule.Create(construct, 30, 2 * Count), false);
        if (once.IsRefused || twice.IsRefused)
        {
            // Counted, therefore.
            Assert.True(twice.IsRefused);
            return;
        }

        // A number takes more bytes when it is larger, and arrays double.
        Assert.InRange(twice.Made, 0, (once.Made * 5 / 2) + 1000);
        Assert.InRange(twice.Steps, 0, (once.Steps * 5 / 2) + 10_000);
        Assert.InRange(twice.Allocated, 0, (once.Allocated * 9 / 2) + 1_000_000);
    }

    [Theory]
    [InlineData("call", 999, 1000, true)]
    [InlineData("call", 999, 3000, true)]
    [InlineData("br_table to both", 999, 10_000, false)]
    [InlineData("br_if to function", 999, 10_000, false)]
    [InlineData("nested loops", 1, 100_000, false)]
    [InlineData("nested loops counting down", 1, 100_000, false)]
    [InlineData("nested loops with exits", 1, 100_000, false)]
    [InlineData("nested loops with exits to the end", 1, 100_000, false)]
    public void What_once_took_seconds_is_refused_or_small(string construct, int width, int count, bool isRefused)
    {
        var cost = Check(construct, width, count, false);
        Assert.Equal(isRefused, cost.IsRefused);
    }

    [Fact]
    public void Functions_share_what_their_bytes_do_not_pay_for()
    {
        var module = Decode(BombModule.Create("call results dropped", 999, 1));
        var layout = new VmContextLayout(module);
        var context = new FunctionCompilation(new X64Target(CpuFeatures.None)) { ChecksAllocation = false, VerifiesIr = false };
        var budget = new ModuleBudget();
        var compiled = 0;
        try
        {
            for (; compiled < 10_000; compiled++)
            {
                context.Compile(module, layout, 0, TargetDescription.Default, budget);
            }
        }
        catch (FunctionTooComplexException)
        {
        }

        // Each passes a thousand results and has a body of a few bytes.
        Assert.InRange(compiled, 1, ComplexityLimits.SharedUnits / (999 * ComplexityLimits.PassedValue) + 20);

        // Another module has its own.
        context.Compile(module, layout, 0, TargetDescription.Default, new ModuleBudget());
    }

    [Fact]
    public void Locals_that_are_declared_and_not_named_cost_nothing()
    {
        // Types are noted for each, a byte; values are not.
        var few = Compile(BombModule.Create("locals declared", 1, 10), false);
        var many = Compile(BombModule.Create("locals declared", 900, 10), false);
        Assert.Equal(few.Made, many.Made);
    }

    private static Cost Check(string construct, int width, int count, bool isChecked)
    {
        var cost = Compile(BombModule.Create(construct, width, count), isChecked);
        var what = $"{construct}, {width} × {count}: {cost}";
        Assert.True(cost.Allocated <= 2_000_000 + (BytesPerByte * cost.Bytes) + (BytesPerUnit * cost.Units), what);
        Assert.True(cost.Made <= 1000 + (MadePerByte * cost.Bytes) + (MadePerUnit * cost.Units), what);
        Assert.True(cost.Steps <= 1000 + (StepsPerByte * cost.Bytes) + (StepsPerUnit * cost.Units), what);

        // What was charged last may exceed the bound once, by no more than one frame or edge asks for.
        var most = ((long)ComplexityLimits.UnitsPerByte * cost.Bytes) + ComplexityLimits.SharedUnits;
        Assert.True(cost.IsRefused ? cost.Units > most : cost.Units <= most, what);
        return cost;
    }

    private static WasmModule Decode(byte[] bytes)
    {
        var module = WasmModule.Decode(bytes);
        ModuleValidator.Validate(module, new TypeRegistry());
        return module;
    }

    private static Cost Compile(byte[] bytes, bool isChecked)
    {
        var module = Decode(bytes);
        var layout = new VmContextLayout(module);
        var context = new FunctionCompilation(new X64Target(CpuFeatures.None)) { ChecksAllocation = false, VerifiesIr = false };
        var target = isChecked ? TargetDescription.Default with { MemoryStrategy = MemoryStrategy.Checked, Fuel = true, Interruption = true } : TargetDescription.Default;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var isRefused = false;
        try
        {
            context.Compile(module, layout, 0, target);
        }
        catch (FunctionTooComplexException)
        {
            isRefused = true;
        }

        var function = context.Function;
        var machine = context.Generator.Machine;
        var allocation = context.Generator.Allocation;
        return new Cost(
            module.Bodies[0].Length,
            function.Budget.Units,
            GC.GetAllocatedBytesForCurrentThread() - before,
            (long)function.Instructions.Count + function.Blocks.Count + function.Edges.Count + function.Pool.Count + function.SignatureTypes.Count
                + machine.Instructions.Count + machine.Operands.Count + machine.Edges.Count + machine.Arguments.Count + allocation.Moves.Count
                + context.Generator.RangeCount + context.Generator.Emitter.Code.Length,
            function.Budget.Steps,
            isRefused);
    }

    private sealed record Cost(long Bytes, long Units, long Allocated, long Made, long Steps, bool IsRefused);
}

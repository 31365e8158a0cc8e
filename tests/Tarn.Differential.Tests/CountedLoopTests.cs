// Loops with counters and pointers beside them, whose ranges the compiler takes for granted when it folds addresses: a range that is wrong lets a guest out of its memory. So
// starts, steps, limits and comparisons are drawn from numbers around the places where 32 bits wrap, and each access is at an address that is within memory only
// after wrapping, if at all. Here and in the reference engine results and traps must be the same, with guarded and with checked memories.
using Tarn.TestSupport;

namespace Tarn.Differential.Tests;

// In here, so that its Engine and Module win over ours.
using Wasmtime;

public sealed class CountedLoopTests
{
    private const int LoopsInCi = 1500;
    private const int FunctionsInModule = 25;
    private const int Rounds = 3000;

    private static readonly uint[] s_numbers =
    [
        0, 1, 2, 3, 4, 7, 8, 20, 100, 0x1000, 0xFFFF, 0x10000, 0x100000, 0x1FF0000, 0x2000000, 0x20000000, 0x3FFFFFFF, 0x40000000, 0x70000000, 0x7FFFFFFF, 0x80000000, 0x80000001,
        0x90000000, 0xFFF00000, 0xFFF80000, 0xFFFF0000, 0xFFFFFF00, 0xFFFFFFF0, 0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF,
    ];

    private static readonly string[] s_conditions = ["lt_u", "le_u", "lt_s", "le_s", "ne", "gt_u", "ge_s", "eq"];

    [Theory]
    [InlineData(MemoryStrategy.Guarded)]
    [InlineData(MemoryStrategy.Checked)]
    public void Ranges_of_counters_are_what_they_are_taken_for(MemoryStrategy strategy)
    {
        using FuzzRun run = FuzzRun.Start(typeof(CountedLoopTests), nameof(Ranges_of_counters_are_what_they_are_taken_for), otherwise: 1, strategy.ToString());
        int seed = run.First;
        using var tarn = new Tarn.Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, MemoryStrategy = strategy });
        using var reference = new Engine();
        int compared = 0;
        for (; compared < LoopsInCi / FunctionsInModule || run.GoesOn; compared++)
            Compare(seed + compared, tarn, reference, run);
        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared * FunctionsInModule} loops compared from seed {seed}");
    }

    private static void Compare(int seed, Tarn.Engine tarn, Engine reference, FuzzRun run)
    {
        var random = new Random(seed);
        (string Text, uint Argument)[] functions = [.. Enumerable.Range(0, FunctionsInModule).Select(i => Loop(random, i))];
        string text = $"(module (memory 1) (data (i32.const 0) \"{string.Concat(Enumerable.Range(1, 255).Select(i => $"\\{i:x2}"))}\")\n{string.Join('\n', functions.Select(f => f.Text))})";
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        run.Running(seed, bytes);
        using var module = Tarn.Module.FromText(tarn, text);
        using InstanceTemplate template = new Tarn.Linker(tarn).Prepare(module);
        using Tarn.Instance instance = template.Instantiate();
        using var other = Module.FromText(reference, "loops", text);
        using var store = new Store(reference);
        Instance expected = new Linker(reference).Instantiate(store, other);
        for (int i = 0; i < functions.Length; i++)
        {
            (string function, uint argument) = functions[i];
            string wanted = Outcome(expected.GetFunction($"f{i}")!, (int)argument);
            bool returned = instance.GetFunction<int, int>($"f{i}").TryInvoke((int)argument, out int result, out Trap? trap);
            if (wanted != (returned ? $"{result}" : $"{trap!.Code}"))
                Assert.Fail($"seed {seed}: wanted {wanted}, got {(returned ? result : trap)} with {argument:x}; {run.Keep(seed, bytes)}\n{function}");
        }
    }

    private static string Outcome(Function function, int argument)
    {
        try
        {
            return $"{function.Invoke(argument)}";
        }
        catch (Wasmtime.TrapException trap)
        {
            return $"{trap.Type}";
        }
    }

    // A counter $i and a pointer $p beside it; $n ends what would go on for ever. The access is made in every round, or in the first in which the pointer has come to the
    // argument; often at an address that wraps into memory just there, while the counter goes round below its limit.
    private static (string Text, uint Argument) Loop(Random random, int index)
    {
        bool aims = random.Next(4) != 0;
        bool goesRound = aims && random.Next(2) == 0;
        uint step = !aims ? Pick(random) : goesRound ? 1u << random.Next(21, 30) : 1u << random.Next(0, 30);
        uint limitNumber = goesRound ? 0 - (step / (uint)random.Next(2, 5)) : aims && random.Next(2) == 0 ? 0 - (step * (uint)random.Next(1, 4)) : Pick(random);
        uint counterStart = goesRound || (aims && random.Next(2) == 0) ? 0 : Pick(random);
        uint pointerStart = aims ? (uint)random.Next(0x6000_0000, 0x7FFF_FFFF) : Pick(random);
        uint pointerStep = goesRound ? 1u << random.Next(17, 22) : aims ? 1u << random.Next(8, 22) : Pick(random);
        string pointer = random.Next(4) == 0 ? "$i" : "$p";
        uint rounds = (uint)random.Next(0, Rounds);
        uint argument = aims ? (pointer == "$p" ? pointerStart + (rounds * pointerStep) : counterStart + (rounds * step)) : Pick(random);
        int shift = random.Next(3) == 0 ? random.Next(1, 4) : 0;
        uint distance = aims ? 0 - (argument << shift) + (uint)random.Next(0, 4096) : Pick(random);

        string condition = s_conditions[random.Next(goesRound ? 2 : s_conditions.Length)];
        string limit = random.Next(5) == 0 ? $"(i32.and (local.get $a) (i32.const {limitNumber}))" : $"(i32.const {limitNumber})";
        string comparison = $"(local.set $go (i32.{condition} {Operands("(local.get $i)", limit, swap: random.Next(6) == 0)}))";
        string counter = $"(local.set $i (i32.add (local.get $i) (i32.const {step})))";
        string scaled = shift != 0 ? $"(i32.shl (local.get {pointer}) (i32.const {shift}))" : $"(local.get {pointer})";
        string access = $"(local.set $sum (i32.add (local.get $sum) (i32.load8_u offset={random.Next(0, 3) * random.Next(0, 200)} (i32.add {scaled} (i32.const {distance})))))";
        string when = random.Next(4) == 0
            ? access
            : $"(if (i32.{(random.Next(2) == 0 ? "ge_u" : "eq")} (local.get {pointer}) (local.get $a)) (then {access} (return (local.get $sum))))";
        return ($"""
            (func (export "f{index}") (param $a i32) (result i32) (local $i i32) (local $p i32) (local $n i32) (local $go i32) (local $sum i32)
              (local.set $i (i32.const {counterStart})) (local.set $p (i32.const {pointerStart}))
              (loop $again
                {when}
                (if (i32.gt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {Rounds})) (then (return (i32.const -2))))
                (local.set $p (i32.add (local.get $p) (i32.const {pointerStep})))
                {(random.Next(2) == 0 ? counter + comparison : comparison + counter)}
                (br_if $again (local.get $go)))
              (i32.add (local.get $sum) (local.get $i)))
            """, argument);
    }

    private static string Operands(string a, string b, bool swap) => swap ? $"{b} {a}" : $"{a} {b}";

    private static uint Pick(Random random)
    {
        uint number = s_numbers[random.Next(s_numbers.Length)];
        return random.Next(4) == 0 ? number + (uint)random.Next(-64, 64) : number;
    }
}

// Random modules here and in the reference engine must be indistinguishable: results, traps, calls of the host, globals, memory.
// Bounded; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun). A difference keeps its module and names its seed: put it into s_crashers
// when it is mended.
using Tarn.Assembler.X64;
using Tarn.Compiler.Targets.X64;
using Tarn.TestSupport;

namespace Tarn.Differential.Tests;

public sealed class DifferentialTests
{
    private static readonly int s_modules = TestScope.Count(1000, 300);

    /// <summary>Seeds that once showed a fault, kept for ever, with the fault.</summary>
    private static readonly int[] s_crashers =
    [
        614269503, // deep recursion over large frames, for which half a megabyte of stack is not enough
        733858910, 1044662208, 659239059, // unsigned division by constants above 2^63
    ];

    /// <summary>The same for modules with exceptions, which have been tried with vectors and without.</summary>
    private static readonly int[] s_exceptionCrashers =
    [
        501895986, // a load that a ternary operation of two values read both from memory and from a register, which it was never in
    ];

    public static TheoryData<MemoryStrategy, CompilationMode> Configurations => new()
    {
        { MemoryStrategy.Guarded, CompilationMode.Eager },
        { MemoryStrategy.Checked, CompilationMode.Eager },
        { MemoryStrategy.Checked, CompilationMode.Lazy },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Random_modules_behave_as_in_the_reference_engine(MemoryStrategy memory, CompilationMode compilation)
    {
        using var reference = new WasmtimePeer();
        using var tarn = new TarnPeer(new EngineOptions { MemoryStrategy = memory, CompilationMode = compilation });
        using FuzzRun run = FuzzRun.Start(typeof(DifferentialTests), nameof(Random_modules_behave_as_in_the_reference_engine), (int)memory * 1_000_000, $"{memory}-{compilation}");
        foreach (int seed in s_crashers)
        {
            Compare(seed, reference, tarn, run);
        }

        int compared = 0, left = 0;
        for (; compared < s_modules / 3 || run.GoesOn; compared++)
        {
            left += Compare(run.First + compared, reference, tarn, run) ? 0 : 1;
        }

        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared} modules from seed {run.First}; {left} of them not compared: they run out of stack");
        Assert.True(left <= compared / 100, $"{left} of {compared} modules run out of stack");
    }

    public static TheoryData<string> FeatureSets => ["all", "avx2", "none"];

    /// <summary>The same for modules full of vectors, with code for processors that have less.</summary>
    [Theory]
    [MemberData(nameof(FeatureSets))]
    public void Random_vector_modules_behave_as_in_the_reference_engine(string features)
    {
        CpuFeatures all = CpuFeatureDetector.Detect();
        var target = new X64Target(features switch { "all" => all, "avx2" => all & ~CpuFeatures.AnyAvx512, _ => CpuFeatures.None });
        var memory = features == "avx2" ? MemoryStrategy.Checked : MemoryStrategy.Guarded;
        using var reference = new WasmtimePeer();
        using var tarn = new TarnPeer(new EngineOptions { MemoryStrategy = memory, CodeTarget = target });
        using FuzzRun run = FuzzRun.Start(typeof(DifferentialTests), nameof(Random_vector_modules_behave_as_in_the_reference_engine), 3_000_000 + features.Length * 100_000, features);
        int compared = 0, left = 0;
        for (; compared < s_modules / 3 || run.GoesOn; compared++)
        {
            left += Compare(run.First + compared, reference, tarn, run, vectors: true) ? 0 : 1;
        }

        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared} modules from seed {run.First}; {left} of them not compared: they run out of stack");
        Assert.True(left <= compared / 100, $"{left} of {compared} modules run out of stack");
    }

    /// <summary>The same for modules that throw and catch.</summary>
    [Theory]
    [MemberData(nameof(Configurations))]
    public void Random_modules_with_exceptions_behave_as_in_the_reference_engine(MemoryStrategy memory, CompilationMode compilation)
    {
        using var reference = new WasmtimePeer();
        using var tarn = new TarnPeer(new EngineOptions { MemoryStrategy = memory, CompilationMode = compilation });
        using FuzzRun run = FuzzRun.Start(
            typeof(DifferentialTests), nameof(Random_modules_with_exceptions_behave_as_in_the_reference_engine), 6_000_000 + ((int)memory * 1_000_000), $"exceptions-{memory}-{compilation}");
        foreach (int seed in s_exceptionCrashers)
        {
            foreach (bool vectors in (bool[])[false, true])
            {
                Compare(seed, reference, tarn, run, out _, vectors, exceptions: true);
            }
        }

        int compared = 0, left = 0, thrown = 0;
        for (; compared < s_modules / 3 || run.GoesOn; compared++)
        {
            left += Compare(run.First + compared, reference, tarn, run, out string seen, vectors: compared % 3 == 0, exceptions: true) ? 0 : 1;
            thrown += seen.Contains(": exception", StringComparison.Ordinal) ? 1 : 0;
        }

        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared} modules from seed {run.First}; in {thrown} of them something went uncaught; {left} not compared: they run out of stack");
        Assert.True(left <= compared / 100, $"{left} of {compared} modules run out of stack");
        Assert.True(thrown >= compared / 50, $"only {thrown} of {compared} modules throw what is not caught");
    }

    /// <summary>The same by the interpreter: plain modules, modules full of vectors, and modules that throw and catch.</summary>
    [Theory]
    [InlineData(CompilationMode.Eager)]
    [InlineData(CompilationMode.Lazy)]
    public void Random_modules_behave_in_portable_execution_as_in_the_reference_engine(CompilationMode compilation)
    {
        using var reference = new WasmtimePeer();
        using var tarn = new TarnPeer(new EngineOptions { Execution = ExecutionMode.Portable, CompilationMode = compilation });
        using FuzzRun run = FuzzRun.Start(
            typeof(DifferentialTests), nameof(Random_modules_behave_in_portable_execution_as_in_the_reference_engine), 9_000_000 + ((int)compilation * 1_000_000), $"portable-{compilation}");
        int compared = 0, left = 0;
        for (; compared < s_modules / 3 || run.GoesOn; compared++)
        {
            left += Compare(run.First + compared, reference, tarn, run, out _, vectors: compared % 3 == 1, exceptions: compared % 3 == 2) ? 0 : 1;
        }

        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared} modules from seed {run.First}; {left} of them not compared: they run out of stack");
        Assert.True(left <= compared / 100, $"{left} of {compared} modules run out of stack");
    }

    private static bool Compare(int seed, WasmtimePeer reference, TarnPeer tarn, FuzzRun run, bool vectors = false) => Compare(seed, reference, tarn, run, out _, vectors);

    private static bool Compare(int seed, WasmtimePeer reference, TarnPeer tarn, FuzzRun run, out string expected, bool vectors = false, bool exceptions = false)
    {
        var generator = new ModuleGenerator(seed, vectors, exceptions);
        byte[] bytes = generator.Generate();
        run.Running(seed, bytes);
        expected = reference.Run(seed, bytes, generator);
        if (WasmtimePeer.RanOutOfStack(expected))
            return false;
        string actual;
        try
        {
            actual = tarn.Run(seed, bytes, generator);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}: {e.Message}; {run.Keep(seed, bytes)}", e);
        }

        if (expected != actual)
        {
            Assert.Fail($"seed {seed} differs; {run.Keep(seed, bytes)}\n--- reference\n{expected}--- tarn\n{actual}");
        }

        return true;
    }
}

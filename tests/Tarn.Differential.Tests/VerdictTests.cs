// Mutants of valid modules, judged here and by the reference engine: the verdict must be the same. A validator that accepts too much is a hole, one that
// refuses too much is a bug, and neither shows in tests that only ask for typed errors.
//
// Bounded in CI; TARN_FUZZ_SECONDS=600 goes on from a seed taken from the clock. A difference names its seed and keeps the mutant: once mended, the seed
// goes into s_crashers.
using System.Diagnostics;
using System.Globalization;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Validation;

namespace Tarn.Differential.Tests;

public sealed class VerdictTests
{
    private const int MutantsInCi = 3_000;
    private const WasmFeatures Features = WasmFeatures.Wasm3 | WasmFeatures.Threads | WasmFeatures.WideArithmetic;

    /// <summary>Seeds that once showed a difference, kept for ever.</summary>
    private static readonly int[] s_crashers = [];

    [Fact]
    public void Mutants_are_judged_as_by_the_reference_engine()
    {
        IReadOnlyList<byte[]> corpus = ModuleCorpus.All;
        int first = 0;
        double seconds = 0;
        if (Environment.GetEnvironmentVariable("TARN_FUZZ_SECONDS") is string text)
        {
            seconds = double.Parse(text, CultureInfo.InvariantCulture);
            first = (int)(Stopwatch.GetTimestamp() & 0x3FFFFFFF);
        }

        using Wasmtime.Config config = new Wasmtime.Config().WithMultiMemory(true).WithMemory64(true).WithTailCalls(true).WithFunctionReferences(true).WithGc(true)
            .WithExceptions(true).WithRelaxedSIMD(true, false).WithWasmThreads(true).WithWideArithmetic(true);
        using Wasmtime.Engine engine = new(config);
        int accepted = 0, refused = 0;
        List<string> differences = [];
        Stopwatch clock = Stopwatch.StartNew();
        foreach (int seed in s_crashers)
            Judge(seed);
        for (int i = 0; (i < MutantsInCi || clock.Elapsed.TotalSeconds < seconds) && differences.Count < 20; i++)
            Judge(first + i);
        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted} mutants accepted and {refused} refused, from seed {first}");
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.True(accepted > MutantsInCi / 10 && refused > MutantsInCi / 10, $"{accepted} accepted, {refused} refused");

        void Judge(int seed)
        {
            byte[] mutant = Mutant(seed, corpus);
            string? theirs = Wasmtime.Module.Validate(engine, mutant);
            string? ours = null;
            try
            {
                ModuleValidator.Validate(WasmModule.Decode(mutant, Features), new TypeRegistry(), 1);
                accepted++;
            }
            catch (WasmException e)
            {
                ours = e.Message;
                refused++;
            }

            if ((theirs is null) == (ours is null))
                return;
            string path = Path.Combine(Path.GetTempPath(), $"tarn-verdict-{seed}.wasm");
            File.WriteAllBytes(path, mutant);
            differences.Add($"seed {seed}, {path}: here {ours ?? "valid"}; there {theirs?.ReplaceLineEndings(" ") ?? "valid"}");
        }
    }

    private static byte[] Mutant(int seed, IReadOnlyList<byte[]> corpus)
    {
        Random random = new(seed);
        byte[] module = corpus[random.Next(corpus.Count)];
        byte[] other = corpus[random.Next(corpus.Count)];
        ModuleMutator mutator = new(random.Next());
        return random.Next(8) switch
        {
            0 => module,
            1 or 2 => mutator.MutateBytes(module),
            _ => mutator.MutateStructure(module, other),
        };
    }
}

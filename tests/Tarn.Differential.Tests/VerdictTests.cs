// Mutants of valid modules, judged here and by the reference engine: the verdict must be the same. A validator that accepts too much is a hole, one that
// refuses too much is a bug, and neither shows in tests that only ask for typed errors.
//
// Bounded; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun). A difference names its seed and keeps the mutant: once mended, the seed
// goes into s_crashers.
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
        using FuzzRun run = FuzzRun.Start(typeof(VerdictTests), nameof(Mutants_are_judged_as_by_the_reference_engine), otherwise: 0);

        using Wasmtime.Config config = new Wasmtime.Config().WithMultiMemory(true).WithMemory64(true).WithTailCalls(true).WithFunctionReferences(true).WithGc(true)
            .WithExceptions(true).WithRelaxedSIMD(true, false).WithWasmThreads(true).WithWideArithmetic(true);
        using Wasmtime.Engine engine = new(config);
        int accepted = 0, refused = 0;
        List<string> differences = [];
        foreach (int seed in s_crashers)
            Judge(seed);
        for (int i = 0; (i < MutantsInCi || run.GoesOn) && differences.Count < 20; i++)
            Judge(run.First + i);
        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted} mutants accepted and {refused} refused, from seed {run.First}");
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.True(accepted > MutantsInCi / 10 && refused > MutantsInCi / 10, $"{accepted} accepted, {refused} refused");

        void Judge(int seed)
        {
            byte[] mutant = Mutant(seed, corpus);
            run.Running(seed, mutant);
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
            differences.Add($"seed {seed}, {run.Keep(seed, mutant)}: here {ours ?? "valid"}; there {theirs?.ReplaceLineEndings(" ") ?? "valid"}");
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

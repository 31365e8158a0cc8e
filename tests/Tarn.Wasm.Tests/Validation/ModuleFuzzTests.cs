// Mutants of valid modules, broken in bytes and in structure: each is accepted or refused with a typed exception, in bounded memory and time. Accepted ones are
// read to the end (names, hints, text and back), for "validated" means that whoever comes after may rely on it.
//
// Bounded; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun). A failure names its seed and keeps the mutant: once mended, the seed
// goes into s_crashers.
using System.Diagnostics;
using Tarn.TestSupport;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Wasm.Tests.Validation;

public sealed class ModuleFuzzTests
{
    private const int MutantsInCi = 5_000;
    private const int SecondsForOne = 60;

    // A small multiple of the input beside what the implementation limits allow from a few bytes: 50,000 locals, a million operands (grown by quarters).
    private const long BaseBytes = 32 << 20;
    private const long BytesForEachByte = 200;

    /// <summary>Seeds that once showed a fault, kept for ever, with the fault.</summary>
    private static readonly int[] s_crashers = [];

    [Fact]
    public void Mutants_are_accepted_or_refused_with_a_typed_exception()
    {
        IReadOnlyList<byte[]> corpus = ModuleCorpus.All;
        using FuzzRun run = FuzzRun.Start(typeof(ModuleFuzzTests), nameof(Mutants_are_accepted_or_refused_with_a_typed_exception), otherwise: 0);

        int accepted = 0, malformed = 0, invalid = 0;
        long current = 0, started = Stopwatch.GetTimestamp();
        // A hang cannot be caught in a thread that hangs: the process ends, and says where.
        using Timer watchdog = new(_ =>
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref started)) > TimeSpan.FromSeconds(SecondsForOne) && !Debugger.IsAttached)
                Environment.FailFast($"the mutant of seed {Volatile.Read(ref current)} is not done after {SecondsForOne} s");
        });
        watchdog.Change(1000, 1000);

        foreach (int seed in s_crashers)
            Judge(seed);
        for (int i = 0; i < MutantsInCi || run.GoesOn; i++)
            Judge(run.First + i);
        run.Passed();

        // Mutants that are all refused at once, or all accepted, would test nothing.
        TestContext.Current.SendDiagnosticMessage($"{accepted} accepted, {malformed} malformed, {invalid} invalid");
        int few = MutantsInCi / 50;
        Assert.True(accepted > few && malformed > few && invalid > few, $"{accepted} accepted, {malformed} malformed, {invalid} invalid");

        void Judge(int seed)
        {
            Volatile.Write(ref current, seed);
            Volatile.Write(ref started, Stopwatch.GetTimestamp());
            byte[] mutant = Mutant(seed, corpus);
            run.Running(seed, mutant);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                WasmModule? module = null;
                try
                {
                    module = WasmModule.Decode(mutant, WasmFeatures.All);
                    ModuleValidator.Validate(module, new TypeRegistry(), 1);
                    accepted++;
                }
                catch (MalformedModuleException)
                {
                    malformed++;
                }
                catch (InvalidModuleException)
                {
                    invalid++;
                }

                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated <= BaseBytes + (BytesForEachByte * mutant.Length), $"{allocated} bytes allocated for a module of {mutant.Length}");
                if (module is { IsValidated: true })
                    ReadToTheEnd(module);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}; {run.Keep(seed, mutant)}", e);
            }
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
            0 => mutator.Truncate(module),
            1 or 2 => mutator.MutateBytes(module),
            _ => mutator.MutateStructure(module, other),
        };
    }

    private static void ReadToTheEnd(WasmModule module)
    {
        _ = module.Names.ModuleName;
        foreach (CodeAnnotation annotation in CodeMetadata.Read(module, CodeMetadata.BranchHintSection))
            _ = CodeMetadata.BranchHint(module, annotation);
        foreach (bool folded in new[] { false, true })
        {
            byte[] text = WatPrinter.Print(module, new WatPrintOptions { Folded = folded });
            ModuleValidator.Validate(WasmModule.Decode(WatParser.Parse(text), WasmFeatures.All), new TypeRegistry(), 1);
        }
    }
}

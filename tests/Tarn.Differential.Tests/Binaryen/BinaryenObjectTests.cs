// Random modules with managed objects, of Binaryen's generator: what Tarn does with them is what V8 does, whether the collector hardly ever runs or runs at each allocation, moves everything and
// verifies the heap before and after.
//
// Bounded in CI by modules and by a minute, whichever comes first; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun). A difference names its seed and keeps the module; once mended, the
// seed goes into s_crashers. Skipped, and said so, where npm or the registry is missing.
using System.Diagnostics;
using Tarn.TestSupport;

namespace Tarn.Differential.Tests.Binaryen;

public sealed class BinaryenObjectTests
{
    private const int ModulesInCi = 2000;
    private const int SecondsInCi = 60;
    private const int LeastModules = 20;

    /// <summary>Seeds that once showed a fault, kept for ever, with the fault.</summary>
    private static readonly int[] s_crashers =
    [
        582919440, // Compiling did not end: the parameter of a loop that was cut off was replaced by itself.
        486336303, // In portable execution a reference that lost its register in the middle of an allocation was not named in its slot.
    ];

    [Fact]
    public void Random_modules_with_objects_behave_as_in_V8()
    {
        using BinaryenPeer? peer = BinaryenPeer.TryStart(hasObjects: true, out string absence);
        Assert.SkipWhen(peer is null, $"NOT RUN: {absence}");
        using FuzzRun run = FuzzRun.Start(typeof(BinaryenObjectTests), nameof(Random_modules_with_objects_behave_as_in_V8), otherwise: 1);
        int most = run.Seconds > 0 ? int.MaxValue : ModulesInCi;
        double seconds = run.Seconds > 0 ? run.Seconds : SecondsInCi;

        // A collector that moves and verifies everything at each allocation takes too long where arrays are large.
        EngineOptions options = new() { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = 4 << 20, MaximumHeapBytes = 2 << 20, Features = WasmFeatures.Wasm3 | WasmFeatures.LegacyExceptions };
        using FuzzedTarn plain = new(options);
        using FuzzedTarn moving = new(options with { HeapStress = HeapStress.Verify, MemoryStrategy = MemoryStrategy.Checked });
        using FuzzedTarn portable = new(options with { Execution = ExecutionMode.Portable, StackSize = 64 << 20 });
        using FuzzedTarn portableMoving = new(options with { Execution = ExecutionMode.Portable, StackSize = 64 << 20, HeapStress = HeapStress.Verify });
        int compared = 0, inV8 = 0, left = 0;
        foreach (int seed in s_crashers)
            Compare(seed);
        Stopwatch clock = Stopwatch.StartNew();
        for (int i = 0; i < most && (compared < LeastModules || clock.Elapsed.TotalSeconds < seconds); i++)
            Compare(run.First + i);
        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared} modules compared from seed {run.First}, {inV8} of them with V8 too; {left} not compared: they import what no engine here gives");
        // Half of the modules have vectors, which JavaScript cannot pass, and V8 refuses those that mix old exception instructions with new ones.
        Assert.True(inV8 >= compared * 2 / 5, $"V8 ran {inV8} of {compared} modules");

        void Compare(int seed)
        {
            byte[] bytes = peer.Generate(seed);
            run.Running(seed, bytes);
            FuzzedModule module = FuzzedModule.Read(seed, bytes);
            if (!module.IsRunnable)
            {
                left++;
                return;
            }

            string expected = plain.Run(module);
            if (expected.Contains("StackOverflow", StringComparison.Ordinal) || expected.Contains("AllocationTooLarge", StringComparison.Ordinal))
            {
                left++;
                return;
            }

            BinaryenTests.Check(run, seed, bytes, "Tarn", expected, "Tarn with a collector that moves everything", moving.Run(module));
            BinaryenTests.Check(run, seed, bytes, "Tarn", expected, "Tarn in portable execution", portable.Run(module));
            BinaryenTests.Check(run, seed, bytes, "Tarn", expected, "Tarn in portable execution with a collector that moves everything", portableMoving.Run(module));
            if (!module.HasVectorsOutside && peer.Run(module.ToRequest()) is { } seen)
            {
                BinaryenTests.Check(run, seed, bytes, "V8", seen, "Tarn", FuzzedModule.Coarse(expected));
                inV8++;
            }

            compared++;
        }
    }
}

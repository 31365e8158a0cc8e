// Random modules of Binaryen's generator (wasm-opt --translate-to-fuzz), which looks for other things than ours: references, tail calls, segments of all kinds, several memories, code
// that its own passes have turned inside out. Tarn, Wasmtime and V8 must agree on results, traps, calls of the host and globals.
//
// Bounded by modules and by seconds (a minute where the tests do everything), whichever comes first; from new seeds in CI and with TARN_FUZZ_SECONDS (FuzzRun). A difference names its seed and keeps the module; once fixed, the
// seed goes into s_crashers. Skipped, and said so, where node, npm or the registry is missing.
using System.Diagnostics;
using Tarn.TestSupport;

namespace Tarn.Differential.Tests.Binaryen;

public sealed class BinaryenTests
{
    private const int ModulesInCi = 2000;
    private static readonly int s_seconds = TestScope.Count(60, 8);
    private const int LeastModules = 20;

    /// <summary>Seeds that once showed a fault, kept for ever, with the fault.</summary>
    private static readonly int[] s_crashers = [];

    [Fact]
    public void Modules_of_another_generator_behave_as_in_the_reference_engines()
    {
        using BinaryenPeer? peer = BinaryenPeer.TryStart(hasObjects: false, out string absence);
        Assert.SkipWhen(peer is null, $"NOT RUN: {absence}");
        using FuzzRun run = FuzzRun.Start(typeof(BinaryenTests), nameof(Modules_of_another_generator_behave_as_in_the_reference_engines), otherwise: 1);
        int most = run.Seconds > 0 ? int.MaxValue : ModulesInCi;
        double seconds = run.Seconds > 0 ? run.Seconds : s_seconds;

        using FuzzedWasmtime reference = new();
        using FuzzedTarn guarded = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = 4 << 20 });
        using FuzzedTarn tested = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = 4 << 20, MemoryStrategy = MemoryStrategy.Checked, CompilationMode = CompilationMode.Lazy, EnableInterruption = true });
        var legacy = WasmFeatures.Wasm3 | WasmFeatures.LegacyExceptions;
        using FuzzedTarn old = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = 4 << 20, Features = legacy });
        using FuzzedTarn oldTested = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, StackSize = 4 << 20, MemoryStrategy = MemoryStrategy.Checked, CompilationMode = CompilationMode.Lazy, Features = legacy });
        int compared = 0, inV8 = 0, left = 0;
        foreach (int seed in s_crashers)
            Compare(seed);
        Stopwatch clock = Stopwatch.StartNew();
        for (int i = 0; i < most && (compared < LeastModules || clock.Elapsed.TotalSeconds < seconds); i++)
            Compare(run.First + i);
        run.Passed();
        TestContext.Current.TestOutputHelper?.WriteLine($"{compared} modules compared from seed {run.First}, {inV8} of them with V8 too; {left} not compared: they import what no engine here gives, or run out of stack");
        Assert.True(left <= (compared + left) / 5, $"{left} of {compared + left} modules could not be compared");

        void Compare(int seed)
        {
            byte[] bytes = peer.Generate(seed);
            run.Running(seed, bytes);
            FuzzedModule module = FuzzedModule.Read(seed, bytes);
            if (BinaryenPeer.IsLegacy(seed))
            {
                CompareWithV8(seed, bytes, module);
                return;
            }

            string expected = module.IsRunnable ? reference.Run(module) : "";
            if (!module.IsRunnable || WasmtimePeer.RanOutOfStack(expected))
            {
                left++;
                return;
            }

            Check(run, seed, bytes, "Wasmtime", expected, "Tarn, guarded memories", guarded.Run(module));
            Check(run, seed, bytes, "Wasmtime", expected, "Tarn, checked memories, compiled at first call, with checks for interruption", tested.Run(module));
            if (!module.HasVectorsOutside && peer.Run(module.ToRequest()) is { } seen)
            {
                Check(run, seed, bytes, "V8", seen, "Wasmtime and Tarn", FuzzedModule.Coarse(expected));
                inV8++;
            }

            compared++;
        }

        // The old exception instructions, which Wasmtime has given up.
        void CompareWithV8(int seed, byte[] bytes, FuzzedModule module)
        {
            if (!module.IsRunnable || module.HasVectorsOutside || peer.Run(module.ToRequest()) is not { } expected || WasmtimePeer.RanOutOfStack(expected))
            {
                left++;
                return;
            }

            string seen = old.Run(module);
            Check(run, seed, bytes, "V8", expected, "Tarn, guarded memories", FuzzedModule.Coarse(seen));
            Check(run, seed, bytes, "Tarn, guarded memories", seen, "Tarn, checked memories, compiled at first call", oldTested.Run(module));
            inV8++;
            compared++;
        }
    }

    /// <summary>Fails where two transcripts differ, and keeps the module.</summary>
    internal static void Check(FuzzRun run, int seed, byte[] bytes, string left, string expected, string right, string actual)
    {
        if (expected == actual)
            return;
        string[] wanted = expected.Split('\n'), got = actual.Split('\n');
        int at = Enumerable.Range(0, Math.Min(wanted.Length, got.Length)).FirstOrDefault(i => wanted[i] != got[i], Math.Min(wanted.Length, got.Length));
        Assert.Fail($"seed {seed} differs in line {at}; {run.Keep(seed, bytes)}\n--- {left}\n{Around(wanted, at)}\n--- {right}\n{Around(got, at)}");
    }

    private static string Around(string[] lines, int at) => string.Join('\n', lines.Skip(Math.Max(0, at - 3)).Take(8));
}

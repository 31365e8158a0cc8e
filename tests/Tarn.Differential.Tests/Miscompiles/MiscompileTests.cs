// Tools against miscompiles, and that they work. For a seed that DifferentialTests reports:
//
//   TARN_MISCOMPILE_SEED=n dotnet run --project tests/Tarn.Differential.Tests -- --filter-method '*.Look_into_a_seed' --show-live-output on
//
// TARN_MISCOMPILE_VECTORS=1 for a seed of the vector modules. It shrinks the module while the difference stays, leaves it in artifacts/crashers, and names the step of the
// optimiser with which the difference comes.
using System.Text;
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Compiler.Optimize;
using Tarn.Modules;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Differential.Tests.Miscompiles;

public sealed class MiscompileTests
{
    private const int MostAttempts = 20_000;

    // What a module may execute for each call while it is reduced: a candidate may have lost the counter that ends its loops.
    private const long FuelForCandidates = 20_000_000;

    [Fact]
    public void Look_into_a_seed()
    {
        string? wanted = Environment.GetEnvironmentVariable("TARN_MISCOMPILE_SEED");
        Assert.SkipWhen(wanted is null, "TARN_MISCOMPILE_SEED names no seed");
        int seed = int.Parse(wanted, System.Globalization.CultureInfo.InvariantCulture);
        var generator = new ModuleGenerator(seed, Environment.GetEnvironmentVariable("TARN_MISCOMPILE_VECTORS") == "1");
        Console.Error.WriteLine(Explain(seed, generator.Generate(), generator, options => new TarnPeer(options)));
    }

    [Fact]
    public void A_seed_without_a_difference_is_reported_as_such()
    {
        var generator = new ModuleGenerator(5);
        Assert.Contains("no difference", Explain(5, generator.Generate(), generator, options => new TarnPeer(options)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_reducer_leaves_what_matters()
    {
        using var engine = new Engine();
        byte[] module = WatParser.Parse(
            """
            (module
              (memory (export "memory") 1)
              (func $other (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
              (func (export "f") (param i32) (result i32) (local i64)
                (block (loop (br_if 1 (i32.eqz (local.get 0))) (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 0)))
                (local.set 1 (i64.extend_i32_u (local.get 0)))
                (i32.store (i32.const 8) (call $other (local.get 0)))
                (i32.add (i32.load (i32.const 8)) (i32.popcnt (local.get 0)))))
            """u8,
            null).ToArray();
        var reducer = new ModuleReducer(engine, candidate => Text(candidate).Contains("i32.popcnt", StringComparison.Ordinal));
        byte[] reduced = reducer.Reduce(module, MostAttempts);
        string text = Text(reduced);
        Assert.True(Module.TryValidate(engine, reduced, out _));
        Assert.Contains("i32.popcnt", text, StringComparison.Ordinal);
        foreach (string gone in (string[])["loop", "block", "call", "i32.store", "i32.load", "i32.mul", "i64.extend_i32_u"])
        {
            Assert.DoesNotContain(gone, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_bisection_names_the_step()
    {
        byte[] module = WatParser.Parse(
            """
            (module
              (func (export "first") (param i32) (result i32) local.get 0 i32.const 1 i32.add)
              (global $g (mut i32) (i32.const 0))
              (func (export "f") (param i32) (result i32) (global.set $g (local.get 0)) (global.get $g)))
            """u8,
            null).ToArray();
        using var engine = new Engine();
        WasmModule wasm = WasmModule.Decode(module, WasmFeatures.Wasm3);
        ModuleValidator.Validate(wasm, engine.Core.Types, 1);
        var layout = new VmContextLayout(wasm);

        // "Wrong" is: the load is gone, which the optimiser knows the result of.
        (long step, string what) = StepBisector.Find(limit =>
        {
            FunctionCompilation compilation = FunctionCompiler.CreateCompilation();
            compilation.OptimizationLimit = limit;
            string text = "";
            for (int i = 0; i < wasm.Bodies.Length; i++)
            {
                compilation.Compile(wasm, layout, i, TargetDescription.Default);
                text = IrPrinter.Print(compilation.Function);
            }

            return text.Contains("loadvm", StringComparison.Ordinal);
        });
        Assert.True(step > 0, what);
        Assert.Contains("redundancy elimination of function 1, at v", what, StringComparison.Ordinal);
    }

    /// <summary>Code is right wherever the optimiser is stopped: the bisection relies on it.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Code_is_right_wherever_the_optimiser_is_stopped(int seed)
    {
        var generator = new ModuleGenerator(seed);
        byte[] module = generator.Generate();
        using var reference = new WasmtimePeer();
        string expected = reference.Run(seed, module, generator);
        var all = new OptimizationLimit(long.MaxValue);
        Assert.Equal(expected, RunLimited(seed, module, generator, all));
        Assert.True(all.Steps > 100, $"{all.Steps} steps");
        for (int k = 0; k <= 20; k++)
        {
            Assert.Equal(expected, RunLimited(seed, module, generator, new OptimizationLimit(all.Steps * k / 20)));
        }
    }

    private static string RunLimited(int seed, byte[] module, ModuleGenerator generator, OptimizationLimit limit)
    {
        using var tarn = new TarnPeer(Options with { OptimizationLimit = limit });
        return tarn.Run(seed, module, generator);
    }

    private static EngineOptions Options => new() { CompilationThreads = 1 };

    // Everything about a difference between an engine and the reference.
    private static string Explain(int seed, byte[] module, ModuleGenerator generator, Func<EngineOptions, TarnPeer> make)
    {
        using var reference = new WasmtimePeer();
        using var bounded = new TarnPeer(Options with { EnableFuel = true }) { Fuel = FuelForCandidates };
        bool Differs(byte[] candidate, OptimizationLimit? limit)
        {
            if (bounded.Run(seed, candidate, generator).Contains(nameof(TrapCode.OutOfFuel), StringComparison.Ordinal))
            {
                return false;
            }

            string expected = reference.Run(seed, candidate, generator);
            using TarnPeer tarn = make(Options with { OptimizationLimit = limit });
            return !WasmtimePeer.RanOutOfStack(expected) && tarn.Run(seed, candidate, generator) != expected;
        }

        if (!Differs(module, null))
        {
            return $"seed {seed}: no difference";
        }

        using var engine = new Engine();
        byte[] reduced = new ModuleReducer(engine, candidate => Differs(candidate, null)).Reduce(module, MostAttempts);
        (long step, string what) = StepBisector.Find(limit => !Differs(reduced, limit));
        string path = Repository.PathOf("artifacts", "crashers", $"reduced-{seed}.wasm");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, reduced);
        return $"seed {seed}: {module.Length} bytes reduced to {reduced.Length}, in {path}\nstep {step}: {what}\n{Text(reduced)}";
    }

    private static string Text(byte[] module) => Encoding.UTF8.GetString(WatPrinter.Print(WasmModule.Decode(module, WasmFeatures.All)));
}

// Random modules, and the benchmark's programs, interpreted as translated and as optimised: results, traps, globals and memory must be the same, whatever the passes did. The
// function is verified after each pass. TARN_FUZZ_SECONDS=600 goes on from a seed taken from the clock; a difference names its seed.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Tests.Frontend;
using Tarn.Differential.Tests;
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Optimize;

[Collection(IrInterpretation.Name)]
public sealed class OptimizerDifferentialTests
{
    private static readonly int s_modules = TestScope.Count(300, 60);
    private const int Calls = 3;

    /// <summary>Seeds that once showed a fault, kept for ever.</summary>
    private static readonly int[] s_crashers = [];

    // What the host does with its arguments shows in its global.
    private const string HostText = """
        (module
          (global $h (mut i64) (i64.const 1469598103934665603))
          (func $mix (param i64) (global.set $h (i64.mul (i64.xor (global.get $h) (local.get 0)) (i64.const 1099511628211))))
          (func (export "mix") (param i32 i64 f32 f64) (result i64)
            (call $mix (i64.extend_i32_u (local.get 0)))
            (call $mix (local.get 1))
            (call $mix (i64.extend_i32_u (i32.reinterpret_f32 (local.get 2))))
            (call $mix (i64.reinterpret_f64 (local.get 3)))
            (i64.shr_u (global.get $h) (i64.const 7)))
          (func (export "note") (param i32) (call $mix (i64.extend_i32_u (local.get 0))))
          (func (export "hash") (result i64) (global.get $h)))
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Random_modules_behave_as_unoptimised(bool checkedMemory)
    {
        var first = checkedMemory ? 1_000_000 : 0;
        var seconds = 0.0;
        if (Environment.GetEnvironmentVariable("TARN_FUZZ_SECONDS") is string text)
        {
            seconds = double.Parse(text, CultureInfo.InvariantCulture);
            first = (int)(Stopwatch.GetTimestamp() & 0x3FFFFFFF);
        }

        var compared = 0;
        OnLargeStack(() =>
        {
            var clock = Stopwatch.StartNew();
            foreach (var seed in s_crashers)
            {
                Compare(seed, checkedMemory);
            }

            for (var i = 0; i < s_modules || clock.Elapsed.TotalSeconds < seconds; i++)
            {
                compared += Compare(first + i, checkedMemory) + Compare(first + i, checkedMemory, vectors: true);
            }
        });
        Assert.True(compared > s_modules * 5, $"only {compared} calls were compared");
    }

    [Fact]
    public void Benchmark_programs_behave_as_unoptimised()
    {
        OnLargeStack(() =>
        {
            var compared = 0;
            foreach (var path in Directory.GetFiles(Repository.PathOf("bench/programs/wasm"), "*.wasm").Order(StringComparer.Ordinal).Where((_, i) => i % TestScope.Count(1, 5) == 0))
            {
                // Some take more steps than interpreting has patience for.
                var plain = RunProgram(path, false);
                if (plain is not null)
                {
                    compared++;
                    Assert.True(plain == RunProgram(path, true), $"{path}: {plain}");
                }
            }

            Assert.True(compared >= TestScope.Count(20, 3), $"only {compared} programs ran");
        });
    }

    private static void OnLargeStack(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    failure = e;
                }
            },
            256 * 1024 * 1024);
        thread.Start();
        thread.Join();
        if (failure is not null)
        {
            throw new InvalidOperationException(failure.Message, failure);
        }
    }

    private static int Compare(int seed, bool checkedMemory, bool vectors = false)
    {
        var generator = new ModuleGenerator(seed, vectors);
        var bytes = generator.Generate();
        var target = new TargetDescription { MaximumMemoryBytes = 65535UL << 16, MemoryStrategy = checkedMemory ? MemoryStrategy.Checked : MemoryStrategy.Guarded };
        var plain = Run(seed, bytes, generator, target with { Optimize = false });
        List<string> optimised;
        try
        {
            optimised = Run(seed, bytes, generator, target);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
        }

        // Inlining leaves more of the stack: after an exhaustion the runs are no longer comparable.
        var end = plain.FindIndex(l => l.EndsWith(nameof(TrapCode.StackOverflow), StringComparison.Ordinal));
        var count = end < 0 ? plain.Count : end;
        for (var i = 0; i < count; i++)
        {
            Assert.True(i < optimised.Count && plain[i] == optimised[i], $"seed {seed}: '{plain[i]}' became '{(i < optimised.Count ? optimised[i] : "nothing")}'");
        }

        return count;
    }

    private static IrInstance Instantiate(byte[] bytes, TargetDescription target, TypeRegistry registry, IrInstance? host)
    {
        var module = WasmModule.Decode(bytes, WasmFeatures.All);
        ModuleValidator.Validate(module, registry, 1);
        return new IrInstance(module, target, import => (host!, host!.FindExport(import.Name, import.Kind)));
    }

    private static unsafe List<string> Run(int seed, byte[] bytes, ModuleGenerator shape, TargetDescription target)
    {
        var seen = new List<string>();
        try
        {
            var registry = new TypeRegistry();
            var host = Instantiate(WatParser.Parse(Encoding.UTF8.GetBytes(HostText)), target with { Optimize = false }, registry, null);
            var instance = Instantiate(bytes, target, registry, host);
            for (var call = 0; call < Calls; call++)
            {
                foreach (var (name, parameters, _) in shape.Exports)
                {
                    var arguments = new UInt128[parameters.Length];
                    for (var i = 0; i < arguments.Length; i++)
                    {
                        var raw = Observation.Argument(seed, call, i);
                        arguments[i] = parameters[i] switch
                        {
                            0x7F => (uint)raw,
                            0x7E => (ulong)raw,
                            0x7D => BitConverter.SingleToUInt32Bits((int)raw),
                            _ => BitConverter.DoubleToUInt64Bits(raw),
                        };
                    }

                    *(int*)(instance.Context + instance.Layout.Global(shape.FuelGlobal)) = ModuleGenerator.Fuel;
                    IrInterpreter.ResetSteps();
                    try
                    {
                        var results = instance.Call(instance.FindExport(name, ExternalKind.Function), arguments);
                        seen.Add($"{name}: {string.Join(' ', results.Select(r => r.ToString("x", CultureInfo.InvariantCulture)))}");
                    }
                    catch (IrTrapException trap)
                    {
                        seen.Add($"{name}: trap {(TrapCode)trap.Code}");
                        if (trap.Code == (byte)TrapCode.StackOverflow)
                        {
                            return seen;
                        }
                    }
                }

                for (var i = 0; i <= shape.FuelGlobal; i++)
                {
                    seen.Add($"global {i} = {instance.ReadGlobal(i):x}");
                }
            }

            seen.Add($"memory {Hash(instance):x}");
            seen.Add($"host {host.Call(host.FindExport("hash", ExternalKind.Function), [])[0]:x}");
        }
        finally
        {
            IrInstance.FreeAll();
        }

        return seen;
    }

    private static unsafe ulong Hash(IrInstance instance)
    {
        var entry = (ulong*)(instance.Context + instance.Layout.Memory(0));
        var hash = 14695981039346656037;
        foreach (var value in new ReadOnlySpan<ulong>((void*)entry[0], (int)(entry[1] / 8)))
        {
            hash = (hash ^ value) * 1099511628211;
        }

        return hash ^ entry[1];
    }

    private static string? RunProgram(string path, bool optimize)
    {
        try
        {
            var instance = Instantiate(File.ReadAllBytes(path), new TargetDescription { Optimize = optimize, MaximumMemoryBytes = 65535UL << 16 }, new TypeRegistry(), null);
            IrInterpreter.ResetSteps();
            return string.Join(' ', instance.Call(instance.FindExport("run", ExternalKind.Function), [1])) + $" {Hash(instance):x}";
        }
        catch (IrTrapException trap)
        {
            return trap.Message;
        }
        catch (Exception e) when (e is UnsupportedModuleException or NotSupportedException)
        {
            return null;
        }
        finally
        {
            IrInstance.FreeAll();
        }
    }
}

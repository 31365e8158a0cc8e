// The specification's scripts on interpreted IR, translated only with checked memory and optimised with both kinds of memory: the front end must be right whatever the code generator does.
// Scripts that need what the interpreter lacks (SIMD, garbage collection, huge memories) are skipped command by command; how many commands ran is asserted, so
// that skipping cannot grow unnoticed.
using Tarn.TestSupport;
using Tarn.Wasm;
using Tarn.Wasm.Validation;
using Tarn.Wast;

namespace Tarn.Compiler.Tests.Frontend;

[Collection(IrInterpretation.Name)]
public sealed class SpecificationTests
{
    private const int LeastAssertions = 40_000;

    private const string SpectestText = """
        (module
          (func (export "print")) (func (export "print_i32") (param i32)) (func (export "print_i64") (param i64))
          (func (export "print_f32") (param f32)) (func (export "print_f64") (param f64))
          (func (export "print_i32_f32") (param i32 f32)) (func (export "print_f64_f64") (param f64 f64))
          (global (export "global_i32") i32 (i32.const 666)) (global (export "global_i64") i64 (i64.const 666))
          (global (export "global_f32") f32 (f32.const 666.6)) (global (export "global_f64") f64 (f64.const 666.6))
          (table (export "table") 10 20 funcref) (table (export "table64") i64 10 20 funcref)
          (memory (export "memory") 1 2))
        """;

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Scripts_run_on_IR(bool optimize, bool checkedMemory)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        var target = new TargetDescription { Optimize = optimize, MaximumMemoryBytes = 65535UL << 16, MemoryStrategy = checkedMemory ? MemoryStrategy.Checked : MemoryStrategy.Guarded };
        var assertions = 0;
        List<string> failures = [];
        var thread = new Thread(
            () =>
            {
                // By default each configuration takes a third of the scripts, all of them together.
                var part = (optimize ? 1 : 0) + (checkedMemory ? 1 : 0) + (optimize && !checkedMemory ? -1 : 0);
                foreach (var script in SpecificationSuite.Scripts().Where((_, i) => TestScope.IsFull || i % 3 == part))
                {
                    if (!script.Contains('/', StringComparison.Ordinal) || script.StartsWith("memory64/", StringComparison.Ordinal))
                    {
                        assertions += Run(script, target, failures);
                    }
                }
            },
            256 * 1024 * 1024);
        thread.Start();
        thread.Join();
        Assert.True(failures.Count == 0, $"{failures.Count} failures\n" + string.Join('\n', failures.Take(40)));
        Assert.True(assertions >= (TestScope.IsFull ? LeastAssertions : LeastAssertions / 6), $"only {assertions} assertions ran");
    }

    private static int Run(string script, TargetDescription description, List<string> failures)
    {
        var registry = new TypeRegistry();
        var source = File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, script));
        var registered = new Dictionary<string, IrInstance>();
        var named = new Dictionary<string, IrInstance?>();
        var broken = new HashSet<IrInstance>();
        IrInstance? current = null;
        var assertions = 0;
        IrInstance Instantiate(byte[] bytes)
        {
            var module = WasmModule.Decode(bytes, WasmFeatures.All);
            ModuleValidator.Validate(module, registry, 1);
            return new IrInstance(module, description, import =>
            {
                var other = registered[import.Module];
                return (other, other.FindExport(import.Name, import.Kind));
            });
        }

        try
        {
            registered["spectest"] = Instantiate(Tarn.Wasm.Text.WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(SpectestText)));
            foreach (var command in ScriptParser.Parse(source, script).Commands)
            {
                try
                {
                    IrInterpreter.ResetSteps();
                    switch (command.Kind)
                    {
                        case ScriptCommandKind.Module:
                            current = null;
                            if (command.Module!.Name is not null)
                            {
                                named[command.Module.Name] = null;
                            }

                            current = Instantiate(command.Module.ToBinary());
                            if (command.Module.Name is not null)
                            {
                                named[command.Module.Name] = current;
                            }

                            break;
                        case ScriptCommandKind.Register:
                            var instance = command.Name is null ? current : named[command.Name];
                            if (instance is not null)
                            {
                                registered[command.Text!] = instance;
                            }

                            break;
                        case ScriptCommandKind.AssertReturn or ScriptCommandKind.AssertTrap or ScriptCommandKind.AssertExhaustion or ScriptCommandKind.AssertException or ScriptCommandKind.Action:
                            if (command.Action is { } action)
                            {
                                var target = action.Instance is null ? current : named[action.Instance];
                                try
                                {
                                    assertions += !broken.Contains(target!) && Check(command, action, target, failures, script) ? 1 : 0;
                                }
                                catch (UnsupportedModuleException)
                                {
                                    // What it would have done, later commands may rely upon.
                                    broken.Add(target!);
                                }
                            }
                            else if (command.Module is { } failing)
                            {
                                Instantiate(failing.ToBinary());
                            }

                            break;
                    }
                }
                catch (Exception error) when (error is NotSupportedException or UnsupportedModuleException or KeyNotFoundException or IrTrapException or IrThrownException)
                {
                    // What needs instructions or imports that are not there is skipped.
                }
                catch (Exception error)
                {
                    failures.Add($"{script}:{command.Line}: {error.GetType().Name}: {error.Message.Split('\n')[0]} {error.StackTrace?.Split('\n')[0]}");
                }
            }
        }
        finally
        {
            IrInstance.FreeAll();
        }

        return assertions;
    }

    private static bool Check(ScriptCommand command, ScriptAction action, IrInstance? instance, List<string> failures, string script)
    {
        if (instance is null)
        {
            return false;
        }

        UInt128[] results;
        var where = $"{script}:{command.Line}: {action.Export}";
        try
        {
            if (action.IsGet)
            {
                results = [instance.ReadGlobal(instance.FindExport(action.Export, ExternalKind.Global))];
            }
            else
            {
                var arguments = action.Arguments.Select(a => a.Kind switch
                {
                    ScriptValueKind.RefExtern or ScriptValueKind.RefHost => (a.Low << Abi.ObjectLayout.HandleShift) | Abi.ObjectLayout.HandleTag,
                    ScriptValueKind.V128 => new UInt128(a.High, a.Low),
                    _ => (UInt128)a.Low,
                }).ToArray();
                results = instance.Call(instance.FindExport(action.Export, ExternalKind.Function), arguments);
            }
        }
        catch (IrThrownException thrown)
        {
            if (command.Kind != ScriptCommandKind.AssertException)
            {
                failures.Add($"{where}: unexpected {thrown.Message}");
            }

            return true;
        }
        catch (IrTrapException trap)
        {
            var expected = command.Kind == ScriptCommandKind.AssertTrap || command.Kind == ScriptCommandKind.AssertExhaustion;
            if (!expected)
            {
                failures.Add($"{where}: unexpected {trap.Message}");
            }

            return true;
        }

        if (command.Kind is ScriptCommandKind.AssertTrap or ScriptCommandKind.AssertExhaustion or ScriptCommandKind.AssertException)
        {
            failures.Add($"{where}: no trap");
            return true;
        }

        if (command.Kind == ScriptCommandKind.AssertReturn && results.Length != command.Results.Length)
        {
            failures.Add($"{where}: {results.Length} results");
            return true;
        }

        for (var i = 0; i < command.Results.Length; i++)
        {
            if (!(command.Results[i].Alternatives ?? [command.Results[i].Value]).Any(p => Matches(p, results[i])))
            {
                failures.Add($"{where}: result {i} is 0x{results[i]:x}, not 0x{command.Results[i].Value.Low:x}");
            }
        }

        return true;
    }

    private static bool Matches(ScriptValue pattern, UInt128 value) => pattern.Kind switch
    {
        ScriptValueKind.V128 => MatchesVector(in pattern, value),
        ScriptValueKind.F32 when pattern.Nan(0) != NanClass.Exact => float.IsNaN(BitConverter.UInt32BitsToSingle((uint)value)),
        ScriptValueKind.F64 when pattern.Nan(0) != NanClass.Exact => double.IsNaN(BitConverter.UInt64BitsToDouble((ulong)value)),
        ScriptValueKind.I32 or ScriptValueKind.F32 => (uint)pattern.Low == value,
        ScriptValueKind.I64 or ScriptValueKind.F64 => pattern.Low == value,
        ScriptValueKind.RefNull => value == 0,
        ScriptValueKind.RefExtern or ScriptValueKind.RefHost => pattern.HasPayload ? value == ((pattern.Low << Abi.ObjectLayout.HandleShift) | Abi.ObjectLayout.HandleTag) : value != 0,
        ScriptValueKind.RefFunc => value != 0,
        _ => true,
    };

    private static bool MatchesVector(in ScriptValue pattern, UInt128 value)
    {
        if (pattern.NanLanes == 0)
        {
            return value == new UInt128(pattern.High, pattern.Low);
        }

        var bits = pattern.Shape == LaneShape.F32X4 ? 32 : 64;
        var expected = new UInt128(pattern.High, pattern.Low);
        for (var k = 0; k < 128 / bits; k++)
        {
            var lane = VectorReference.Lane(value, bits, k);
            if (pattern.Nan(k) != NanClass.Exact ? !double.IsNaN(VectorReference.Float(value, bits, k)) : lane != VectorReference.Lane(expected, bits, k))
            {
                return false;
            }
        }

        return true;
    }
}

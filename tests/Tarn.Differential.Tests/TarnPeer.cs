// Runs a generated module in Tarn and writes down what can be seen, line for line as the reference's peer does.
namespace Tarn.Differential.Tests;

/// <summary>Tarn under one set of engine options.</summary>
internal sealed class TarnPeer(EngineOptions options) : IDisposable
{
    // Twice the reference's, so that what it runs to the end is run to the end here, unless frames are more than twice as large. Those of register code are: a word for each register.
    private readonly Engine _engine = new(options with { Pooling = options.Pooling with { StackSize = options.Execution == ExecutionMode.Portable ? 64 << 20 : 4 << 20 } });

    /// <summary>What each call may use, where the engine counts; without a value it is not bounded.</summary>
    public long? Fuel { get; init; }

    public void Dispose() => _engine.Dispose();

    public string Run(int seed, byte[] bytes, ModuleGenerator shape)
    {
        var seen = new Observation();
        using Module module = Module.FromBytes(_engine, bytes);
        var linker = new Linker(_engine);
        linker.DefineFunction("host", "mix", (int a, long b, float c, double d) => seen.Mix(a, b, c, d));
        linker.DefineFunction("host", "note", (int a) => seen.Note(a));
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        for (int call = 0; call < WasmtimePeer.CallsForEachExport; call++)
        {
            foreach ((string name, int[] parameters, int[] results) in shape.Exports)
            {
                var arguments = new Value[parameters.Length];
                for (int i = 0; i < arguments.Length; i++)
                {
                    long raw = Observation.Argument(seed, call, i);
                    arguments[i] = parameters[i] switch
                    {
                        0x7F => (Value)(int)raw,
                        0x7E => (Value)raw,
                        0x7D => (Value)(float)(int)raw,
                        _ => (Value)(double)raw,
                    };
                }

                Global fuel = instance.GetGlobal("fuel");
                fuel.Value = ModuleGenerator.Fuel;
                if (Fuel is long units)
                {
                    instance.Fuel = units;
                }

                var output = new Value[results.Length];
                string outcome;
                try
                {
                    bool returned = instance.GetFunction(name).TryInvoke(arguments, output, out Trap? trap);
                    outcome = returned ? string.Join(' ', output.Select(Print)) : "trap " + ReferenceName(trap!.Code);
                }
                catch (GuestException)
                {
                    outcome = "exception";
                }

                seen.Line($"{name}: {outcome}");
            }
        }

        for (int i = 0; i < shape.GlobalCount; i++)
        {
            seen.Line($"g{i} = {Print(instance.GetGlobal($"g{i}").Value)}");
        }

        seen.Memory(instance.GetMemory("memory").AsSpan());
        return seen.ToString();
    }

    private static string Print(Value value) => value.Kind switch
    {
        ValueKind.I32 => $"{(uint)value.AsInt32():x8}",
        ValueKind.I64 => $"{(ulong)value.AsInt64():x16}",
        ValueKind.F32 => $"{BitConverter.SingleToUInt32Bits(value.AsSingle()):x8}",
        _ => $"{BitConverter.DoubleToUInt64Bits(value.AsDouble()):x16}",
    };

    // The reference does not tell an index beyond the table in an indirect call from one in an access.
    public static string ReferenceName(TrapCode code) => code switch
    {
        TrapCode.Unreachable => "Unreachable",
        TrapCode.MemoryOutOfBounds => "MemoryOutOfBounds",
        TrapCode.TableOutOfBounds or TrapCode.UndefinedElement => "TableOutOfBounds",
        TrapCode.UninitializedElement => "IndirectCallToNull",
        TrapCode.IndirectCallTypeMismatch => "BadSignature",
        TrapCode.IntegerDivideByZero => "IntegerDivisionByZero",
        TrapCode.IntegerOverflow => "IntegerOverflow",
        TrapCode.InvalidConversionToInteger => "BadConversionToInteger",
        TrapCode.StackExhausted => "StackOverflow",
        _ => code.ToString(),
    };
}

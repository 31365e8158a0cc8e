// Runs a generated module in Wasmtime and writes down what can be seen.
namespace Tarn.Differential.Tests;

// In here, so that its Engine and Module win over ours.
using Wasmtime;

/// <summary>The reference engine.</summary>
internal sealed class WasmtimePeer : IDisposable
{
    public const int CallsForEachExport = 3;

    // As much as the package allows. Where even that is not enough for the deepest recursion over the largest frames, the transcript says so.
    private const int StackSize = 2 << 20;

    private readonly Engine _engine;

    public WasmtimePeer()
    {
        using var config = new Config();
        _engine = new Engine(config.WithMultiMemory(true).WithMemory64(true).WithMaximumStackSize(StackSize));
    }

    /// <summary>
    /// Whether a guest ran out of stack in what <see cref="Run"/> returned. Generated modules bound their recursion, but not the frames; how much stack a
    /// frame takes is no property of WebAssembly, so that such a module says nothing about another engine.
    /// </summary>
    public static bool RanOutOfStack(string transcript) => transcript.Contains("trap StackOverflow", StringComparison.Ordinal);

    public void Dispose() => _engine.Dispose();

    public string Run(int seed, byte[] bytes, ModuleGenerator shape)
    {
        var seen = new Observation();
        using var module = Module.FromBytes(_engine, "generated", bytes);
        using var store = new Store(_engine);
        using var linker = new Linker(_engine);
        linker.DefineFunction<int, long, float, double, long>("host", "mix", seen.Mix);
        linker.DefineFunction<int>("host", "note", seen.Note);
        Instance instance = linker.Instantiate(store, module);
        for (int call = 0; call < CallsForEachExport; call++)
        {
            foreach ((string name, int[] parameters, int[] _) in shape.Exports)
            {
                Function function = instance.GetFunction(name)!;
                var arguments = new ValueBox[parameters.Length];
                for (int i = 0; i < arguments.Length; i++)
                {
                    long raw = Observation.Argument(seed, call, i);
                    arguments[i] = parameters[i] switch
                    {
                        0x7F => (ValueBox)(int)raw,
                        0x7E => (ValueBox)raw,
                        0x7D => (ValueBox)(float)(int)raw,
                        _ => (ValueBox)(double)raw,
                    };
                }

                instance.GetGlobal("fuel")!.SetValue(ModuleGenerator.Fuel);
                seen.Line($"{name}: {Outcome(function, arguments)}");
            }
        }

        for (int i = 0; i < shape.GlobalCount; i++)
        {
            seen.Line($"g{i} = {Print(instance.GetGlobal($"g{i}")!.GetValue())}");
        }

        Memory memory = instance.GetMemory("memory")!;
        seen.Memory(memory.GetSpan<byte>(0, (int)memory.GetLength()));
        return seen.ToString();
    }

    private static string Outcome(Function function, ValueBox[] arguments)
    {
        try
        {
            object? result = function.Invoke(arguments);
            return result is object?[] several ? string.Join(' ', several.Select(Print)) : Print(result);
        }
        catch (TrapException trap)
        {
            return Describe(trap);
        }
    }

    /// <summary>A trap's name. The package has none for an exception that nothing caught.</summary>
    public static string Describe(TrapException trap) => trap.Type == TrapCode.Undefined && trap.Message.Contains("exception", StringComparison.Ordinal) ? "exception" : "trap " + trap.Type;

    private static string Print(object? value) => value switch
    {
        null => "",
        int i => $"{(uint)i:x8}",
        long l => $"{(ulong)l:x16}",
        float f => $"{BitConverter.SingleToUInt32Bits(f):x8}",
        double d => $"{BitConverter.DoubleToUInt64Bits(d):x16}",
        _ => value.ToString()!,
    };
}

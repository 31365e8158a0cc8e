// Runs a module of Binaryen's generator in Wasmtime and writes down what can be seen.
using System.Text;

namespace Tarn.Differential.Tests.Binaryen;

// In here, so that its Engine and Module win over ours.
using Wasmtime;

internal sealed class FuzzedWasmtime : IDisposable
{
    private readonly Engine _engine;

    public FuzzedWasmtime()
    {
        using var config = new Config();
        _engine = new Engine(config.WithMultiMemory(true).WithMemory64(true).WithTailCalls(true).WithFunctionReferences(true).WithMaximumStackSize(2 << 20));
    }

    public void Dispose() => _engine.Dispose();

    public string Run(FuzzedModule shape)
    {
        StringBuilder seen = new();
        int hostCalls = 0;
        using var module = Module.FromBytes(_engine, "generated", shape.Bytes);
        using var store = new Store(_engine);
        using var linker = new Linker(_engine);
        foreach ((string from, string name, string kind, bool isMutable) in shape.ImportedGlobals)
            linker.Define(from, name, new Global(store, Kind(kind), Zero(kind), isMutable ? Mutability.Mutable : Mutability.Immutable));
        foreach (FuzzedFunction import in shape.Imports)
        {
            linker.Define(import.Module, import.Name, Function.FromCallback(
                store,
                (caller, arguments, results) =>
                {
                    string[] printed = new string[arguments.Length];
                    for (int i = 0; i < printed.Length; i++)
                        printed[i] = Print(import.Parameters[i], Unbox(store, import.Parameters[i], arguments[i]));
                    if (hostCalls++ < FuzzedModule.MostHostCalls)
                        seen.Append(import.Name).Append('(').AppendJoin(' ', printed).Append(")\n");
                    for (int i = 0; i < results.Length; i++)
                        results[i] = Argument(import.Results[i], 0);
                },
                [.. import.Parameters.Select(Kind)],
                [.. import.Results.Select(Kind)]));
        }

        Instance instance;
        try
        {
            instance = linker.Instantiate(store, module);
        }
        catch (TrapException trap)
        {
            return seen.Append("start: ").Append(Name(trap)).Append('\n').ToString();
        }

        for (int call = 0; call < FuzzedModule.Calls; call++)
        {
            foreach (FuzzedFunction function in shape.Exports)
            {
                ValueBox[] arguments = [.. function.Parameters.Select((kind, i) => Argument(kind, shape.Argument(call, i)))];
                string outcome = Outcome(instance.GetFunction(function.Name)!, function.Results, arguments); // first: it writes what the host is called with
                seen.Append(function.Name).Append(": ").Append(outcome).Append('\n');
            }
        }

        foreach ((string name, string kind) in shape.Globals)
            seen.Append(name).Append(" = ").Append(Print(kind, instance.GetGlobal(name)!.GetValue())).Append('\n');
        return seen.ToString();
    }

    private static string Outcome(Function function, string[] kinds, ValueBox[] arguments)
    {
        try
        {
            object? result = function.Invoke(arguments);
            return kinds.Length switch
            {
                0 => "",
                1 => Print(kinds[0], result),
                _ => string.Join(' ', ((object?[])result!).Select((value, i) => Print(kinds[i], value))),
            };
        }
        catch (TrapException trap)
        {
            return Name(trap);
        }
    }

    private static string Name(TrapException trap) => WasmtimePeer.Describe(trap) is "exception" ? "trap Exception" : WasmtimePeer.Describe(trap);

    private static ValueKind Kind(string kind) => kind switch
    {
        "I32" => ValueKind.Int32,
        "I64" => ValueKind.Int64,
        "F32" => ValueKind.Float32,
        "F64" => ValueKind.Float64,
        "V128" => ValueKind.V128,
        "FuncRef" => ValueKind.FuncRef,
        _ => ValueKind.ExternRef,
    };

    private static object? Zero(string kind) => kind switch
    {
        "I32" => 0,
        "I64" => 0L,
        "F32" => 0f,
        "F64" => 0d,
        "V128" => default(V128),
        "FuncRef" => Function.Null,
        _ => null,
    };

    private static ValueBox Argument(string kind, long raw) => kind switch
    {
        "I32" => (int)raw,
        "I64" => raw,
        "F32" => (float)(int)raw,
        "F64" => (double)raw,
        "V128" => new V128(FuzzedModule.Vector(raw)),
        "FuncRef" => Function.Null,
        _ => ValueBox.AsBox((object?)null),
    };

    private static object? Unbox(Store store, string kind, ValueBox value) => kind switch
    {
        "I32" => value.AsInt32(),
        "I64" => value.AsInt64(),
        "F32" => value.AsSingle(),
        "F64" => value.AsDouble(),
        "V128" => value.AsV128(),
        "FuncRef" => value.AsFunction(store),
        _ => value.As<object>(),
    };

    private static string Print(string kind, object? value) => (kind, value) switch
    {
        (_, int i) => $"{(uint)i:x8}",
        (_, long l) => $"{(ulong)l:x16}",
        (_, float f) => $"{BitConverter.SingleToUInt32Bits(f):x8}",
        (_, double d) => $"{BitConverter.DoubleToUInt64Bits(d):x16}",
        (_, V128 v) => Convert.ToHexString(v.AsSpan()),
        (_, null) => "null",
        ("FuncRef", Function f) => f.IsNull ? "null" : "reference",
        _ => "reference",
    };
}

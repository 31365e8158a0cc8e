// Runs a module of Binaryen's generator in Tarn and writes down what can be seen, line for line as the other engines' runners do.
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace Tarn.Differential.Tests.Binaryen;

internal sealed class FuzzedTarn(EngineOptions options) : IDisposable
{
    private readonly Engine _engine = new(options);

    public void Dispose() => _engine.Dispose();

    public string Run(FuzzedModule shape)
    {
        StringBuilder seen = new();
        int hostCalls = 0;
        using Module module = Module.FromBytes(_engine, shape.Bytes);
        Linker linker = new(_engine);
        using Store store = new(_engine);
        foreach ((string from, string name, string kind, bool isMutable) in shape.ImportedGlobals)
            linker.Define(from, name, kind == "Extern" ? store.CreateGlobal(new GlobalType(WasmValueType.Reference(HeapKind.Extern, isNullable: false)), Value.FromObject(this)) : store.CreateGlobal(new GlobalType(Enum.Parse<ValueKind>(kind), isMutable), Argument(kind, 0)));
        foreach ((string from, string name, string[] parameters) in shape.Tags)
            linker.Define(from, name, store.CreateTag(new TagType(new FunctionType([.. parameters.Select(Enum.Parse<ValueKind>)], []))));
        foreach (FuzzedFunction import in shape.Imports)
        {
            FunctionType type = new([.. import.Parameters.Select(Enum.Parse<ValueKind>)], [.. import.Results.Select(Enum.Parse<ValueKind>)]);
            linker.DefineFunction(import.Module, import.Name, type, (caller, arguments, results) =>
            {
                string[] printed = new string[arguments.Length];
                for (int i = 0; i < printed.Length; i++)
                    printed[i] = Print(arguments[i]);
                if (hostCalls++ < FuzzedModule.MostHostCalls)
                    seen.Append(import.Name).Append('(').AppendJoin(' ', printed).Append(")\n");
                for (int i = 0; i < results.Length; i++)
                    results[i] = Argument(import.Results[i], 0);
            });
        }

        Instance instance;
        try
        {
            instance = linker.Instantiate(store, module);
        }
        catch (TrapException trap)
        {
            return seen.Append("start: trap ").Append(TarnPeer.ReferenceName(trap.Trap.Code)).Append('\n').ToString();
        }
        catch (GuestException)
        {
            return seen.Append("start: trap Exception\n").ToString();
        }

        for (int call = 0; call < FuzzedModule.Calls; call++)
        {
            foreach (FuzzedFunction function in shape.Exports)
            {
                Value[] arguments = [.. function.Parameters.Select((kind, i) => Argument(kind, shape.Argument(call, i)))];
                Value[] results = new Value[function.Results.Length];
                string outcome;
                try
                {
                    bool returned = instance.GetFunction(function.Name).TryInvoke(arguments, results, out Trap? trap);
                    outcome = returned ? string.Join(' ', results.Select(Print)) : "trap " + TarnPeer.ReferenceName(trap!.Code);
                }
                catch (GuestException)
                {
                    outcome = "trap Exception";
                }

                seen.Append(function.Name).Append(": ").Append(outcome).Append('\n');
            }
        }

        foreach ((string name, _) in shape.Globals)
            seen.Append(name).Append(" = ").Append(Print(instance.GetGlobal(name).Value)).Append('\n');
        return seen.ToString();
    }

    private static Value Argument(string kind, long raw) => kind switch
    {
        "I32" => (int)raw,
        "I64" => raw,
        "F32" => (float)(int)raw,
        "F64" => (double)raw,
        "V128" => Value.FromVector(Vector128.Create(FuzzedModule.Vector(raw))),
        "FuncRef" => Value.NullFunction,
        "AnyRef" => Value.FromAny(null),
        _ => Value.NullExtern,
    };

    private static string Print(Value value) => value.Kind switch
    {
        ValueKind.I32 => $"{(uint)value.AsInt32():x8}",
        ValueKind.I64 => $"{(ulong)value.AsInt64():x16}",
        ValueKind.F32 => $"{BitConverter.SingleToUInt32Bits(value.AsSingle()):x8}",
        ValueKind.F64 => $"{BitConverter.DoubleToUInt64Bits(value.AsDouble()):x16}",
        ValueKind.V128 => $"{Convert.ToHexString(MemoryMarshal.AsBytes(new ReadOnlySpan<Vector128<byte>>([value.AsVector()])))}",
        _ => value.IsNull ? "null" : "reference",
    };
}

// What a module of Binaryen's generator imports and exports, so that every engine gets the same imports, calls and arguments and prints alike.
using System.Globalization;

namespace Tarn.Differential.Tests.Binaryen;

/// <summary>A function that is imported or exported.</summary>
internal sealed record FuzzedFunction(string Module, string Name, string[] Parameters, string[] Results);

/// <summary>The shape of a module.</summary>
internal sealed class FuzzedModule
{
    public const int Calls = 2;
    public const int MostHostCalls = 10_000;

    private const string OtherReference = "exnref";

    private FuzzedModule(int seed, byte[] bytes, Tarn.Wasm.WasmModule module)
    {
        Seed = seed;
        Bytes = bytes;
        IsRunnable = true;
        int global = 0;
        foreach (ref readonly Tarn.Wasm.Import import in module.Imports)
        {
            if (import.Kind == Tarn.Wasm.ExternalKind.Function)
            {
                Imports.Add(Function(module, import.Module, import.Name, module.FunctionTypeOf(Imports.Count)));
                IsRunnable &= IsPlain(module.FunctionTypeOf(Imports.Count - 1));
            }
            else if (import.Kind == Tarn.Wasm.ExternalKind.Tag && BinaryenPeer.IsLegacy(seed))
                Tags.Add((import.Module, import.Name, Function(module, "", import.Name, (Tarn.Wasm.CoreFunctionType)module.Types[module.Tags[import.Index].TypeIndex].Composite).Parameters));
            else if (import.Kind == Tarn.Wasm.ExternalKind.Global && TryGetKind(module, module.Globals[global], out string kind))
                ImportedGlobals.Add((import.Module, import.Name, kind, module.Globals[global++].IsMutable));
            else
                IsRunnable = false;
        }

        foreach (ref readonly Tarn.Wasm.Export export in module.Exports)
        {
            if (export.Kind == Tarn.Wasm.ExternalKind.Function)
            {
                if (IsCallable(module.FunctionTypeOf(export.Index)))
                    Exports.Add(Function(module, "", export.Name, module.FunctionTypeOf(export.Index)));
            }
            else if (export.Kind == Tarn.Wasm.ExternalKind.Global)
                Globals.Add((export.Name, Kind(module, module.Globals[export.Index].Type)));
            else if (export.Kind == Tarn.Wasm.ExternalKind.Tag)
                IsRunnable &= !Function(module, "", export.Name, (Tarn.Wasm.CoreFunctionType)module.Types[module.Tags[export.Index].TypeIndex].Composite).Parameters.Contains(OtherReference);
            else if (export.Kind == Tarn.Wasm.ExternalKind.Table)
                IsRunnable &= Kind(module, module.Tables[export.Index].Element) != OtherReference;
        }

        // References to exceptions do not come out of other engines, and end the process of one that is asked for a type they are in: a tag's, or that of any function, since each may be handed
        // to the host as a reference.
        for (int index = 0; index < module.Functions.Length; index++)
        {
            FuzzedFunction function = Function(module, "", "", module.FunctionTypeOf(index));
            IsRunnable &= !function.Parameters.Concat(function.Results).Contains(OtherReference);
        }

        IsRunnable &= !Globals.Exists(exported => exported.Kind == OtherReference);
        HasVectorsOutside = Imports.Concat(Exports).Any(function => function.Parameters.Contains("V128") || function.Results.Contains("V128"))
            || ImportedGlobals.Exists(imported => imported.Kind == "V128") || Globals.Exists(exported => exported.Kind == "V128");
    }

    public int Seed { get; }

    public byte[] Bytes { get; }

    /// <summary>Whether everything imported can be given: functions, and globals that may be zero.</summary>
    public bool IsRunnable { get; }

    /// <summary>Whether vectors are imported or exported, which JavaScript cannot do.</summary>
    public bool HasVectorsOutside { get; }

    public List<FuzzedFunction> Imports { get; } = [];

    public List<(string Module, string Name, string Kind, bool IsMutable)> ImportedGlobals { get; } = [];

    /// <summary>Imported tags. The package of Wasmtime cannot make any.</summary>
    public List<(string Module, string Name, string[] Parameters)> Tags { get; } = [];

    public List<FuzzedFunction> Exports { get; } = [];

    public List<(string Name, string Kind)> Globals { get; } = [];

    public static FuzzedModule Read(int seed, byte[] bytes) => new(seed, bytes, Tarn.Wasm.WasmModule.Decode(bytes, BinaryenPeer.IsLegacy(seed) ? WasmFeatures.Wasm3 | WasmFeatures.LegacyExceptions : WasmFeatures.Wasm3));

    /// <summary>The raw bits that an argument is made of.</summary>
    public long Argument(int call, int position) => Observation.Argument(Seed, call, position);

    /// <summary>The bytes of a vector as an argument.</summary>
    public static byte[] Vector(long raw) => [.. BitConverter.GetBytes(raw), .. BitConverter.GetBytes(raw * 0x0101010101010101)];

    /// <summary>For V8's process.</summary>
    public object ToRequest() => new
    {
        calls = Calls,
        imports = Imports.Select(f => new { module = f.Module, name = f.Name, parameters = f.Parameters, results = f.Results }),
        exports = Exports.Select(f => new
        {
            name = f.Name,
            parameters = f.Parameters,
            results = f.Results,
            arguments = Enumerable.Range(0, Calls).Select(c => f.Parameters.Select((_, i) => Argument(c, i).ToString(CultureInfo.InvariantCulture))),
        }),
        importedGlobals = ImportedGlobals.Select(g => new { module = g.Module, name = g.Name, type = g.Kind, mutable = g.IsMutable }),
        tags = Tags.Select(t => new { module = t.Module, name = t.Name, parameters = t.Parameters }),
        globals = Globals.Select(g => new { name = g.Name, type = g.Kind }),
    };

    /// <summary>A transcript with the words that V8 has for traps: it does not tell all kinds apart.</summary>
    public static string Coarse(string transcript) => string.Join('\n', transcript.Split('\n').Select(line => line.IndexOf(": trap ", StringComparison.Ordinal) is >= 0 and int at
        ? line[..(at + 7)] + (line[(at + 7)..] switch
        {
            "IndirectCallToNull" or "BadSignature" or "NullReference" or "NullFunctionReference" or "NullStructureReference" or "NullArrayReference" or "NullI31Reference" => "IndirectCall",
            "MemoryOutOfBounds" or "TableOutOfBounds" or "ArrayOutOfBounds" => "OutOfBounds",
            "IntegerDivisionByZero" => "DivisionByZero",
            "IntegerOverflow" or "BadConversionToInteger" => "Unrepresentable",
            string other => other,
        })
        : line));

    private static FuzzedFunction Function(Tarn.Wasm.WasmModule module, string from, string name, Tarn.Wasm.CoreFunctionType type) =>
        new(from, name, [.. type.Parameters.ToArray().Select(parameter => Kind(module, parameter))], [.. type.Results.ToArray().Select(result => Kind(module, result))]);

    // Whether every engine's host can define a function of the type.
    private static bool IsPlain(Tarn.Wasm.CoreFunctionType type) => type.Parameters.ToArray().Concat(type.Results.ToArray())
        .All(t => !t.IsReference || t == Tarn.Wasm.ValType.ExternRef || t == Tarn.Wasm.ValType.FuncRef || t == Tarn.Wasm.ValType.AnyRef);

    // Whether the host can call it: null does for every reference.
    private static bool IsCallable(Tarn.Wasm.CoreFunctionType type) => type.Parameters.ToArray().All(t => !t.IsReference || t.IsNullable);

    private static bool TryGetKind(Tarn.Wasm.WasmModule module, Tarn.Wasm.CoreGlobalType type, out string kind)
    {
        kind = Kind(module, type.Type);
        if (!type.IsMutable && type.Type.IsReference && !type.Type.IsNullable && type.Type.Heap == Tarn.Wasm.HeapType.Extern)
        {
            kind = "Extern";
            return true;
        }

        return kind == "V128" || kind.StartsWith('I') || kind.StartsWith('F') && kind != "FuncRef" || type.Type == Tarn.Wasm.ValType.ExternRef || type.Type == Tarn.Wasm.ValType.FuncRef;
    }

    private static string Kind(Tarn.Wasm.WasmModule module, Tarn.Wasm.ValType type) => type.Bits switch
    {
        0x7F => "I32",
        0x7E => "I64",
        0x7D => "F32",
        0x7C => "F64",
        0x7B => "V128",
        _ when type == Tarn.Wasm.ValType.ExnRef || type.ToString().Contains("exn", StringComparison.Ordinal) => OtherReference,
        _ when type.IsConcrete => module.Types[type.Heap.TypeIndex].Composite.Kind == Tarn.Wasm.CompositeKind.Function ? "FuncRef" : "AnyRef",
        _ when type.ToString().Contains("func", StringComparison.Ordinal) => "FuncRef",
        _ => type.ToString().Contains("extern", StringComparison.Ordinal) ? "ExternRef" : "AnyRef",
    };
}

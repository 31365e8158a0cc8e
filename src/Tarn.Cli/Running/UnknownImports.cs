// --unknown-imports: functions that a module imports and nothing here defines. Memories, tables, globals and tags have no such stand-in: a module that imports one uses it.
using Tarn.Wasm;

namespace Tarn.Cli.Running;

internal enum UnknownImports
{
    /// <summary>The module is refused.</summary>
    Refuse,

    /// <summary>They trap when they are called.</summary>
    Trap,

    /// <summary>They do nothing, and return zeros and null references.</summary>
    Zero,
}

internal static class UnknownImportsExtensions
{
    /// <summary>Defines what stands in for unknown functions. Called before anything else is defined, which may then replace it.</summary>
    public static void Define(this UnknownImports how, Linker linker, Module module)
    {
        if (how == UnknownImports.Refuse)
            return;
        // A function that returns a reference which cannot be null has no zero, so that it traps.
        linker.DefineUnknownImportsAsTraps();
        if (how == UnknownImports.Trap)
            return;
        linker.AllowShadowing = true;
        // The results are zeros and null references before the callback is asked.
        foreach (ref readonly Import import in module.Wasm.Imports)
        {
            if (import.Kind == ExternalKind.Function && Signature(module.Wasm.FunctionTypeOf(import.Index)) is FunctionSignature signature)
                linker.Define(import.Module, import.Name, signature, static (_, _, _) => { });
        }
    }

    private static FunctionSignature? Signature(FunctionType type)
    {
        ValueKind[]? parameters = Kinds(type.Parameters);
        ValueKind[]? results = Kinds(type.Results);
        return parameters is null || results is null ? null : new FunctionSignature(parameters, results);
    }

    private static ValueKind[]? Kinds(ReadOnlySpan<ValType> types)
    {
        var kinds = new ValueKind[types.Length];
        for (int i = 0; i < kinds.Length; i++)
        {
            if (!Enum.TryParse(types[i].ToString(), ignoreCase: true, out kinds[i]))
                return null;
        }
        return kinds;
    }
}

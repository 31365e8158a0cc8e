// --unknown-imports: functions that a module imports and nothing here defines. Memories, tables, globals and tags have no such stand-in: a module that imports one uses it.
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
        foreach (ModuleImport import in module.Imports)
        {
            if (import.Type is FunctionType type && IsZeroable(type))
                linker.DefineFunction(import.Module, import.Name, type, static (_, _, _) => { });
        }
    }

    private static bool IsZeroable(FunctionType type)
    {
        foreach (WasmValueType parameter in type.Parameters)
        {
            if (parameter.DefinedType is not null)
                return false;
        }
        foreach (WasmValueType result in type.Results)
        {
            if (result.DefinedType is not null || (result.IsReference && !result.IsNullable))
                return false;
        }
        return true;
    }
}

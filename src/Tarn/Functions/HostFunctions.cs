// Makes host functions that are not made of typed delegates.
namespace Tarn.Functions;

internal static class HostFunctions
{
    public static DefinedHostFunction Untyped(Engine engine, FunctionType type, HostCallback callback) =>
        new UntypedHostFunction(TypeDescriptions.ToCore(type.Parameters), TypeDescriptions.ToCore(type.Results), engine.Types, callback);

    public static DefinedHostFunction Untyped(Engine engine, FunctionType type, AsyncHostCallback callback) =>
        new UntypedAsyncHostFunction(TypeDescriptions.ToCore(type.Parameters), TypeDescriptions.ToCore(type.Results), engine.Types, callback);

    /// <summary>A function that an import stands for although nothing defines it.</summary>
    public static DefinedHostFunction Trapping(Module module, in Import import)
    {
        CoreFunctionType type = module.Engine.Types.Function(module.FunctionTypeId(import.Index));
        string name = $"the import \"{import.Module}\" \"{import.Name}\" is not defined";
        return new UntypedHostFunction(
            type.Parameters.ToArray(), type.Results.ToArray(), module.Engine.Types,
            (_, _, _) => throw new TrapException(TrapCode.Unreachable, name));
    }
}

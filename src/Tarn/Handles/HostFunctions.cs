// Makes host functions that are not made of typed delegates.
using Tarn.Engines;
using Tarn.Modules;

namespace Tarn.Handles;

internal static class HostFunctions
{
    public static DefinedHostFunction Untyped(EngineCore engine, FunctionType type, HostCallback callback) =>
        new UntypedHostFunction(TypeDescriptions.ToCoreOfHost(type.Parameters), TypeDescriptions.ToCoreOfHost(type.Results), engine.Types, callback);

    public static DefinedHostFunction Untyped(EngineCore engine, FunctionType type, AsyncHostCallback callback) =>
        new UntypedAsyncHostFunction(TypeDescriptions.ToCoreOfHost(type.Parameters), TypeDescriptions.ToCoreOfHost(type.Results), engine.Types, callback);

    /// <summary>A function that an import stands for although nothing defines it.</summary>
    public static DefinedHostFunction Trapping(ModuleCore module, in Import import)
    {
        CoreFunctionType type = module.Engine.Types.Function(module.FunctionTypeId(import.Index));
        string name = $"the import \"{import.Module}\" \"{import.Name}\" is not defined";
        return new UntypedHostFunction(
            type.Parameters.ToArray(), type.Results.ToArray(), module.Engine.Types,
            (_, _, _) => throw new TrapException(TrapCode.Unreachable, name));
    }
}

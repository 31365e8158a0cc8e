// Makes host functions that are not made of typed delegates.
namespace Tarn.Functions;

internal static class HostFunctions
{
    public static DefinedHostFunction Untyped(Engine engine, FunctionSignature signature, HostCallback callback) =>
        new UntypedHostFunction(Types(signature.Parameters), Types(signature.Results), engine.Types, callback);

    public static DefinedHostFunction Untyped(Engine engine, FunctionSignature signature, AsyncHostCallback callback) =>
        new UntypedAsyncHostFunction(Types(signature.Parameters), Types(signature.Results), engine.Types, callback);

    /// <summary>A function that an import stands for although nothing defines it.</summary>
    public static DefinedHostFunction Trapping(Module module, in Import import)
    {
        FunctionType type = module.Engine.Types.Function(module.FunctionTypeId(import.Index));
        string name = $"the import \"{import.Module}\" \"{import.Name}\" is not defined";
        return new UntypedHostFunction(
            type.Parameters.ToArray(), type.Results.ToArray(), module.Engine.Types,
            (_, _, _) => throw new TrapException(TrapCode.Unreachable, name));
    }

    private static ValType[] Types(ReadOnlySpan<ValueKind> kinds)
    {
        var types = new ValType[kinds.Length];
        for (int i = 0; i < types.Length; i++)
        {
            types[i] = kinds[i] switch
            {
                ValueKind.I32 => ValType.I32,
                ValueKind.I64 => ValType.I64,
                ValueKind.F32 => ValType.F32,
                ValueKind.F64 => ValType.F64,
                ValueKind.V128 => ValType.V128,
                ValueKind.FuncRef => ValType.FuncRef,
                ValueKind.ExternRef => ValType.ExternRef,
                ValueKind.AnyRef => ValType.AnyRef,
                _ => ValType.ExnRef,
            };
        }
        return types;
    }
}

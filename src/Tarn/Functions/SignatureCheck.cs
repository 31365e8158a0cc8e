// Whether a typed handle fits a function: parameter for parameter, result for result. Done once, when the handle is made. The function's record is read inside its store:
// it is memory of an instance that another thread may be ending.
using Tarn.Engines;
using Tarn.Execution;

namespace Tarn.Functions;

internal static class SignatureCheck
{
    /// <summary>Returns the stubs through which a function is called, if it has the signature that the handle calls it by.</summary>
    /// <exception cref="ArgumentException">The signature is another one; the message shows both.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public static unsafe SignatureStubs Require(Function function, ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results, string name)
    {
        using StoreUse use = function.Enter();
        uint typeId = function.Record->TypeId;
        EngineCore engine = function.Store!.Engine;
        CoreFunctionType type = engine.Types.Function((int)typeId);
        if (!Fits(type.Parameters, parameters, null) || !Fits(type.Results, results, engine.Types))
        {
            throw new ArgumentException(
                $"The function \"{name}\" has the type {type}, not {new CoreFunctionType(parameters.ToArray(), results.ToArray())}. Ask for it with matching type arguments.");
        }
        return engine.StubsFor(typeId);
    }

    // Results may be of any type of the guest's own heap where the handle says anyref, since the host looks at what it gets. Arguments may not: nothing would look at them.
    private static bool Fits(ReadOnlySpan<ValType> actual, ReadOnlySpan<ValType> wanted, TypeRegistry? types)
    {
        if (actual.Length != wanted.Length)
            return false;
        for (int i = 0; i < actual.Length; i++)
        {
            if (actual[i] == wanted[i])
                continue;
            if (types is null || !wanted[i].IsReference || wanted[i].Heap != HeapType.Any || ValueKinds.Of(actual[i], types) != ValueKind.AnyRef)
                return false;
        }
        return true;
    }
}

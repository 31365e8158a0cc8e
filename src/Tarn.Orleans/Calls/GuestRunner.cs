// One call of a guest: what is checked before it, and what becomes of everything that it can throw. An exception of Tarn does not cross the cluster, since its receiver may not have the guest; its code and
// message do.
using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Tarn.Orleans.Calls;

internal static class GuestRunner
{
    /// <summary>Finds a function and checks the arguments. Nothing of the guest runs.</summary>
    /// <exception cref="GuestCallException">There is no such function, or it takes other arguments.</exception>
    public static (Function Function, Value[] Arguments) Prepare(Instance instance, GuestRequest request)
    {
        if (request.Function is null || !instance.TryGetFunction(request.Function, out Function function))
            throw new GuestCallException(GuestFailure.UnknownFunction, $"The guest does not export a function \"{request.Function}\".");
        FunctionType type = function.Type;
        ImmutableArray<GuestValue> given = request.Arguments.IsDefault ? [] : request.Arguments;
        if (given.Length != type.Parameters.Length)
            throw new GuestCallException(GuestFailure.InvalidArguments, $"The function \"{request.Function}\" takes {type.Parameters.Length} arguments, and the request has {given.Length}.");
        Value[] arguments = given.Length == 0 ? [] : new Value[given.Length];
        for (int i = 0; i < arguments.Length; i++)
        {
            arguments[i] = given[i].ToValue();
            if (type.Parameters[i] != arguments[i].Kind)
                throw new GuestCallException(GuestFailure.InvalidArguments, $"Argument {i} of \"{request.Function}\" is {type.Parameters[i]}, and the request has {arguments[i].Kind}.");
        }
        foreach (WasmValueType result in type.Results)
        {
            if (result.Kind is not (ValueKind.I32 or ValueKind.I64 or ValueKind.F32 or ValueKind.F64))
                throw new GuestCallException(GuestFailure.UnknownFunction, $"The function \"{request.Function}\" returns {result}, which has no meaning outside of its instance.");
        }
        return (function, arguments);
    }

    /// <summary>Runs a function.</summary>
    /// <exception cref="GuestCallException">It failed; the guest's state may be anything.</exception>
    public static async ValueTask<GuestReply> InvokeAsync(Function function, Value[] arguments, GuestContext context, int version)
    {
        try
        {
            Value[] results = await function.InvokeAsync(arguments);
            return new GuestReply { Results = ImmutableCollectionsMarshal.AsImmutableArray(Array.ConvertAll(results, GuestValue.Of)), Output = context.End(), Version = version };
        }
        catch (Exception e)
        {
            context.End();
            throw Explain(e);
        }
    }

    /// <summary>The exception that crosses the cluster.</summary>
    public static GuestCallException Explain(Exception exception) => exception switch
    {
        GuestCallException e => e,
        TrapException { Code: TrapCode.OutOfFuel } e => new(GuestFailure.OutOfFuel, e.Message, e.Code),
        TrapException { Code: TrapCode.Interrupted } e => new(GuestFailure.TimedOut, e.Message, e.Code),
        TrapException e => new(GuestFailure.Trapped, e.Message, e.Code),
        GuestException e => new(GuestFailure.Trapped, e.Message, TrapCode.UncaughtException),
        PoolExhaustedException => new(GuestFailure.NoSlot, "No slot is free on the silo."),
        OperationCanceledException => new(GuestFailure.NoSlot, "No slot became free on the silo in time."),
        SnapshotException e => new(GuestFailure.CannotBeSaved, e.Message),
        InvalidSnapshotException e => new(GuestFailure.InvalidState, e.Message),
        InstantiationException e => new(GuestFailure.LimitExceeded, e.Message),
        _ => new(GuestFailure.HostFailed, $"A host function failed with {exception.GetType().Name}: {exception.Message}"),
    };

    /// <summary>The guests that wait for the call that is being handled, without the one that handles it.</summary>
    public static string[] Waiting() => RequestContext.Get(GuestImports.ChainKey) as string[] ?? [];
}

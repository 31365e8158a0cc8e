// A function that a component lifts, at run time: a core function with the memory, allocator and encoding of its component (CanonicalABI.md, "canon lift"). Called by the host, or by another
// component through a lowering.
//
// Order of a call: enter; lower arguments, during which the instance may not call out; call; lift the result; hand it on; post-return, during which the instance may not call out; leave. What
// was borrowed for the call has to be given back before it returns.
using Tarn.Components.Abi;

namespace Tarn.Components.Runtime;

/// <summary>A lifted function.</summary>
internal sealed class LiftedFunction(InstanceState instance, AbiContext context, Function core, Function? postReturn, AbiFunction type, CanonicalSignature signature)
{
    /// <summary>What is done with a result before post-return, while it is still in the callee's memory.</summary>
    public delegate void ResultHandler(ComponentValue? result);

    public AbiFunction Type => type;

    /// <summary>Whether the function can be called: asynchronous ones cannot yet.</summary>
    public bool IsSupported { get; init; } = true;

    public InstanceState Instance => instance;

    /// <summary>The host's resource type that a parameter is a handle of, or null.</summary>
    public ComponentResourceType? HostResourceOf(int parameter) =>
        parameter < type.Parameters.Length && type.Parameters[parameter] is { Resource: >= 0 } handle ? context.Resource(handle).Host : null;

    /// <summary>Checks arguments of the host, before the instance is entered.</summary>
    /// <exception cref="ArgumentException">They do not fit.</exception>
    public void Check(ReadOnlySpan<ComponentValue> arguments)
    {
        CheckSupported();
        if (arguments.Length != type.Parameters.Length)
            throw new ArgumentException($"The function takes {type.Parameters.Length} arguments, and {arguments.Length} were given.");
        for (int i = 0; i < arguments.Length; i++)
            Lowerer.Check(context, type.Parameters[i], arguments[i]);
    }

    /// <summary>Calls the function.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="scope">The borrows of the call.</param>
    /// <param name="receive">Takes the result.</param>
    public void Call(ReadOnlySpan<ComponentValue> arguments, CallScope scope, ResultHandler receive)
    {
        CheckSupported();
        using CallEntry entry = instance.Enter();
        Value[] results = [];
        Value[] values = Lower(arguments, scope);
        if (signature.Results.Length > 0)
            results = new Value[signature.Results.Length];
        try
        {
            core.Invoke(values, results);
        }
        catch (GuestException e)
        {
            throw Uncaught(e);
        }

        receive(Lift(results, scope));
        Finish(results, scope);
        entry.Complete();
    }

    /// <summary>Calls the function for a host that may wait for asynchronous functions of the host.</summary>
    public async ValueTask<ComponentValue?> CallAsync(ComponentValue[] arguments, CancellationToken cancellationToken)
    {
        Check(arguments);
        CallScope scope = instance.Root.CreateScope();
        CallEntry entry = instance.Enter();
        try
        {
            Value[] results;
            try
            {
                results = await core.InvokeAsync(Lower(arguments, scope), cancellationToken).ConfigureAwait(false);
            }
            catch (GuestException e)
            {
                throw Uncaught(e);
            }

            ComponentValue? result = Lift(results, scope);
            Finish(results, scope);
            entry.Complete();
            return result;
        }
        finally
        {
            entry.Dispose();
            scope.End();
        }
    }

    // Exceptions end at a component's border: the caller, which may be another component, could catch it by its handlers for all.
    private static ComponentTrapException Uncaught(GuestException e) => new(ComponentTrapCode.UncaughtException, $"an exception that the component did not catch: {e.Message}", inner: e);

    private void CheckSupported()
    {
        if (!IsSupported)
            throw new ComponentTrapException(ComponentTrapCode.NotSupported, "asynchronous functions of components are not supported");
    }

    private Value[] Lower(ReadOnlySpan<ComponentValue> arguments, CallScope scope)
    {
        FlatBuffer buffer = default;
        FlatValues flat = new(buffer);
        instance.MayLeave = false;
        new Lowerer(context, scope, scope).Parameters(type, arguments, ref flat);
        instance.MayLeave = true;
        var values = new Value[signature.Parameters.Length];
        Span<ulong> bits = buffer;
        for (int i = 0; i < values.Length; i++)
            values[i] = FlatValues.ToValue(bits[i], signature.Parameters[i]);
        return values;
    }

    private ComponentValue? Lift(ReadOnlySpan<Value> results, CallScope scope)
    {
        FlatBuffer buffer = default;
        Span<ulong> bits = buffer;
        for (int i = 0; i < results.Length; i++)
            bits[i] = FlatValues.ToBits(results[i]);
        FlatValues flat = new(bits);
        return new Lifter(context, scope).Result(type, ref flat);
    }

    private void Finish(ReadOnlySpan<Value> results, CallScope scope)
    {
        if (postReturn is Function function)
        {
            instance.MayLeave = false;
            function.Invoke(results, []);
            instance.MayLeave = true;
        }

        scope.CheckReturn();
    }
}

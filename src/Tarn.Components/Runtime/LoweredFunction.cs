// A core function that calls out of a component (CanonicalABI.md, "canon lower"): lifts the arguments from the caller, calls a function of the host or of another component, lowers the result
// to the caller.
//
// Between two components the value exists once, in the host, between their memories: what one component wrote was checked before the other one is asked for memory.
using Tarn.Components.Abi;

namespace Tarn.Components.Runtime;

/// <summary>A lowered function.</summary>
internal sealed class LoweredFunction(InstanceState instance, AbiContext context, AbiFunction type, CanonicalSignature signature, LiftedFunction? callee, HostFunction? host)
{
    /// <summary>The call from the guest.</summary>
    public void Call(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
    {
        instance.CheckLeave();
        CallScope scope = instance.Root.CreateScope();
        FlatBuffer buffer = default;
        Span<ulong> bits = buffer;
        ComponentValue[] values = LiftArguments(arguments, bits, scope, out uint place);
        bits.Clear();
        try
        {
            if (callee is not null)
            {
                ComponentValue? returned = null;
                uint at = place;
                Value[] lowered = new Value[results.Length];
                callee.Call(values, scope, result => LowerResult(returned = result, lowered, at, scope));
                lowered.CopyTo(results);
            }
            else
            {
                LowerResult(host!.Call(values, caller), results, place, scope);
            }
        }
        finally
        {
            scope.End();
        }
    }

    /// <summary>The call from the guest to an asynchronous function of the host.</summary>
    public async ValueTask CallAsync(Caller caller, ReadOnlyMemory<Value> arguments, Memory<Value> results)
    {
        instance.CheckLeave();
        CallScope scope = instance.Root.CreateScope();
        ComponentValue[] values = LiftArguments(arguments.Span, new ulong[CanonicalLayout.MaxFlatParameters + 1], scope, out uint place);
        try
        {
            LowerResult(await host!.CallAsync(values, caller).ConfigureAwait(false), results.Span, place, scope);
        }
        finally
        {
            scope.End();
        }
    }

    private ComponentValue[] LiftArguments(ReadOnlySpan<Value> arguments, Span<ulong> bits, CallScope scope, out uint place)
    {
        for (int i = 0; i < arguments.Length; i++)
            bits[i] = FlatValues.ToBits(arguments[i]);
        FlatValues flat = new(bits);
        ComponentValue[] values = new Lifter(context, scope).Parameters(type, ref flat);
        place = signature.ResultInMemory ? (uint)flat.Next() : 0;
        return values;
    }

    private void LowerResult(ComponentValue? result, Span<Value> results, uint place, CallScope scope)
    {
        FlatBuffer buffer = default;
        Span<ulong> bits = buffer;
        FlatValues flat = new(bits);
        instance.MayLeave = false;
        try
        {
            new Lowerer(context, scope, null).Result(type, result, ref flat, place);
        }
        catch (ArgumentException e) when (host is not null)
        {
            throw new ComponentTrapException(ComponentTrapCode.InvalidHostValue, $"the host function '{host.Name}' returned a value that does not fit its type: {e.Message}", "result", e);
        }

        instance.MayLeave = true;
        for (int i = 0; i < results.Length; i++)
            results[i] = FlatValues.ToValue(bits[i], signature.Results[i]);
    }
}

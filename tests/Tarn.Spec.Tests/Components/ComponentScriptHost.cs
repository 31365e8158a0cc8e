// Executes the directives of component scripts on the runtime; values go in both directions as the dynamic API has them.
using System.Text;
using Tarn.Components;
using Tarn.Wasm.Component;
using Tarn.Wast;
using Tarn.Wast.Components;

namespace Tarn.Spec.Tests.Components;

internal sealed class ComponentScriptHost(Engine engine) : IComponentScriptEngine
{
    private readonly List<IDisposable> _owned = [];

    public object Define(byte[] binary)
    {
        Component component = Component.FromBytes(engine, binary);
        _owned.Add(component);
        return component;
    }

    public ComponentOutcome Instantiate(object definition)
    {
        try
        {
            ComponentInstance instance = new ComponentLinker(engine).Instantiate((Component)definition);
            _owned.Add(instance);
            return new ComponentOutcome(ScriptEngineOutcomeKind.Done, null, instance, "");
        }
        catch (ComponentLinkException e)
        {
            return new ComponentOutcome(ScriptEngineOutcomeKind.Unlinkable, null, null, e.Message);
        }
        catch (WasmException e) when (e is TrapException or ComponentTrapException)
        {
            return OutcomeOf(e);
        }
    }

    public ComponentOutcome Invoke(object instance, string export, ComponentScriptValue[] arguments)
    {
        try
        {
            ComponentValue? result = ((ComponentInstance)instance).GetFunction(export).Invoke(Array.ConvertAll(arguments, ToValue));
            return new ComponentOutcome(ScriptEngineOutcomeKind.Done, result is null ? null : ToScript(result), null, "");
        }
        catch (WasmException e) when (e is TrapException or ComponentTrapException)
        {
            return OutcomeOf(e);
        }
    }

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        engine.Dispose();
    }

    private static ComponentOutcome OutcomeOf(WasmException e) => e is TrapException trap
        ? new ComponentOutcome(trap.Code == TrapCode.StackExhausted ? ScriptEngineOutcomeKind.Exhaustion : ScriptEngineOutcomeKind.Trap, null, null, $"wasm trap: wasm `{trap.Message.Split('\n')[0]}")
        : new ComponentOutcome(ScriptEngineOutcomeKind.Trap, null, null, "wasm trap: " + e.Message);

    private static ComponentValue ToValue(ComponentScriptValue value) => value.Kind switch
    {
        ValueTypeKind.String => ComponentValue.FromString(value.Text),
        ValueTypeKind.Char => ComponentValue.FromRune(new Rune((uint)value.Bits)),
        ValueTypeKind.List => ComponentValue.FromList(Array.ConvertAll(value.Items, ToValue)),
        ValueTypeKind.Tuple => ComponentValue.FromTuple(Array.ConvertAll(value.Items, ToValue)),
        ValueTypeKind.Record => ComponentValue.FromRecord([.. value.Names.Zip(value.Items, (name, item) => (name, ToValue(item)))]),
        ValueTypeKind.Variant => ComponentValue.FromVariant(value.Text, value.Items.Length == 0 ? null : ToValue(value.Items[0])),
        ValueTypeKind.Enum => ComponentValue.FromEnum(value.Text),
        ValueTypeKind.Option => ComponentValue.FromOption(value.Items.Length == 0 ? null : ToValue(value.Items[0])),
        ValueTypeKind.Result when value.Text == "ok" => ComponentValue.Ok(value.Items.Length == 0 ? null : ToValue(value.Items[0])),
        ValueTypeKind.Result => ComponentValue.Error(value.Items.Length == 0 ? null : ToValue(value.Items[0])),
        ValueTypeKind.Flags => ComponentValue.FromFlags(value.Names),
        _ => ComponentValue.FromBits(Enum.Parse<ComponentValueKind>(value.Kind.ToString()), value.Bits),
    };

    private static ComponentScriptValue ToScript(ComponentValue value)
    {
        ValueTypeKind kind = Enum.Parse<ValueTypeKind>(value.Kind.ToString());
        ComponentScriptValue[] items = value.Kind is ComponentValueKind.List or ComponentValueKind.Tuple or ComponentValueKind.Record
            ? [.. Enumerable.Range(0, value.Count).Select(i => ToScript(value[i]))]
            : value.Items.Length > 0 ? [ToScript(value.Items[0])] : [];
        return new ComponentScriptValue { Kind = kind, Bits = value.Bits, Text = value.Text, Names = [.. value.Names], Items = items };
    }
}

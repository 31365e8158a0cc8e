// What the runner of component scripts asks of an engine. Handles are opaque to the runner; errors of components are thrown, what happens at run time is an outcome.
namespace Tarn.Wast.Components;

/// <summary>How a call or an instantiation ended.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Value">The result of a call that returned one.</param>
/// <param name="Instance">What an instantiation made.</param>
/// <param name="Message">What went wrong.</param>
internal readonly record struct ComponentOutcome(ScriptEngineOutcomeKind Kind, ComponentScriptValue? Value, object? Instance, string Message);

/// <summary>An engine as a script over components sees it; one for each script.</summary>
internal interface IComponentScriptEngine : IDisposable
{
    /// <summary>Makes a component ready for instantiation.</summary>
    /// <exception cref="WasmException">It is malformed or invalid.</exception>
    object Define(byte[] binary);

    /// <summary>Instantiates a definition.</summary>
    ComponentOutcome Instantiate(object definition);

    /// <summary>Calls an exported function.</summary>
    ComponentOutcome Invoke(object instance, string export, ComponentScriptValue[] arguments);
}

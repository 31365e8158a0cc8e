// What the script runner asks of an engine: the one seam between reading scripts (this layer) and executing them (a layer above). Handles are opaque to the
// runner. Errors of modules are thrown as the typed exceptions of this library; what happens at run time is an outcome, since scripts assert it.
namespace Tarn.Wast;

/// <summary>An engine as a script sees it; one for each script. The module <c>spectest</c> is importable from the beginning.</summary>
internal interface IScriptEngine : IDisposable
{
    /// <summary>Decodes, validates and compiles a module.</summary>
    /// <exception cref="WasmException">The module is malformed or invalid.</exception>
    object Define(byte[] binary);

    /// <summary>Links and instantiates a definition; the outcome holds the instance.</summary>
    ScriptEngineOutcome Instantiate(object definition);

    /// <summary>Makes an instance's exports importable.</summary>
    void Register(string name, object instance);

    /// <summary>Calls an exported function.</summary>
    ScriptEngineOutcome Invoke(object instance, string export, ReadOnlySpan<ScriptValue> arguments);

    /// <summary>Reads an exported global.</summary>
    ScriptEngineOutcome Get(object instance, string export);
}

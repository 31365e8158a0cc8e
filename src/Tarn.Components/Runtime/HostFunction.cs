// A function of the host under its name.
namespace Tarn.Components.Runtime;

/// <summary>A function that a linker defines.</summary>
internal sealed class HostFunction(string name, ComponentHostCallback? callback, AsyncComponentHostCallback? asyncCallback)
{
    public string Name { get; } = name;

    public bool IsAsync => asyncCallback is not null;

    public ComponentValue? Call(ComponentValue[] arguments, Caller caller) => callback!(new ComponentCall(arguments, caller));

    public ValueTask<ComponentValue?> CallAsync(ComponentValue[] arguments, Caller caller) => asyncCallback!(new ComponentCall(arguments, caller));
}

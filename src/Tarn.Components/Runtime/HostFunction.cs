// A function of the host under its name.
namespace Tarn.Components.Runtime;

/// <summary>A function that a linker defines.</summary>
internal sealed class HostFunction(string name, ComponentHostCallback? callback, AsyncComponentHostCallback? asyncCallback)
{
    public string Name { get; } = name;

    public bool IsAsync => asyncCallback is not null;

    public ComponentValue? Call(ComponentValue[] arguments, CancellationToken cancellationToken) => callback!(new ComponentCall(arguments, cancellationToken));

    public ValueTask<ComponentValue?> CallAsync(ComponentValue[] arguments, CancellationToken cancellationToken) => asyncCallback!(new ComponentCall(arguments, cancellationToken));
}

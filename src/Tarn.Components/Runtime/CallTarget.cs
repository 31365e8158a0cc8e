// What a core function that the plan made calls. The function is bound to the imports of core instances once and stays where it is while a slot of a pool is used again and again; the objects
// behind it are those of one life of the slot.
namespace Tarn.Components.Runtime;

/// <summary>What is behind a core function of a plan.</summary>
internal sealed class CallTarget
{
    private InstanceState? _instance;
    private LoweredFunction? _function;

    /// <summary>The component instance that the function belongs to.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public InstanceState Instance => _instance ?? throw new ObjectDisposedException(nameof(ComponentInstance));

    /// <summary>The resource type of a built-in function.</summary>
    public ResourceRuntime? Resource { get; private set; }

    /// <summary>Sets what is called in the life of the slot that begins.</summary>
    public void Set(InstanceState instance, LoweredFunction? function, ResourceRuntime? resource)
    {
        _instance = instance;
        _function = function;
        Resource = resource;
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        _instance = null;
        _function = null;
        Resource = null;
    }

    /// <summary>The instance, which calls out.</summary>
    public InstanceState Leave()
    {
        InstanceState instance = Instance;
        instance.Root.HasCalledOut = true;
        return instance;
    }

    public void Call(Caller caller, ReadOnlySpan<Value> arguments, Span<Value> results)
    {
        _ = Leave();
        _function!.Call(caller, arguments, results);
    }

    public ValueTask CallAsync(Caller caller, ReadOnlyMemory<Value> arguments, Memory<Value> results)
    {
        _ = Leave();
        return _function!.CallAsync(caller, arguments, results);
    }
}

// A resource type at run time: who implements it and how its values are destroyed. One for each definition in each instance; identity is what makes two types the same.
namespace Tarn.Components.Runtime;

/// <summary>A resource type of a guest or of the host.</summary>
internal sealed class ResourceRuntime
{
    private readonly Function _destructor;
    private readonly bool _hasDestructor;

    /// <summary>A resource type of a component instance.</summary>
    public ResourceRuntime(InstanceState owner, Function? destructor)
    {
        Owner = owner;
        _hasDestructor = destructor is not null;
        _destructor = destructor.GetValueOrDefault();
    }

    /// <summary>A resource type of the host.</summary>
    public ResourceRuntime(ComponentResourceType host) => Host = host;

    /// <summary>The instance that implements it; null for the host.</summary>
    public InstanceState? Owner { get; }

    public ComponentResourceType? Host { get; }

    public string Description => Host is null ? "guest-defined resource" : $"host-defined resource {Host.Name}";

    /// <summary>Calls the destructor.</summary>
    /// <param name="representation">Of what is destroyed.</param>
    /// <param name="from">The instance that drops it; null for the host.</param>
    public void Destroy(uint representation, InstanceState? from)
    {
        if (Host is not null)
        {
            Host.Destroy(representation);
            return;
        }

        if (!_hasDestructor)
            return;
        if (from == Owner)
        {
            _destructor.Invoke(Value.FromInt32((int)representation));
            return;
        }

        using CallEntry entry = Owner!.Enter();
        _destructor.Invoke(Value.FromInt32((int)representation));
        entry.Complete();
    }
}

// A resource type that the host implements: guests hold handles, the host the objects behind them.
//
// Invariant: a representation is the index of an object for as long as a guest or a ComponentResource owns it; indices are used again, objects are not.
namespace Tarn.Components;

/// <summary>Represents a resource type of the host.</summary>
public sealed class ComponentResourceType
{
    private readonly Action<object>? _destructor;
    private readonly int _capacity;
    private readonly List<object?> _objects = [];
    private readonly Stack<int> _free = new();
    private readonly Lock _lock = new();

    /// <summary>Initializes a new instance of the <see cref="ComponentResourceType"/> class.</summary>
    /// <param name="name">A name for messages.</param>
    /// <param name="destructor">Called with the object when its owner drops it; for an <see cref="IDisposable"/> without a destructor, <see cref="IDisposable.Dispose"/> is called.</param>
    /// <param name="capacity">How many objects there may be at the same time; at least 1.</param>
    public ComponentResourceType(string name, Action<object>? destructor = null, int capacity = 1 << 20)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Name = name;
        _destructor = destructor;
        _capacity = capacity;
        Runtime = new Runtime.ResourceRuntime(this);
    }

    /// <summary>Gets the name for messages.</summary>
    public string Name { get; }

    /// <summary>Gets the number of objects that guests or the host own.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _objects.Count - _free.Count;
        }
    }

    internal Runtime.ResourceRuntime Runtime { get; }

    /// <summary>Creates a resource of this type, which the host owns until it passes it on.</summary>
    /// <exception cref="InvalidOperationException">There are as many objects as there may be.</exception>
    public ComponentResource Create(object target)
    {
        ArgumentNullException.ThrowIfNull(target);
        lock (_lock)
        {
            if (!_free.TryPop(out int index))
            {
                if (_objects.Count == _capacity)
                    throw new InvalidOperationException($"There are {_capacity} resources of the type {Name} already, which is as many as there may be.");
                index = _objects.Count;
                _objects.Add(null);
            }

            _objects[index] = target;
            return new ComponentResource(Runtime, (uint)index, isOwned: true);
        }
    }

    internal object? Find(uint representation)
    {
        lock (_lock)
            return representation < _objects.Count ? _objects[(int)representation] : null;
    }

    internal object? Forget(uint representation)
    {
        lock (_lock)
        {
            object? target = _objects[(int)representation];
            _objects[(int)representation] = null;
            _free.Push((int)representation);
            return target;
        }
    }

    internal void Destroy(uint representation)
    {
        object? target = Forget(representation);
        if (_destructor is not null)
            _destructor(target!);
        else
            (target as IDisposable)?.Dispose();
    }
}

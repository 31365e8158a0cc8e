// A reference that managed code holds while the host runs, which may make the collector run.
using Tarn.Heaps;

namespace Tarn.Stores;

internal readonly ref struct TemporaryRoot
{
    private readonly HostRoots? _roots;
    private readonly ulong _value;
    private readonly int _cell;

    /// <summary>Keeps a value, if it is a managed reference.</summary>
    public TemporaryRoot(StoreCore store, ValType type, ulong value)
    {
        _value = value;
        if (value == 0 || !TypeShape.IsManaged(type, store.Engine.Types))
            return;
        _roots = store.RequireHostRoots();
        _cell = _roots.Take(value);
    }

    /// <summary>The value as it is now.</summary>
    public ulong Value => _roots is null ? _value : _roots[_cell];

    /// <summary>Lets go of it.</summary>
    public void Dispose() => _roots?.Release(_cell, _roots.Generation);
}

// A module that is compiled and linked on this silo. Users hold it by a reference, so that a version which has been replaced is disposed after the last of its calls and actors, and never before.
namespace Tarn.Orleans.Silos;

internal sealed class LoadedGuest : IDisposable
{
    private readonly Module _module;
    private readonly InstanceTemplate _plain;
    private readonly InstanceTemplate? _initialized;
    private int _references = 1;
    private int _isSavable;

    public LoadedGuest(string hash, Module module, InstanceTemplate plain, InstanceTemplate? initialized)
    {
        Hash = hash;
        _module = module;
        _plain = plain;
        _initialized = initialized;
    }

    public string Hash { get; }

    /// <summary>What actors are made of. It has no snapshot: a snapshot that each silo takes for itself differs between silos, and a state that differs from it would be refused elsewhere.</summary>
    public InstanceTemplate Actors => _plain;

    /// <summary>Whether an instance as the template makes it was saved once; then only what guests do later can be in the way.</summary>
    public bool IsKnownSavable
    {
        get => Volatile.Read(ref _isSavable) != 0;
        set => Volatile.Write(ref _isSavable, value ? 1 : 0);
    }

    /// <summary>What functions are made of: instances begin with what the initialization left, which runs once on each silo.</summary>
    public InstanceTemplate Functions => _initialized ?? _plain;

    public bool Exports(string function) => _module.Exports.Any(export => export.Name == function && export.Type.Kind == ExternKind.Function);

    /// <summary>Takes a reference.</summary>
    /// <returns>Whether it was taken; one that has been disposed cannot be used.</returns>
    public bool TryAddReference()
    {
        int count;
        do
        {
            count = Volatile.Read(ref _references);
            if (count == 0)
                return false;
        }
        while (Interlocked.CompareExchange(ref _references, count + 1, count) != count);
        return true;
    }

    /// <summary>Whether nothing but the cache holds it.</summary>
    public bool IsIdle => Volatile.Read(ref _references) == 1;

    /// <summary>Ends a use.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;
        _initialized?.Dispose();
        _plain.Dispose();
        _module.Dispose();
    }
}

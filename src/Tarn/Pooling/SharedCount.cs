// A number that several lists change; an object of its own so that they can share it.
namespace Tarn.Pooling;

/// <summary>A number that several lists change.</summary>
internal sealed class SharedCount
{
    private int _value;

    public int Value => Volatile.Read(ref _value);

    public void Add(int delta) => Interlocked.Add(ref _value, delta);
}

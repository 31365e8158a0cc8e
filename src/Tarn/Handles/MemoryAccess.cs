// Direct access to a range of a linear memory that cannot outlive the memory: for as long as it is open the host is inside the store, so that nobody
// can end the instance, and the garbage collector sees that the store is in use.

namespace Tarn;

/// <summary>A range of a linear memory that is open for direct access. See <see cref="Memory.Access(long, int)"/>.</summary>
public readonly ref struct MemoryAccess
{
    private readonly OpenAccess? _open;

    internal MemoryAccess(OpenAccess open, Span<byte> span)
    {
        _open = open;
        Span = span;
    }

    /// <summary>Gets the bytes of the range. Not to be used after <see cref="Dispose"/>.</summary>
    public Span<byte> Span { get; }

    /// <summary>Ends the access. Doing so again, also by way of a copy, has no effect.</summary>
    public void Dispose() => _open?.Close();
}

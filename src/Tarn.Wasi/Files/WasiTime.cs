// How a time stamp is to be set: left alone or to a value; "now" has been asked of the time provider by then.
namespace Tarn.Wasi;

/// <summary>A time stamp to set.</summary>
public readonly record struct WasiTime
{
    private readonly bool _set;

    private WasiTime(ulong nanoseconds)
    {
        _set = true;
        Nanoseconds = nanoseconds;
    }

    /// <summary>Leaves the time stamp as it is.</summary>
    public static WasiTime Unchanged => default;

    /// <summary>Whether the time stamp stays as it is.</summary>
    public bool IsUnchanged => !_set;

    /// <summary>Nanoseconds since 1970, UTC.</summary>
    public ulong Nanoseconds { get; }

    /// <summary>Sets the time stamp.</summary>
    /// <param name="nanoseconds">Nanoseconds since 1970, UTC.</param>
    public static WasiTime At(ulong nanoseconds) => new(nanoseconds);
}

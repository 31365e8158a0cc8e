// What a limiter is asked about.
namespace Tarn;

/// <summary>A resource that guests make grow.</summary>
public enum ResourceKind
{
    /// <summary>A linear memory, in bytes.</summary>
    Memory = 0,

    /// <summary>A table, in elements.</summary>
    Table = 1,
}

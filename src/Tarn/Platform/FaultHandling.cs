// Why: whether faults of guests can be caught is a capability of the platform, not a fact: what relies on it (guarded memories, pages that are opened when they are touched) asks first.
namespace Tarn.Platform;

/// <summary>How faults in guest code are caught.</summary>
internal enum FaultHandling
{
    /// <summary>They are not: code must never fault.</summary>
    None,

    /// <summary>By a signal handler that continues the guest elsewhere, or opens a page.</summary>
    Signals,
}

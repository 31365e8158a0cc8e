// How a wait on a shared memory ended. The values are those of the instruction (threads proposal, "memory.atomic.wait").
namespace Tarn;

/// <summary>How a wait on a location of a shared memory ended.</summary>
public enum AtomicWaitResult
{
    /// <summary>It was woken by a notification.</summary>
    Woken = 0,

    /// <summary>It did not begin: the location held another value than expected.</summary>
    NotEqual = 1,

    /// <summary>Its time ran out.</summary>
    TimedOut = 2,
}

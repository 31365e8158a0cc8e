// Why a guest in the cluster did not answer, with a code that callers on other silos can act on.

namespace Tarn.Orleans;

/// <summary>Why a call of a guest failed.</summary>
public enum GuestFailure
{
    /// <summary>No deployment has the name.</summary>
    UnknownModule,

    /// <summary>The guest does not export the function.</summary>
    UnknownFunction,

    /// <summary>The arguments, a name or a request are not what is asked for.</summary>
    InvalidArguments,

    /// <summary>The module's bytes are not a valid module, or not those that their hash names, or its imports are unknown.</summary>
    InvalidModule,

    /// <summary>The guest trapped.</summary>
    Trapped,

    /// <summary>The guest used up the fuel of the call.</summary>
    OutOfFuel,

    /// <summary>The call took too long and was stopped.</summary>
    TimedOut,

    /// <summary>The tenant's quota is used up. The call was not started and can be tried again later.</summary>
    QuotaExceeded,

    /// <summary>No slot was free on the silo in time. The call was not started and can be tried again later.</summary>
    NoSlot,

    /// <summary>The guest has state that cannot be saved. The effect of the call was discarded.</summary>
    CannotBeSaved,

    /// <summary>The storage did not take the state. Whether the call has had an effect is unknown.</summary>
    StorageFailed,

    /// <summary>The state in the storage cannot be restored.</summary>
    InvalidState,

    /// <summary>The guest needs more than a limit allows.</summary>
    LimitExceeded,

    /// <summary>A host function threw.</summary>
    HostFailed,
}

/// <summary>A call of a guest in the cluster failed.</summary>
[GenerateSerializer, Alias("Tarn.GuestCallException")]
public sealed class GuestCallException : Exception
{
    /// <summary>Initializes an exception.</summary>
    public GuestCallException()
        : this("A call of a guest failed.")
    {
    }

    /// <summary>Initializes an exception with a message.</summary>
    public GuestCallException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes an exception with a message and its cause.</summary>
    public GuestCallException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Initializes an exception with a reason.</summary>
    /// <param name="failure">The reason.</param>
    /// <param name="message">The message.</param>
    /// <param name="trapCode">The trap, if there was one.</param>
    public GuestCallException(GuestFailure failure, string message, TrapCode? trapCode = null)
        : base(message)
    {
        Failure = failure;
        TrapCode = trapCode;
    }

    /// <summary>Gets the reason.</summary>
    [Id(0)]
    public GuestFailure Failure { get; private set; }

    /// <summary>Gets the trap, if there was one.</summary>
    [Id(1)]
    public TrapCode? TrapCode { get; private set; }
}

// Where a call that was suspended at least once is. It changes under the store's lock:
//
//   Running -> Waiting    its guest has called an asynchronous host function that is pending (Suspend)
//   Waiting -> Ready      the host function has completed (OnCompleted)
//   Ready   -> Running    the call is the innermost one and nothing runs in the store: it is claimed (TryClaim)
//   Waiting, Ready -> Dropped    it was cancelled, interrupted, or its store has ended; it goes nowhere from there (Drop)
namespace Tarn.Stores;

internal enum CallState
{
    /// <summary>Its guest runs, or managed code on the guest's behalf.</summary>
    Running,

    /// <summary>Its guest is suspended, and the host function that it waits for is pending.</summary>
    Waiting,

    /// <summary>Its guest is suspended, and what it waited for is there.</summary>
    Ready,

    /// <summary>It was ended while its guest was suspended; <see cref="AsyncCall.Failure"/> says why.</summary>
    Dropped,
}

// What the calls in progress in a store do, all of them taken together. Which of the states it is follows from the two numbers that Activations keeps.
namespace Tarn.Stores;

internal enum ActivationState
{
    /// <summary>No call is in progress.</summary>
    None,

    /// <summary>A guest runs, or managed code on its behalf. Other calls may be suspended.</summary>
    Running,

    /// <summary>Every guest is suspended.</summary>
    Suspended,
}

// Finding instances that were not disposed. Null in EngineOptions is off, and costs nothing.
namespace Tarn;

/// <summary>How an engine reports instances that the garbage collector found before anything disposed them. Such an instance keeps its slot, memories and tables.</summary>
/// <param name="OnLeak">Receives each such instance, on the finalizer thread. Exceptions that it throws are ignored.</param>
public sealed record LeakDetectionOptions(Action<InstanceLeak> OnLeak)
{
    /// <summary>Gets whether the stack trace is kept of where each instance is made; <see langword="true"/> by default. It costs some ten microseconds for each instance.</summary>
    public bool CaptureStackTrace { get; init; } = true;
}

// What a heap asks of the store whose objects it holds.
using Tarn.Execution;

namespace Tarn.Heaps;

internal unsafe interface IHeapOwner
{
    /// <summary>Where compiled code finds the heap's top and limit.</summary>
    ExecutionRecord* Execution { get; }

    /// <summary>Bytes that the store's limits allow for the heap.</summary>
    long MaximumHeapBytes { get; }

    /// <summary>Whether a limiter has to be asked before the heap grows.</summary>
    bool AsksForHeap { get; }

    /// <summary>Asks whether the heap may grow.</summary>
    bool AllowHeap(long current, long desired, long maximum);

    /// <summary>Visits every root outside of the heap.</summary>
    void VisitRoots<T>(T visitor)
        where T : IRootVisitor;

    /// <summary>Visits what all exceptions carry that guests have references to.</summary>
    void VisitExceptions<T>(T visitor)
        where T : IRootVisitor;

    /// <summary>Begins to find out which handles are still held.</summary>
    void BeginMarkingHandles();

    /// <summary>A handle that is held.</summary>
    void MarkHandle(uint handle);

    /// <summary>Visits what exceptions carry whose handles were marked since the last call.</summary>
    /// <returns>Whether there were any.</returns>
    bool VisitMarkedExceptions<T>(T visitor)
        where T : IRootVisitor;

    /// <summary>Lets go of the objects and exceptions whose handles were not marked.</summary>
    void SweepHandles();

    /// <summary>Whether a handle is one that some object has.</summary>
    bool IsHandleInUse(uint handle);

    /// <summary>A trap of the guest that asked for an object.</summary>
    Exception HeapTrap(TrapCode code, string? detail);

    /// <summary>Throws if the guest was asked to stop.</summary>
    void ThrowIfInterrupted();
}

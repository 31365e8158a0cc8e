// What a heap asks of the store whose objects it holds.
using Tarn.Execution;

namespace Tarn.Heaps;

internal unsafe interface IHeapOwner
{
    /// <summary>Where compiled code finds the heap's top and limit.</summary>
    ExecutionRecord* Execution { get; }

    /// <summary>Visits every root outside of the heap.</summary>
    void VisitRoots<T>(T visitor)
        where T : IRootVisitor;

    /// <summary>Begins to find out which handles of the host's objects are still held.</summary>
    void BeginMarkingHandles();

    /// <summary>A handle that is held.</summary>
    void MarkHandle(uint handle);

    /// <summary>Lets go of the objects whose handles were not marked.</summary>
    void SweepHandles();

    /// <summary>Whether a handle is one that some object has.</summary>
    bool IsHandleInUse(uint handle);

    /// <summary>A trap of the guest that asked for an object.</summary>
    Exception HeapTrap(TrapCode code, string? detail);

    /// <summary>Throws if the guest was asked to stop.</summary>
    void ThrowIfInterrupted();
}

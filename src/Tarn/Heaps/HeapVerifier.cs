// Holds a heap to its invariants, for tests: every object has a type of the engine and ends where the next one starts, every reference in an object or root is null, an i31, a handle in use or
// the start of an object, every reference from old space to the nursery lies in a marked card, and every card knows the object that covers its first byte.
using Tarn.Compiler.Abi;

namespace Tarn.Heaps;

internal sealed unsafe class HeapVerifier(ManagedHeap heap) : IRootVisitor
{
    private readonly HashSet<uint> _objects = [];

    /// <summary>Verifies a heap.</summary>
    /// <exception cref="InvalidOperationException">It is damaged; the message says where.</exception>
    public static void Verify(ManagedHeap heap)
    {
        var verifier = new HeapVerifier(heap);
        heap.ForEach(at => verifier._objects.Add(at));
        heap.ForEach(verifier.VerifyObject);
        heap.Owner.VisitRoots(verifier);
        heap.Owner.VisitExceptions(verifier);
    }

    public void Visit(ulong* cell)
    {
        if (*cell > uint.MaxValue)
            throw new InvalidOperationException($"a root holds 0x{*cell:x}, which is not a managed reference");
        VerifyReference((uint)*cell, "a root");
    }

    private void VerifyObject(uint at)
    {
        TypeShape shape = heap.Types.Shape(*(uint*)(heap.Base + at + ObjectLayout.TypeId));
        if (!ManagedHeap.IsYoung(at) && (at & ((1 << ObjectLayout.CardShift) - 1)) == 0 && heap.Space.Starts[at >> ObjectLayout.CardShift] != at)
            throw new InvalidOperationException($"the card of 0x{at:x} does not know the object that starts there");
        if (shape.Kind == CompositeKind.Struct)
        {
            foreach (int offset in shape.References)
                VerifyField(at, at + (uint)offset);
        }
        else if (shape.HasReferenceElements)
        {
            uint length = *(uint*)(heap.Base + at + ObjectLayout.Length);
            for (uint i = 0; i < length; i++)
                VerifyField(at, at + ObjectLayout.Elements + (i * sizeof(uint)));
        }
    }

    private void VerifyField(uint at, uint field)
    {
        uint reference = *(uint*)(heap.Base + field);
        VerifyReference(reference, $"the object at 0x{at:x}");
        bool isYoung = reference != 0 && (reference & ObjectLayout.TagMask) == 0 && ManagedHeap.IsYoung(reference);
        if (isYoung && !ManagedHeap.IsYoung(field) && heap.Space.Cards[field >> ObjectLayout.CardShift] == 0)
            throw new InvalidOperationException($"old space refers to the nursery at 0x{field:x}, whose card is not marked");
    }

    private void VerifyReference(uint reference, string what)
    {
        bool good = reference == 0
            || (reference & ObjectLayout.SmallIntegerBit) != 0
            || ((reference & ObjectLayout.TagMask) == ObjectLayout.HandleTag ? heap.Owner.IsHandleInUse(reference) : _objects.Contains(reference));
        if (!good)
            throw new InvalidOperationException($"{what} refers to 0x{reference:x}, where there is no object");
    }
}

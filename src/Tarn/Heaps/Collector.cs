// Moves live objects (Cheney, 1970): the roots' objects are copied to the end of old space, and what was copied is scanned for references to further ones until nothing is left to scan.
// An object that was copied leaves its new offset in its header. The nursery is collected alone, with the marked cards of old space as further roots, or together with old space, whose other
// half then receives everything.
//
// Everything that lives in the nursery moves to old space, so afterwards no reference leads from old space to the nursery and all cards are clean.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;

namespace Tarn.Heaps;

internal sealed unsafe class Collector(ManagedHeap heap, HeapSpace space) : IRootVisitor
{
    // In an object's header, instead of a type id, which has 27 bits: the object has moved to 8 times the rest.
    private const uint Moved = 0x8000_0000;

    // Objects up to this many bytes are copied word by word.
    private const uint Small = 128;

    private readonly byte* _base = space.Base;

    // What is moved: the nursery, and in a collection of everything [_fromStart, _fromEnd) of old space.
    private uint _fromStart;
    private uint _fromEnd;
    private bool _marksHandles;

    // Where the next object is copied to, and up to where that is accessible.
    private uint _to;
    private uint _accessible;
    private TypeShape?[] _shapes = [];

    /// <summary>Moves what lives in the nursery to old space.</summary>
    /// <returns>Bytes that were moved.</returns>
    public long CollectNursery()
    {
        _fromStart = uint.MaxValue;
        _fromEnd = 0;
        _marksHandles = false;
        uint start = heap.OldTop;
        space.CommitOld(heap.Half, start + (heap.Top - ObjectLayout.NurseryStart));
        Begin(start);
        heap.Owner.VisitRoots(this);
        heap.Owner.VisitExceptions(this);
        ScanCards(HeapSpace.StartOf(heap.Half), start);
        Scan(start);
        heap.OldTop = _to;
        return _to - start;
    }

    /// <summary>Moves everything that lives to the half of old space that is in use now.</summary>
    /// <param name="from">The half that was in use.</param>
    /// <returns>Bytes that were moved.</returns>
    public long CollectAll(int from)
    {
        _fromStart = HeapSpace.StartOf(from);
        _fromEnd = HeapSpace.EndOf(from);
        _marksHandles = true;
        uint start = heap.OldTop;
        Begin(start);
        heap.Owner.BeginMarkingHandles();
        heap.Owner.VisitRoots(this);
        uint scanned = start;
        do
        {
            Scan(scanned);
            scanned = _to;
        }
        while (heap.Owner.VisitMarkedExceptions(this));
        heap.OldTop = _to;
        heap.Owner.SweepHandles();
        uint first = _fromStart >> ObjectLayout.CardShift;
        uint used = space.CommittedOf(from);
        if (used > _fromStart)
            new Span<byte>(space.Cards + first, (int)((used - 1 >> ObjectLayout.CardShift) - first + 1)).Clear();
        return _to - start;
    }

    private void Begin(uint start)
    {
        _to = start;
        _accessible = space.CommittedOf(heap.Half);
        _shapes = heap.Types.Shapes;
    }

    /// <summary>A root: a cell of 8 bytes that holds a reference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Visit(ulong* cell)
    {
        uint reference = (uint)*cell;
        if ((reference & ObjectLayout.TagMask) == 0 && reference != 0)
            *cell = Move(reference);
        else if ((reference & ObjectLayout.TagMask) == ObjectLayout.HandleTag && _marksHandles)
            heap.Owner.MarkHandle(reference);
    }

    /// <summary>Notes for each card whose first byte an object of old space covers where that object starts.</summary>
    public static void NoteStarts(HeapSpace space, uint at, uint end)
    {
        uint* starts = space.Starts;
        uint last = end - 1 >> ObjectLayout.CardShift;
        for (uint card = (at + (1 << ObjectLayout.CardShift) - 1) >> ObjectLayout.CardShift; card <= last; card++)
            starts[card] = at;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private uint Move(uint reference)
    {
        if (!ManagedHeap.IsYoung(reference) && (reference < _fromStart || reference >= _fromEnd))
            return reference;
        uint* header = (uint*)(_base + reference);
        if ((*header & Moved) != 0)
            return (*header & ~Moved) << 3;
        TypeShape shape = _shapes[*header]!;
        uint bytes = shape.Kind == CompositeKind.Struct ? (uint)shape.Bytes : (uint)shape.SizeOf(header[ObjectLayout.Length / sizeof(uint)]);
        uint to = _to;
        uint end = to + bytes;
        if (end > _accessible)
        {
            space.CommitOld(heap.Half, end);
            _accessible = space.CommittedOf(heap.Half);
        }
        _to = end;
        if (bytes <= Small)
        {
            ulong* source = (ulong*)header;
            ulong* target = (ulong*)(_base + to);
            for (uint word = 0; word < bytes / sizeof(ulong); word++)
                target[word] = source[word];
        }
        else
        {
            Buffer.MemoryCopy(header, _base + to, bytes, bytes);
        }
        if (to >> ObjectLayout.CardShift != end - 1 >> ObjectLayout.CardShift || (to & ((1 << ObjectLayout.CardShift) - 1)) == 0)
            NoteStarts(space, to, end);
        *header = Moved | (to >> 3);
        return to;
    }

    // A field or element: 4 bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void VisitField(uint* field)
    {
        uint reference = *field;
        if ((reference & ObjectLayout.TagMask) == 0 && reference != 0)
            *field = Move(reference);
        else if ((reference & ObjectLayout.TagMask) == ObjectLayout.HandleTag && _marksHandles)
            heap.Owner.MarkHandle(reference);
    }

    // Objects that were copied, which may add more behind them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Scan(uint at)
    {
        while (at < _to)
            at += ScanObject(at, 0, uint.MaxValue);
    }

    // The references of an object that lie in a range; gives its bytes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private uint ScanObject(uint at, uint from, uint to)
    {
        TypeShape shape = _shapes[*(uint*)(_base + at + ObjectLayout.TypeId)]!;
        if (shape.Kind == CompositeKind.Struct)
        {
            foreach (int offset in shape.References)
            {
                uint field = at + (uint)offset;
                if (field >= from && field < to)
                    VisitField((uint*)(_base + field));
            }
            return (uint)shape.Bytes;
        }
        uint length = *(uint*)(_base + at + ObjectLayout.Length);
        if (shape.HasReferenceElements)
        {
            uint first = at + ObjectLayout.Elements;
            uint element = Math.Max(first, from);
            uint end = (uint)Math.Min(first + ((ulong)length * sizeof(uint)), to);
            for (; element < end; element += sizeof(uint))
                VisitField((uint*)(_base + element));
        }
        return (uint)shape.SizeOf(length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ScanCards(uint from, uint to)
    {
        if (to <= from)
            return;
        byte* cards = space.Cards;
        uint last = to - 1 >> ObjectLayout.CardShift;
        for (uint card = from >> ObjectLayout.CardShift; card <= last; card++)
        {
            if ((card & 7) == 0 && card + 7 <= last && *(ulong*)(cards + card) == 0)
            {
                card += 7;
                continue;
            }
            if (cards[card] == 0)
                continue;
            cards[card] = 0;
            uint start = card << ObjectLayout.CardShift;
            uint end = Math.Min(to, start + (1 << ObjectLayout.CardShift));
            for (uint at = space.Starts[card]; at < end;)
                at += ScanObject(at, start, end);
        }
    }
}

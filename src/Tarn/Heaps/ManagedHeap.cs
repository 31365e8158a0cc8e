// The managed objects of one store. Objects are made in the nursery, by compiled code that moves HeapTop in the execution record; when there is no more room the nursery's live objects are
// moved to old space, and when that has grown to twice what was live in it, everything live is moved to the other half of old space (Collector).
//
// Invariants: [NurseryStart, HeapTop) and [start of the half, _oldTop) are whole objects, one behind the other, each with a header and all fields written, whenever anything but the code that is
// about to initialise the latest object can look; nothing above is ever read, since every object is written before it can be referred to. So a heap is empty, and shows nothing of what was in
// it, once both tops are set back: that is the whole of Reset.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Diagnostics;
using Tarn.Platform;

namespace Tarn.Heaps;

internal sealed unsafe class ManagedHeap
{
    /// <summary>Bytes that a heap takes at least.</summary>
    public const long FewestBytes = 64 << 10;

    private const long SmallestThreshold = 4L << 20;

    // The part of the nursery that an object may take and still be made there: one in old space that has died keeps alive what it refers to until everything is collected.
    private const int LargestShare = 8;

    // Bytes of the half that is not in use which stay with the process, so that the next collection of everything need not ask for them again.
    private const uint ResidentWhenEmpty = 4 << 20;

    private readonly HeapSpace _space;
    private readonly Collector _collector;
    private readonly IHeapOwner _owner;
    private readonly uint _nurseryBytes;
    private int _pauses;
    private bool _isFullRequested;
    private readonly long _maximumBytes;
    private uint _nurseryEnd;
    private long _granted;
    private int _half;
    private uint _oldTop = ObjectLayout.NurseryEnd;
    private long _threshold = SmallestThreshold;

    /// <param name="owner">The store whose objects they are.</param>
    /// <param name="space">Where they are; the heap does not release it.</param>
    /// <param name="types">Their types.</param>
    /// <param name="options">The engine's options.</param>
    /// <exception cref="PlatformException">The system refuses memory for the nursery.</exception>
    public ManagedHeap(IHeapOwner owner, HeapSpace space, TypeDescriptors types, EngineOptions options)
    {
        _owner = owner;
        _space = space;
        Types = types;
        _maximumBytes = options.MaximumHeapBytes;
        Stress = options.HeapStress;
        _nurseryBytes = (uint)options.NurseryBytes;
        _collector = new Collector(this, space);
        space.CommitNursery(ObjectLayout.NurseryStart + _nurseryBytes);
        Functions = new FunctionHandles(owner.Execution);
        Begin();
    }

    public byte* Base => _space.Base;

    public HeapSpace Space => _space;

    public IHeapOwner Owner => _owner;

    public TypeDescriptors Types { get; }

    /// <summary>Functions that objects name.</summary>
    public FunctionHandles Functions { get; }

    /// <summary>Types that the host has made objects of, by identity: their ids.</summary>
    public Dictionary<long, int> KnownTypes { get; } = [];

    /// <summary>Bytes that all objects may take: by the engine's limit and the store's.</summary>
    public long MaximumBytes => Math.Min(_maximumBytes, _owner.MaximumHeapBytes);

    /// <summary>Bytes that all objects may take without asking the limiter.</summary>
    public long GrantedBytes => _granted;

    /// <summary>Bytes that objects take, dead ones included.</summary>
    public long UsedBytes => (Top - ObjectLayout.NurseryStart) + OldBytes;

    /// <summary>Collections so far.</summary>
    public long Collections { get; private set; }

    /// <summary>Collections of old space so far.</summary>
    public long FullCollections { get; private set; }

    /// <summary>Bytes of objects that collections have moved.</summary>
    public long BytesMoved { get; private set; }

    /// <summary>Longest time that a collection has taken.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Collect at each allocation that asks, move everything, and verify the heap before and after: for tests.</summary>
    public HeapStress Stress { get; }

    /// <summary>The half of old space that is in use.</summary>
    public int Half => _half;

    /// <summary>Where the next object goes in the nursery.</summary>
    public uint Top
    {
        get => (uint)_owner.Execution->HeapTop;
        set => _owner.Execution->HeapTop = value;
    }

    /// <summary>Where the next object goes in old space.</summary>
    public ref uint OldTop => ref _oldTop;

    /// <summary>Whether an offset is of an object in the nursery.</summary>
    public static bool IsYoung(uint offset) => offset < ObjectLayout.NurseryEnd;

    /// <summary>Ends the heap: its space is for others.</summary>
    public void End()
    {
        Reset(keepResident: 0);
        Functions.Free();
    }

    /// <summary>Begins a life with limits of the store, with nothing but its image in the heap.</summary>
    public void BeginLimits()
    {
        SetNursery();
        _granted = NurseryBytes + OldBytes;
    }

    /// <summary>The store has other limits than before.</summary>
    public void LimitsChanged()
    {
        SetNursery();
        _owner.Execution->HeapLimit = Math.Min(_owner.Execution->HeapLimit, _nurseryEnd);
    }

    /// <summary>What it holds and has done in this life.</summary>
    public HeapStatistics GetStatistics() => new()
    {
        UsedBytes = UsedBytes,
        MaximumBytes = MaximumBytes,
        Collections = Collections,
        FullCollections = FullCollections,
        BytesMoved = BytesMoved,
        LongestPause = LongestPause,
    };

    /// <summary>Forgets all objects.</summary>
    /// <param name="keepResident">Bytes of memory of each space that stay with the process.</param>
    public void Reset(uint keepResident)
    {
        if (_half != 0 || _oldTop != HeapSpace.StartOf(0))
        {
            _space.Trim(0, keepResident);
            _space.Trim(1, 0);
            ClearCards();
        }
        if (Top - ObjectLayout.NurseryStart > keepResident)
            _space.TrimNursery(keepResident);
        _half = 0;
        _oldTop = HeapSpace.StartOf(0);
        _threshold = SmallestThreshold;
        if (KnownTypes.Count != 0)
            KnownTypes.Clear();
        Begin();
    }

    /// <summary>What the heap holds, to start from again. Nothing has been collected yet.</summary>
    public HeapImage Capture() => new(
        new ReadOnlySpan<byte>(Base + ObjectLayout.NurseryStart, (int)(Top - ObjectLayout.NurseryStart)).ToArray(),
        new ReadOnlySpan<byte>(Base + HeapSpace.StartOf(0), (int)(_oldTop - HeapSpace.StartOf(0))).ToArray());

    /// <summary>Forgets all objects but those of an image.</summary>
    public void Reset(HeapImage image, uint keepResident)
    {
        Reset(keepResident);
        image.Young.CopyTo(new Span<byte>(Base + ObjectLayout.NurseryStart, image.Young.Length));
        Top = ObjectLayout.NurseryStart + (uint)image.Young.Length;
        if (image.Old.Length == 0)
            return;
        image.Old.CopyTo(new Span<byte>(Base + HeapSpace.StartOf(0), image.Old.Length));
        _oldTop = HeapSpace.StartOf(0) + (uint)image.Old.Length;
        for (uint at = HeapSpace.StartOf(0); at < _oldTop; at += SizeAt(at))
            Collector.NoteStarts(_space, at, at + SizeAt(at));
        // Constant expressions may have stored references to the nursery in it.
        new Span<byte>(_space.Cards + (HeapSpace.StartOf(0) >> ObjectLayout.CardShift), (image.Old.Length >> ObjectLayout.CardShift) + 1).Fill(1);
    }

    /// <summary>What a guest's allocation that did not fit asks for: room for so many bytes at HeapTop.</summary>
    /// <exception cref="TrapException">There is none.</exception>
    public void MakeRoom(ulong bytes)
    {
        if (Stress == HeapStress.None && !_isFullRequested && Top + bytes <= _nurseryEnd)
        {
            // The limit was lowered to be asked; it is not any more.
            _owner.Execution->HeapLimit = _nurseryEnd;
            return;
        }
        Collect(bytes);
        // The limiter may have let a guest run.
        if (Top + bytes > _nurseryEnd)
            Collect(bytes);
        if (Top + bytes > _nurseryEnd)
            throw Exhausted((long)bytes);
        _owner.Execution->HeapLimit = Stress != HeapStress.None ? Top + bytes : _nurseryEnd;
    }

    /// <summary>Makes an object that is too large for compiled code to make, all zero; collects if it must.</summary>
    /// <exception cref="TrapException">There is no room.</exception>
    public uint Allocate(uint typeId, uint length)
    {
        TypeShape shape = Types.Shape(typeId);
        long bytes = shape.SizeOf(length);
        if (bytes <= NurseryBytes / LargestShare)
        {
            if (Top + bytes > _nurseryEnd)
                MakeRoom((ulong)bytes);
            return Place(typeId, length, (uint)bytes, Take((uint)bytes));
        }
        if (OldBytes + bytes > OldLimit || !Fits(bytes))
        {
            Collect(0, forceFull: true);
            // The limiter may have let a guest run.
            if (!MayTake(OldBytes + bytes) || OldBytes + bytes > OldLimit || !Fits(bytes))
                throw Exhausted(bytes);
        }
        return Place(typeId, length, (uint)bytes, TakeOld((uint)bytes));
    }

    /// <summary>The same without ever collecting: for callers that hold references where no collector looks.</summary>
    /// <exception cref="TrapException">There is no room.</exception>
    public uint AllocateInPlace(uint typeId, uint length)
    {
        long bytes = Types.Shape(typeId).SizeOf(length);
        if (bytes <= NurseryBytes / LargestShare && Top + bytes <= _nurseryEnd)
            return Place(typeId, length, (uint)bytes, Take((uint)bytes));
        Pause();
        try
        {
            // The limiter may have let a guest run.
            if (!MayTake(OldBytes + bytes) || OldBytes + bytes > OldLimit || !Fits(bytes))
                throw Exhausted(bytes);
        }
        finally
        {
            Resume();
        }
        return Place(typeId, length, (uint)bytes, TakeOld((uint)bytes));
    }

    /// <summary>Notes that a reference was stored into an object.</summary>
    public void MarkCard(uint at)
    {
        if (!IsYoung(at))
            _space.Cards[at >> ObjectLayout.CardShift] = 1;
    }

    /// <summary>Collects the nursery, and old space where that is due.</summary>
    /// <param name="wanted">Bytes that are to fit the nursery afterwards.</param>
    /// <param name="forceFull">Whether old space is collected in any case.</param>
    /// <exception cref="TrapException">There is no room for what lives.</exception>
    public void Collect(ulong wanted, bool forceFull = false)
    {
        if (_pauses != 0)
            throw _owner.HeapTrap(TrapCode.AllocationTooLarge, "there is no room while the limiter of the store runs, and nothing can be collected before it returns");
        long moved = BytesMoved;
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        if (Stress == HeapStress.Verify)
            HeapVerifier.Verify(this);
        uint young = Top - ObjectLayout.NurseryStart;
        bool full = forceFull || _isFullRequested || Stress >= HeapStress.Move || OldBytes + young > Math.Min(_threshold, OldLimit) || !Fits(young);
        try
        {
            if (full)
                CollectAll();
            else
                BytesMoved += _collector.CollectNursery();
        }
        catch (PlatformException e)
        {
            throw _owner.HeapTrap(TrapCode.AllocationTooLarge, $"the system refuses memory for the collector: {e.Message}");
        }
        Top = ObjectLayout.NurseryStart;
        Collections++;
        if (Stress == HeapStress.Verify)
            HeapVerifier.Verify(this);
        TimeSpan pause = System.Diagnostics.Stopwatch.GetElapsedTime(started);
        if (pause > LongestPause)
            LongestPause = pause;
        TarnMetrics.CountCollection(full, BytesMoved - moved, pause);
        if (!MayTake(OldBytes))
            throw Exhausted((long)wanted);
        _owner.ThrowIfInterrupted();
    }

    /// <summary>Goes through all objects, with the offset of each.</summary>
    public void ForEach(Action<uint> visit)
    {
        ForEach(ObjectLayout.NurseryStart, Top, visit);
        ForEach(HeapSpace.StartOf(_half), _oldTop, visit);
    }

    /// <summary>Asks for a collection of everything when the guest next makes an object: there are many handles, and no collection of the nursery frees any.</summary>
    public void RequestCollection()
    {
        _isFullRequested = true;
        _owner.Execution->HeapLimit = 0;
    }

    /// <summary>Nothing is collected until as many calls of <see cref="Resume"/>: the caller holds references where no collector looks. An allocation that needs room meanwhile traps.</summary>
    public void Pause() => _pauses++;

    /// <summary>Ends one <see cref="Pause"/>.</summary>
    public void Resume() => _pauses--;

    /// <summary>The canonical type of the object at an offset.</summary>
    public int TypeAt(uint at) => *(int*)(Base + at + ObjectLayout.TypeId);

    /// <summary>The shape of the object at an offset.</summary>
    public TypeShape ShapeAt(uint at) => Types.Shape((uint)TypeAt(at));

    /// <summary>Bytes of the object at an offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint SizeAt(uint at)
    {
        TypeShape shape = Types.Shape(*(uint*)(Base + at + ObjectLayout.TypeId));
        return (uint)shape.SizeOf(shape.Kind == CompositeKind.Array ? *(uint*)(Base + at + ObjectLayout.Length) : 0);
    }

    private void ForEach(uint from, uint to, Action<uint> visit)
    {
        for (uint at = from; at < to; at += SizeAt(at))
            visit(at);
    }

    // The other half becomes old space, and this one is empty.
    private void CollectAll()
    {
        int from = _half;
        int to = 1 - from;
        _half = to;
        _oldTop = HeapSpace.StartOf(to);
        BytesMoved += _collector.CollectAll(from);
        _space.Trim(from, ResidentWhenEmpty);
        FullCollections++;
        _isFullRequested = false;
        _threshold = Math.Max(SmallestThreshold, 2 * (_oldTop - (long)HeapSpace.StartOf(to)));
    }

    private void ClearCards()
    {
        uint start = HeapSpace.StartOf(_half) >> ObjectLayout.CardShift;
        if (_oldTop > HeapSpace.StartOf(_half))
            new Span<byte>(_space.Cards + start, (int)((_oldTop - 1 >> ObjectLayout.CardShift) - start + 1)).Clear();
    }

    private void Begin()
    {
        Top = ObjectLayout.NurseryStart;
        _isFullRequested = false;
        Collections = FullCollections = BytesMoved = 0;
        LongestPause = default;
        SetNursery();
        _granted = NurseryBytes;
        _owner.Execution->HeapLimit = Stress != HeapStress.None ? ObjectLayout.NurseryStart : _nurseryEnd;
    }

    private uint Take(uint bytes)
    {
        uint at = Top;
        Top = at + bytes;
        return at;
    }

    private long NurseryBytes => _nurseryEnd - ObjectLayout.NurseryStart;

    private long OldBytes => _oldTop - (long)HeapSpace.StartOf(_half);

    // What old space may take beside the nursery without asking the limiter.
    private long OldLimit => (_owner.AsksForHeap ? Math.Min(_granted, MaximumBytes) : MaximumBytes) - NurseryBytes;

    private bool Fits(long bytes) => _oldTop + bytes <= HeapSpace.EndOf(_half);

    private void SetNursery() => _nurseryEnd = ObjectLayout.NurseryStart + (uint)(Math.Min(_nurseryBytes, MaximumBytes / 4) & -ObjectLayout.Alignment);

    // Whether old space may take so many bytes; asks for twice what was allowed where that is not enough.
    private bool MayTake(long oldBytes)
    {
        if (oldBytes <= OldLimit)
            return true;
        long wanted = oldBytes + NurseryBytes;
        long most = MaximumBytes;
        if (wanted > most)
            return false;
        long desired = Math.Min(most, Math.Max(wanted, 2 * _granted));
        if (!_owner.AllowHeap(_granted, desired, most))
            return false;
        _granted = Math.Max(_granted, desired);
        return true;
    }

    private uint TakeOld(uint bytes)
    {
        uint at = _oldTop;
        try
        {
            _space.CommitOld(_half, at + bytes);
        }
        catch (PlatformException e)
        {
            throw _owner.HeapTrap(TrapCode.AllocationTooLarge, $"the system refuses memory for an object of {bytes} bytes: {e.Message}");
        }
        _oldTop = at + bytes;
        Collector.NoteStarts(_space, at, at + bytes);
        return at;
    }

    private uint Place(uint typeId, uint length, uint bytes, uint at)
    {
        new Span<byte>(Base + at, (int)Math.Min(bytes, int.MaxValue)).Clear();
        *(uint*)(Base + at + ObjectLayout.TypeId) = typeId;
        if (Types.Shape(typeId).Kind == CompositeKind.Array)
            *(uint*)(Base + at + ObjectLayout.Length) = length;
        return at;
    }

    private Exception Exhausted(long bytes) => _owner.HeapTrap(
        TrapCode.AllocationTooLarge,
        $"the guest's objects take {UsedBytes} bytes, and {DescribeLimit()}: there is no room for {bytes} more");

    /// <summary>Says how much objects may take, and what to change for more.</summary>
    public string DescribeLimit()
    {
        if (_owner.AsksForHeap && _granted < MaximumBytes)
            return $"the store's limiter (StoreLimits.Limiter) has allowed {_granted}";
        return _owner.MaximumHeapBytes < _maximumBytes
            ? $"{_owner.MaximumHeapBytes} are the limit of the store (StoreLimits.MaximumHeapBytes)"
            : $"{_maximumBytes} are the limit of a heap (EngineOptions.MaximumHeapBytes)";
    }
}

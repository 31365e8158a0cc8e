// Puts a parallel move into a sequence. Moves whose target nobody still reads go first; what remains is cycles, which are broken by
// exchanging integer registers or by way of the scratch vector register. Linear in the number of moves. No move touches the flags.
// Invariant: each target occurs once. (A source may occur often.)
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Sequencer of parallel moves.</summary>
internal sealed class ParallelMove
{
    private GrowableArray<Entry> _entries = new(64);
    private GrowableArray<int> _ready = new(64);

    // By location: the entry that writes it, and how many unfinished entries read it. Registers first, then slots.
    private int[] _writer = new int[128];
    private int[] _readers = new int[128];

    private struct Entry
    {
        public Location From;
        public Location To;
        public VReg VirtualRegister;
        public bool Done;
    }

    /// <summary>Adds a move to the group.</summary>
    public void Add(Location from, Location to, VReg virtualRegister)
    {
        for (var size = 64 + Math.Max(from.IsSlot ? from.Payload : 0, to.IsSlot ? to.Payload : 0); size >= _writer.Length;)
        {
            Array.Resize(ref _writer, 2 * _writer.Length);
            Array.Resize(ref _readers, _writer.Length);
        }

        _entries.Add(new Entry { From = from, To = to, VirtualRegister = virtualRegister });
    }

    private static int Key(Location location) => location.IsRegister ? location.Value : 64 + location.Payload;

    /// <summary>Appends the group, in sequence, to the moves before an instruction, and forgets it.</summary>
    public void Resolve(int instruction, int scratch, ref GrowableArray<AllocatedMove> moves)
    {
        var count = _entries.Count;
        if (count == 0)
        {
            return;
        }

        if (count == 1)
        {
            ref var only = ref _entries[0];
            Emit(ref moves, instruction, scratch, only.From, only.To, only.VirtualRegister, scratchBusy: false);
            _entries.Clear();
            return;
        }

        for (var e = 0; e < count; e++)
        {
            ref var entry = ref _entries[e];
            _writer[Key(entry.To)] = e + 1;
            if (!entry.From.IsRematerialised)
            {
                _readers[Key(entry.From)]++;
            }
        }

        _ready.Clear();
        for (var e = count - 1; e >= 0; e--)
        {
            if (_readers[Key(_entries[e].To)] == 0)
            {
                _ready.Add(e);
            }
        }

        while (_ready.Count > 0)
        {
            var e = _ready.Pop();
            ref var entry = ref _entries[e];
            entry.Done = true;
            Emit(ref moves, instruction, scratch, entry.From, entry.To, entry.VirtualRegister, scratchBusy: false);
            Release(entry.From);
        }

        for (var e = 0; e < count; e++)
        {
            if (!_entries[e].Done)
            {
                BreakCycle(e, instruction, scratch, ref moves);
            }
        }

        for (var e = 0; e < count; e++)
        {
            ref var entry = ref _entries[e];
            _writer[Key(entry.To)] = 0;
            if (!entry.From.IsRematerialised)
            {
                _readers[Key(entry.From)] = 0;
            }
        }

        _entries.Clear();
    }

    private void Release(Location source)
    {
        if (source.IsRematerialised)
        {
            return;
        }

        var key = Key(source);
        if (--_readers[key] == 0 && _writer[key] != 0 && !_entries[_writer[key] - 1].Done)
        {
            _ready.Add(_writer[key] - 1);
        }
    }

    // The entry's source is the target of another entry of the cycle, and so on round.
    private void BreakCycle(int first, int instruction, int scratch, ref GrowableArray<AllocatedMove> moves)
    {
        var exchangeable = true;
        for (var e = first; ;)
        {
            ref var entry = ref _entries[e];
            entry.Done = true;
            exchangeable &= entry.To.IsRegister && entry.To.Value < RegisterFile.FirstVector;
            e = _writer[Key(entry.From)] - 1;
            if (e == first)
            {
                break;
            }
        }

        if (exchangeable)
        {
            // To ↔ From puts this target right and leaves the old target in From, which is the target of the next entry.
            for (var e = first; ;)
            {
                ref var entry = ref _entries[e];
                var next = _writer[Key(entry.From)] - 1;
                if (next == first)
                {
                    return;
                }

                moves.Add(new AllocatedMove
                {
                    Instruction = instruction,
                    From = entry.From,
                    To = entry.To,
                    VirtualRegister = entry.VirtualRegister,
                    Kind = MoveKind.Exchange,
                });
                e = next;
            }
        }

        // Save the first target, go round, and end with the entry that reads it.
        var held = Location.Register(scratch);
        var heldTarget = _entries[first].To;
        var holder = first;
        for (var e = first; ;)
        {
            var next = _writer[Key(_entries[e].From)] - 1;
            holder = e;
            if (next == first)
            {
                break;
            }

            e = next;
        }

        moves.Add(new AllocatedMove { Instruction = instruction, From = heldTarget, To = held, VirtualRegister = _entries[holder].VirtualRegister });
        for (var e = first; e != holder; e = _writer[Key(_entries[e].From)] - 1)
        {
            ref var entry = ref _entries[e];
            Emit(ref moves, instruction, scratch, entry.From, entry.To, entry.VirtualRegister, scratchBusy: true);
        }

        moves.Add(new AllocatedMove { Instruction = instruction, From = held, To = _entries[holder].To, VirtualRegister = _entries[holder].VirtualRegister });
    }

    private static void Emit(ref GrowableArray<AllocatedMove> moves, int instruction, int scratch, Location from, Location to, VReg v, bool scratchBusy)
    {
        if (!to.IsSlot || !from.IsSlot)
        {
            moves.Add(new AllocatedMove { Instruction = instruction, From = from, To = to, VirtualRegister = v });
        }
        else if (scratchBusy)
        {
            moves.Add(new AllocatedMove { Instruction = instruction, From = from, To = to, VirtualRegister = v, Kind = MoveKind.SlotToSlot });
        }
        else
        {
            var through = Location.Register(scratch);
            moves.Add(new AllocatedMove { Instruction = instruction, From = from, To = through, VirtualRegister = v });
            moves.Add(new AllocatedMove { Instruction = instruction, From = through, To = to, VirtualRegister = v });
        }
    }
}

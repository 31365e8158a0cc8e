// Verifies an allocation without trusting anything the allocator thinks: a forward data flow over what each location holds. The state is a set of
// pairs (location, virtual register); moves copy it, clobbers and writes erase it, edges rename arguments to parameters, joins intersect.
// An operand is right if its location holds its virtual register. A value of an earlier loop iteration cannot pass for a new one, since
// it is not in the state that enters the loop. What nobody reads any more is forgotten at the end of a block: that cannot hide a fault, and without it the state
// of a large function grows with the square of its size. Runs in debug builds, tests and fuzzing; may allocate.
using System.Numerics;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>An allocation is wrong.</summary>
internal sealed class AllocationException(string message) : Exception(message);

/// <summary>Symbolic checker of allocations.</summary>
internal sealed class AllocationChecker(RegisterFile file)
{
    private readonly RegisterFile _file = file;
    private MachineFunction _function = null!;
    private Allocation _allocation = null!;
    private MachineLiveness _liveness = null!;
    private List<long>?[] _entry = [];
    private List<long> _state = [];
    private List<long>? _thrown;
    private int _throwingCall = -1;
    private int[] _moveStart = [];
    private MachineFlags[] _repeatable = [];

    /// <summary>Throws <see cref="AllocationException"/> if the allocation does not do what the function says.</summary>
    public void Check(MachineFunction function, Allocation allocation)
    {
        _function = function;
        _allocation = allocation;
        var count = function.Blocks.Count;
        _entry = new List<long>?[count];
        _entry[0] = [];
        _liveness = MachineLiveness.Compute(function);
        CollectRepeatable();
        _moveStart = new int[function.Instructions.Count + 1];
        var cursor = 0;
        for (var i = 0; i <= function.Instructions.Count; i++)
        {
            _moveStart[i] = cursor;
            while (cursor < allocation.Moves.Count && allocation.Moves[cursor].Instruction == i)
            {
                cursor++;
            }
        }

        if (cursor != allocation.Moves.Count)
        {
            throw new AllocationException("Moves are not in the order of instructions.");
        }

        var pending = new SortedSet<int> { 0 };
        while (pending.Count > 0)
        {
            var b = pending.Min;
            pending.Remove(b);
            _state = [.. _entry[b]!];
            ref var block = ref function.Blocks[b];
            _throwingCall = function.ThrowingCall(block);
            _thrown = null;
            for (var i = block.First; i < block.End; i++)
            {
                ApplyMoves(i, b);
                ApplyInstruction(i, i == block.First && b != 0);
            }

            for (var s = 0; s < block.SuccessorCount; s++)
            {
                var target = function.Edges[block.SuccessorStart + s].To;
                if (s == 1 && _thrown is not null)
                {
                    _state = _thrown;
                }

                var state = Rename(block.SuccessorStart + s);
                var known = _entry[target];
                if (known is null)
                {
                    _entry[target] = state;
                    pending.Add(target);
                }
                else if (Intersect(known, state))
                {
                    pending.Add(target);
                }
            }
        }
    }

    private void CollectRepeatable()
    {
        _repeatable = new MachineFlags[_function.Types.Count];
        foreach (ref var instruction in _function.Instructions.Span)
        {
            if ((instruction.Flags & MachineFlags.Rematerialisable) != 0)
            {
                _repeatable[_function.Operands[instruction.OperandStart].VirtualRegister] = instruction.Flags;
            }
        }
    }

    private bool IsWide(VReg v) => _function.Types[v] == MachineType.V128;

    private static long Pair(Location location, VReg v) => ((long)location.Value << 32) | (uint)v.Index;

    private bool Holds(Location location, VReg v) => _state.BinarySearch(Pair(location, v)) >= 0;

    // Erases what a write to a location overwrites, which of slots depends on the sizes of what is written and of what is there.
    private void Erase(Location location, bool wide = false)
    {
        EraseAt(location, onlyWide: false);
        if (!location.IsSlot)
        {
            return;
        }

        if (location.Payload > 0)
        {
            EraseAt(Location.Slot(location.Payload - 1), onlyWide: true);
        }

        if (wide)
        {
            EraseAt(Location.Slot(location.Payload + 1), onlyWide: false);
        }
    }

    private void EraseAt(Location location, bool onlyWide)
    {
        var from = _state.BinarySearch(Pair(location, new VReg(0)));
        from = from < 0 ? ~from : from;
        var to = from;
        while (to < _state.Count && (int)(_state[to] >> 32) == location.Value && (!onlyWide || IsWide(new VReg((int)_state[to]))))
        {
            to++;
        }

        if (onlyWide && to < _state.Count && (int)(_state[to] >> 32) == location.Value)
        {
            _state.RemoveAll(pair => (int)(pair >> 32) == location.Value && IsWide(new VReg((int)pair)));
            return;
        }

        _state.RemoveRange(from, to - from);
    }

    private void Put(Location location, VReg v)
    {
        var at = _state.BinarySearch(Pair(location, v));
        if (at < 0)
        {
            _state.Insert(~at, Pair(location, v));
        }
    }

    private List<VReg> Contents(Location location)
    {
        var found = new List<VReg>();
        var at = _state.BinarySearch(Pair(location, new VReg(0)));
        for (at = at < 0 ? ~at : at; at < _state.Count && (int)(_state[at] >> 32) == location.Value; at++)
        {
            found.Add(new VReg((int)_state[at]));
        }

        return found;
    }

    private void ApplyMoves(int i, int b)
    {
        for (var m = _moveStart[i]; m < _moveStart[i + 1]; m++)
        {
            ref var move = ref _allocation.Moves[m];
            if (move.From.IsSlot && move.To.IsSlot && move.Kind != MoveKind.SlotToSlot)
            {
                throw new AllocationException($"A move before instruction {i} goes from {move.From} to {move.To}.");
            }

            if (move.Kind == MoveKind.Exchange)
            {
                if (!IsIntegerRegister(move.From) || !IsIntegerRegister(move.To))
                {
                    throw new AllocationException($"An exchange before instruction {i} is of {move.From} and {move.To}.");
                }

                CheckSaved(move.From, i);
                CheckSaved(move.To, i);
                var a = Contents(move.From);
                var c = Contents(move.To);
                Replace(move.From, c);
                Replace(move.To, a);
                continue;
            }

            CheckPlace(move.To, move.VirtualRegister, i, allowScratch: true);
            if (move.From.IsRematerialised)
            {
                if (move.From.Payload != move.VirtualRegister)
                {
                    throw new AllocationException($"A move before instruction {i} makes {move.From.VirtualRegister} as {move.VirtualRegister}.");
                }

                Replace(move.To, Repeat(move.From.VirtualRegister, i, b), IsWide(move.From.VirtualRegister));
                continue;
            }

            var held = Contents(move.From);
            DropCutOff(held, move);
            Replace(move.To, held, IsWide(move.VirtualRegister));
        }
    }

    private static bool IsIntegerRegister(Location location) => location.IsRegister && location.Value < RegisterFile.FirstVector;

    // What a repeated definition is: its virtual register and, on the edge into a block, what that is renamed to.
    private List<VReg> Repeat(VReg v, int i, int b)
    {
        if (_repeatable[v] == 0)
        {
            throw new AllocationException($"{v}, wanted before instruction {i}, cannot be made anew.");
        }

        var held = new List<VReg> { v };
        ref var block = ref _function.Blocks[b];
        if (i == block.First + 1 && block.PredecessorCount == 1)
        {
            ref var edge = ref _function.Edges[_function.Predecessors[block.PredecessorStart]];
            ref var label = ref _function.Instructions[block.First];
            for (var k = 0; k < edge.ArgumentCount; k++)
            {
                if (_function.Arguments[edge.ArgumentStart + k] == v)
                {
                    held.Add(_function.Operands[label.OperandStart + k].VirtualRegister);
                }
            }
        }

        return held;
    }

    // A move by a smaller type loses the rest. Integers: one of 32 bits is zero-extended, so if the place holds such a one, the move of it
    // keeps everything else that is the same. Between registers only integers and vectors that stand for integers are cut.
    private void DropCutOff(List<VReg> held, in AllocatedMove move)
    {
        var type = _function.Types[move.VirtualRegister];
        if (!RegisterFile.IsVector(type))
        {
            if (type == MachineType.I32 && !held.Exists(v => _function.Types[v] == MachineType.I32))
            {
                held.Clear();
            }

            return;
        }

        held.RemoveAll(v => _function.Types[v] > type);
    }

    // A register that the caller relies on must be among those that are saved.
    private void CheckSaved(Location location, int i)
    {
        if (location.IsRegister && (_file.CalleeSaved & ~_allocation.UsedRegisters & (1UL << location.Value)) != 0)
        {
            throw new AllocationException($"Instruction {i} or a move before it writes {location}, which is not saved.");
        }
    }

    private void Replace(Location location, List<VReg> contents, bool wide = false)
    {
        Erase(location, wide);
        foreach (var v in contents)
        {
            Put(location, v);
        }
    }

    private void CheckPlace(Location location, VReg v, int i, bool allowScratch = false)
    {
        CheckSaved(location, i);
        if (location.IsSlot)
        {
            var size = _function.Types[v] == MachineType.V128 ? 2 : 1;
            if (location.Payload + size > _allocation.SlotCount)
            {
                throw new AllocationException($"{v} at instruction {i} is in {location}, beyond the {_allocation.SlotCount} slots.");
            }
        }
        else if (location.IsRegister)
        {
            if (allowScratch && location.Value == _file.Scratch)
            {
                return;
            }

            if ((location.Value >= RegisterFile.FirstVector) != RegisterFile.IsVector(_function.Types[v]))
            {
                throw new AllocationException($"{v} at instruction {i} is in {location}, of the wrong class.");
            }
        }
    }

    private void ApplyInstruction(int i, bool isLabel)
    {
        ref var instruction = ref _function.Instructions[i];
        var operands = _function.OperandsOf(instruction);
        if (isLabel)
        {
            return;
        }

        var locations = _allocation.Locations.Span.Slice(instruction.OperandStart, operands.Length);
        var clobbers = _file.ClobberSets[instruction.Clobbers];
        if ((instruction.Flags & MachineFlags.Call) != 0)
        {
            clobbers |= _file.CallClobbers;
        }

        for (var k = 0; k < operands.Length; k++)
        {
            CheckOperand(i, instruction.Flags, operands, locations, k, clobbers);
        }

        if (_function.HasManagedReferences && MachineOpcode.IsSafepoint(instruction))
        {
            ApplySafepoint(i, preservesRegisters: _file.KeepsReferences || (instruction.Flags & MachineFlags.Call) == 0);
        }

        for (var set = clobbers; set != 0; set &= set - 1)
        {
            Erase(Location.Register(BitOperations.TrailingZeroCount(set)));
        }

        for (var k = 0; k < operands.Length; k++)
        {
            if (operands[k].IsDefinition && !locations[k].IsNone)
            {
                Erase(locations[k], IsWide(operands[k].VirtualRegister));
            }
        }

        if (i == _throwingCall)
        {
            // Neither results nor what is moved after the call are there for a handler.
            _thrown = [.. _state];
        }

        for (var k = 0; k < operands.Length; k++)
        {
            if (operands[k].IsDefinition && operands[k].Kind != OperandKind.Temp && !locations[k].IsNone)
            {
                Put(locations[k], operands[k].VirtualRegister);
            }
        }
    }

    // Objects move: a reference is good afterwards only where the safepoint named it, and what it names has to be one.
    private void ApplySafepoint(int i, bool preservesRegisters)
    {
        HashSet<Location> named = [];
        foreach (ref var safepoint in _allocation.Safepoints.Span)
        {
            if (safepoint.Instruction == i)
            {
                foreach (var location in _allocation.References.Span.Slice(safepoint.Start, safepoint.Count))
                {
                    named.Add(location);
                    if ((location.IsRegister && !preservesRegisters) || !Contents(location).Exists(v => _function.Types[v] == MachineType.Managed))
                    {
                        throw new AllocationException($"Safepoint {i} names {location}, which holds no reference.");
                    }
                }
            }
        }

        _state.RemoveAll(pair => _function.Types[(int)pair] == MachineType.Managed && !named.Contains(new Location((int)(pair >> 32))));
    }

    private void CheckOperand(int i, MachineFlags flags, Span<MachineOperand> operands, Span<Location> locations, int k, ulong clobbers)
    {
        ref var operand = ref operands[k];
        var at = locations[k];
        var v = operand.VirtualRegister;
        if (!operand.IsDefinition)
        {
            var held = at.IsRematerialised ? at.Payload == v && (_repeatable[v] & MachineFlags.MemoryResident) != 0 : Holds(at, v);
            if (!held)
            {
                throw new AllocationException(
                    $"Instruction {i} reads {v} (operand {k}) from {at}, which holds {string.Join(", ", Contents(at))}.");
            }
        }

        if (at.IsNone)
        {
            if ((flags & MachineFlags.Rematerialisable) == 0)
            {
                throw new AllocationException($"Instruction {i} defines {v} nowhere.");
            }

            return;
        }

        CheckPlace(at, v, i);
        if (operand.Kind == OperandKind.UseAny ? at.IsNone : !at.IsRegister)
        {
            throw new AllocationException($"Instruction {i} has {v} (operand {k}, {operand.Kind}) in {at}.");
        }

        if (operand.Kind is OperandKind.UseFixed or OperandKind.DefFixed && at.Value != operand.Register)
        {
            throw new AllocationException($"Instruction {i} requires {v} in r{operand.Register}, not {at}.");
        }

        if (at.IsRegister && operand.Kind is not (OperandKind.UseFixed or OperandKind.DefFixed))
        {
            var order = RegisterFile.IsVector(_function.Types[v]) ? _file.VectorOrder : _file.IntegerOrder;
            if (!order.AsSpan().Contains((byte)at.Value))
            {
                throw new AllocationException($"Instruction {i} has {v} in {at}, which is not to be allocated.");
            }

            if ((clobbers >> at.Value & 1) != 0)
            {
                throw new AllocationException($"Instruction {i} has {v} in {at}, which it clobbers.");
            }
        }

        for (var other = 0; other < k; other++)
        {
            if (at.IsRegister && locations[other] == at && MayNotShare(operands[other], operand))
            {
                throw new AllocationException(
                    $"Instruction {i} has {operands[other].VirtualRegister} ({operands[other].Kind}) and {v} ({operand.Kind}) both in {at}.");
            }
        }
    }

    private static bool MayNotShare(in MachineOperand a, in MachineOperand b)
    {
        if (a.IsDefinition && b.IsDefinition)
        {
            return true;
        }

        if (a.IsDefinition == b.IsDefinition)
        {
            return a.VirtualRegister != b.VirtualRegister;
        }

        var definition = a.IsDefinition ? a : b;
        var use = a.IsDefinition ? b : a;
        return (definition.Kind, use.Kind) switch
        {
            (OperandKind.DefTied, OperandKind.UseTied) => false,
            (OperandKind.DefTied or OperandKind.DefEarly or OperandKind.Temp, _) => true,
            (_, OperandKind.UseLate) => true,
            _ => false,
        };
    }

    // The state on the far side of an edge.
    private List<long> Rename(int edgeIndex)
    {
        ref var edge = ref _function.Edges[edgeIndex];
        if (edge.ArgumentCount == 0)
        {
            var kept = new List<long>(_state.Count);
            foreach (var pair in _state)
            {
                if (_liveness.IsAliveAtStart(edge.To, new VReg((int)pair)))
                {
                    kept.Add(pair);
                }
            }

            return kept;
        }

        ref var label = ref _function.Instructions[_function.Blocks[edge.To].First];
        var byArgument = new Dictionary<VReg, List<VReg>>();
        var parameters = new HashSet<VReg>();
        for (var k = 0; k < edge.ArgumentCount; k++)
        {
            var parameter = _function.Operands[label.OperandStart + k].VirtualRegister;
            parameters.Add(parameter);
            var argument = _function.Arguments[edge.ArgumentStart + k];
            if (!byArgument.TryGetValue(argument, out var list))
            {
                byArgument[argument] = list = [];
            }

            list.Add(parameter);
        }

        var result = new List<long>(_state.Count + edge.ArgumentCount);
        foreach (var pair in _state)
        {
            var v = new VReg((int)pair);
            if (!parameters.Contains(v) && _liveness.IsAliveAtStart(edge.To, v))
            {
                result.Add(pair);
            }

            if (byArgument.TryGetValue(v, out var list))
            {
                foreach (var parameter in list)
                {
                    result.Add((pair & ~0xFFFFFFFFL) | (uint)parameter.Index);
                }
            }
        }

        result.Sort();
        return result;
    }

    // Intersects in place; whether anything went.
    private static bool Intersect(List<long> known, List<long> other)
    {
        var kept = 0;
        var j = 0;
        for (var i = 0; i < known.Count; i++)
        {
            while (j < other.Count && other[j] < known[i])
            {
                j++;
            }

            if (j < other.Count && other[j] == known[i])
            {
                known[kept++] = known[i];
            }
        }

        var changed = kept != known.Count;
        known.RemoveRange(kept, known.Count - kept);
        return changed;
    }
}

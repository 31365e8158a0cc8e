// Runs an allocated function with symbols for values along a random path, and beside it the function as it was before allocation. It shares
// nothing with the checker: the checker proves all paths, this one tries some, and where this one sees a wrong value the checker must object.
//
// Every definition makes a fresh symbol, two for the halves of a vector. Registers hold two symbols, slots one. What is clobbered, never
// written or cut off by too narrow a move is junk.
using System.Numerics;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Tests.Allocate;

/// <summary>Concrete execution of an allocation.</summary>
internal sealed class AllocationSimulator(MachineFunction function, Allocation allocation, RegisterFile file)
{
    private readonly (long Low, long High)[] _registers = new (long, long)[64];
    private readonly Dictionary<int, long> _slots = [];
    private readonly Dictionary<int, (long Low, long High)> _values = [];
    private readonly HashSet<int> _written = [];
    private long _next;
    private int _move;

    /// <summary>What went wrong on a path of at most so many blocks, or null.</summary>
    public string? Run(Random random, int blocks)
    {
        Array.Clear(_registers);
        _slots.Clear();
        _values.Clear();
        _next = 1000;
        var b = 0;
        while (blocks-- > 0)
        {
            ref var block = ref function.Blocks[b];
            _move = 0;
            while (_move < allocation.Moves.Count && allocation.Moves[_move].Instruction < block.First)
            {
                _move++;
            }

            // The edge to a handler is taken where the call returns.
            var call = function.ThrowingCall(block);
            var end = call >= 0 && random.Next(2) == 0 ? call + 1 : block.End;
            for (var i = block.First; i < end; i++)
            {
                while (_move < allocation.Moves.Count && allocation.Moves[_move].Instruction == i)
                {
                    Move(allocation.Moves[_move++]);
                }

                if ((i != block.First || b == 0) && Execute(i) is { } error)
                {
                    return error;
                }
            }

            if (block.SuccessorCount == 0)
            {
                return null;
            }

            ref var edge = ref function.Edges[block.SuccessorStart + (call < 0 ? random.Next(block.SuccessorCount) : end == block.End ? 0 : 1)];
            var passed = function.ArgumentsOf(edge).ToArray().Select(v => _values[v]).ToArray();
            ref var label = ref function.Instructions[function.Blocks[edge.To].First];
            for (var k = 0; k < passed.Length; k++)
            {
                _values[function.Operands[label.OperandStart + k].VirtualRegister] = passed[k];
            }

            b = edge.To;
        }

        return null;
    }

    private bool IsWide(VReg v) => function.Types[v] == MachineType.V128;

    private (long Low, long High) Fresh(VReg v) => (++_next, IsWide(v) ? ++_next : 0);

    // Rematerialised values are the same each time.
    private (long Low, long High) Constant(VReg v) => (-2 * v - 10, IsWide(v) ? -2 * v - 11 : 0);

    private long Junk() => --_next - long.MaxValue / 2;

    private (long Low, long High) Read(Location at, bool wide)
    {
        if (at.IsRegister)
        {
            return (_registers[at.Value].Low, wide ? _registers[at.Value].High : 0);
        }

        if (at.IsRematerialised)
        {
            return Constant(new VReg(at.Payload));
        }

        return (_slots.GetValueOrDefault(at.Payload), wide ? _slots.GetValueOrDefault(at.Payload + 1) : 0);
    }

    private void Write(Location at, (long Low, long High) value, bool wide)
    {
        if (at.IsRegister)
        {
            _registers[at.Value] = wide ? value : (value.Low, Junk());
            return;
        }

        _slots[at.Payload] = value.Low;
        if (wide)
        {
            _slots[at.Payload + 1] = value.High;
        }
    }

    private void Move(in AllocatedMove move)
    {
        var wide = IsWide(move.VirtualRegister);
        if (move.Kind == MoveKind.Exchange)
        {
            (_registers[move.From.Value], _registers[move.To.Value]) = (_registers[move.To.Value], _registers[move.From.Value]);
        }
        else
        {
            Write(move.To, Read(move.From, wide), wide);
        }
    }

    private string? Execute(int i)
    {
        ref var instruction = ref function.Instructions[i];
        var operands = function.OperandsOf(instruction);
        var locations = allocation.Locations.Span.Slice(instruction.OperandStart, operands.Length);
        for (var k = 0; k < operands.Length; k++)
        {
            var v = operands[k].VirtualRegister;
            if (!operands[k].IsDefinition && !locations[k].IsNone && Read(locations[k], IsWide(v)) != _values[v])
            {
                return $"instruction {i} reads {v} wrongly from {locations[k]}";
            }
        }

        // Early definitions are written while late uses are still to be read.
        var clobbers = file.ClobberSets[instruction.Clobbers] | ((instruction.Flags & MachineFlags.Call) != 0 ? file.CallClobbers : 0);
        for (; clobbers != 0; clobbers &= clobbers - 1)
        {
            _registers[BitOperations.TrailingZeroCount(clobbers)] = (Junk(), Junk());
        }

        _written.Clear();
        for (var k = 0; k < operands.Length; k++)
        {
            ref var operand = ref operands[k];
            if (!operand.IsDefinition)
            {
                continue;
            }

            var v = operand.VirtualRegister;
            if (operand.Kind != OperandKind.Temp)
            {
                _values[v] = (instruction.Flags & MachineFlags.Rematerialisable) != 0 ? Constant(v) : Fresh(v);
            }

            if (locations[k].IsNone)
            {
                continue;
            }

            if (!_written.Add(locations[k].Value))
            {
                return $"instruction {i} defines two values in {locations[k]}";
            }

            Write(locations[k], operand.Kind == OperandKind.Temp ? (Junk(), Junk()) : _values[v], wide: IsWide(v));
        }

        return null;
    }
}

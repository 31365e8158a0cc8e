// Spoils an allocation in one place: what a faulty allocator might do.
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Tests.Allocate;

/// <summary>Random mistakes.</summary>
internal static class AllocationMutation
{
    /// <summary>Makes one mistake and says what it was; null if chance found nothing to spoil.</summary>
    public static string? Apply(Random random, MachineFunction function, Allocation allocation, RegisterFile file)
    {
        var kind = random.Next(10);
        if (kind < 4)
        {
            return SpoilOperand(random, function, allocation, file);
        }

        if (allocation.Moves.Count == 0)
        {
            return null;
        }

        var m = random.Next(allocation.Moves.Count);
        ref var move = ref allocation.Moves[m];
        switch (kind)
        {
            case 4 or 5:
                var text = $"dropped {move.To} <- {move.From} before {move.Instruction}";
                var moves = allocation.Moves.Span;
                moves[(m + 1)..].CopyTo(moves[m..]);
                allocation.Moves.Truncate(moves.Length - 1);
                return text;
            case 6 when m > 0 && allocation.Moves[m - 1].Instruction == move.Instruction:
                (allocation.Moves[m - 1], allocation.Moves[m]) = (allocation.Moves[m], allocation.Moves[m - 1]);
                return $"changed the order of moves before {move.Instruction}";
            case 7 when !move.From.IsRematerialised && move.Kind != MoveKind.Exchange:
                move.From = Other(random, move.From, allocation, file);
                return $"moved {move.From} to {move.To} before {move.Instruction}";
            case 8 when move.Kind != MoveKind.Exchange:
                move.To = Other(random, move.To, allocation, file);
                return $"moved {move.From} to {move.To} before {move.Instruction}";
            case 9 when move.Kind == MoveKind.Exchange:
                move.Kind = MoveKind.Move;
                return $"moved instead of exchanged before {move.Instruction}";
            case 9:
                // Another type: a vector cut to half, or a slot written over its end.
                var v = new VReg(random.Next(function.Types.Count));
                if (RegisterFile.IsVector(function.Types[v]) != RegisterFile.IsVector(function.Types[move.VirtualRegister]))
                {
                    return null;
                }

                move.VirtualRegister = v;
                return $"moved {move.To} <- {move.From} before {move.Instruction} as {function.Types[v]}";
            default:
                return null;
        }
    }

    private static string? SpoilOperand(Random random, MachineFunction function, Allocation allocation, RegisterFile file)
    {
        if (function.Operands.Count == 0)
        {
            return null;
        }

        var k = random.Next(function.Operands.Count);
        ref var at = ref allocation.Locations.Span[k];
        if (at.IsNone || at.IsRematerialised)
        {
            return null;
        }

        var old = at;
        at = Other(random, at, allocation, file);
        return $"operand {k} ({function.Operands[k].VirtualRegister}, {function.Operands[k].Kind}) in {at} instead of {old}";
    }

    private static Location Other(Random random, Location at, Allocation allocation, RegisterFile file)
    {
        if (at.IsSlot)
        {
            return Location.Slot(random.Next(allocation.SlotCount));
        }

        var order = at.Value >= RegisterFile.FirstVector ? file.VectorOrder : file.IntegerOrder;
        return Location.Register(order[random.Next(order.Length)]);
    }
}

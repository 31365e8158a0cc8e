// Adds one number to all lanes of a vector at once where each lane is taken out to have it added:
//
//   a = lane 0 of v + p; b = lane 1 of v + p; …      becomes      w = v + (p in each lane); a = lane 0 of w; b = lane 1 of w; …
//
// That is what compilers make of loads from addresses that a vector holds, which WebAssembly has no instruction for. The number must come from another block: in a loop, its copy to all lanes is then
// mostly made before it. Additions of 32 bits wrap alike in a lane and alone.
//
// Runs before code moves out of loops, on functions that take lanes out of vectors.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Sums of lanes. Reused.</summary>
internal sealed class LaneSums
{
    private struct Group
    {
        public Value Vector;
        public Value Number;
        public int Count;
        public Value Sum;
    }

    private struct Member
    {
        public Value Addition;
        public Value Lane;
        public int Group;
    }

    // Fewer are not worth the addition and the copy.
    private const int LeastLanes = 3;

    // How many groups are looked at for the one that an addition belongs to.
    private const int MaximumSteps = 16;

    private GrowableArray<int> _uses = new(1024);
    private GrowableArray<Group> _groups = new(16);
    private GrowableArray<Member> _members = new(64);
    private GrowableArray<(Value Number, Value Splat)> _splats = new(8);

    /// <summary>Runs over a function without aliases whose order has been computed.</summary>
    public void Run(IrFunction function)
    {
        if (!function.TakesLanes)
        {
            return;
        }

        _uses.Fill(function.Instructions.Count, 0);
        foreach (var block in function.Order.Span)
        {
            for (var i = function.Blocks[block].First; !i.IsNone; i = function.Links[i].Next)
            {
                function.CountOperands(i, _uses.Span);
            }

            function.CountArguments(block, _uses.Span);
        }

        foreach (var block in function.Order.Span)
        {
            Gather(function, block);
            Rewrite(function);
        }
    }

    private void Gather(IrFunction function, Block block)
    {
        _groups.Clear();
        _members.Clear();
        _splats.Clear();
        for (var i = function.Blocks[block].First; !i.IsNone; i = function.Links[i].Next)
        {
            ref var addition = ref function.Get(i);
            if (addition.Opcode != IrOpcode.Add || addition.Type != IrType.I32)
            {
                continue;
            }

            if (IsLane(function, addition.ValueA) && function.Links[addition.B].Block != block)
            {
                Add(function, i, addition.ValueA, addition.ValueB);
            }
            else if (IsLane(function, addition.ValueB) && function.Links[addition.A].Block != block)
            {
                Add(function, i, addition.ValueB, addition.ValueA);
            }
        }
    }

    private bool IsLane(IrFunction function, Value value)
    {
        ref var i = ref function.Get(value);
        return i.Opcode == IrOpcode.VectorExtract && i.Shape == VectorShape.I32x4 && _uses[value] == 1;
    }

    private void Add(IrFunction function, Value addition, Value lane, Value number)
    {
        var vector = function.Get(lane).ValueA;
        var group = _groups.Count - 1;
        for (var steps = MaximumSteps; group >= 0 && steps > 0 && (_groups[group].Vector != vector || _groups[group].Number != number); steps--)
        {
            group--;
        }

        if (group < 0 || _groups[group].Vector != vector || _groups[group].Number != number)
        {
            group = _groups.Add(new Group { Vector = vector, Number = number, Sum = Value.None });
        }

        _groups[group].Count++;
        _members.Add(new Member { Addition = addition, Lane = lane, Group = group });
    }

    private void Rewrite(IrFunction function)
    {
        foreach (ref var member in _members.Span)
        {
            ref var group = ref _groups[member.Group];
            if (group.Count < LeastLanes)
            {
                continue;
            }

            if (group.Sum.IsNone)
            {
                function.CurrentWasmOffset = function.Links[member.Addition].WasmOffset;
                group.Sum = function.NewInstruction(IrOpcode.VectorAdd, IrType.V128, group.Vector, SplatOf(function, group.Number, member.Addition), aux: (byte)VectorShape.I32x4);
                function.LinkBefore(member.Addition, group.Sum);
            }

            ref var lane = ref function.Get(member.Lane);
            ref var addition = ref function.Get(member.Addition);
            addition = addition with { Opcode = IrOpcode.VectorExtract, Aux = lane.Aux, A = group.Sum, B = lane.B, C = lane.C, D = lane.D };
            function.Remove(member.Lane);
        }
    }

    // Members come in the order of the block, so a copy that an earlier one has made is there already.
    private Value SplatOf(IrFunction function, Value number, Value before)
    {
        foreach (ref var known in _splats.Span)
        {
            if (known.Number == number)
            {
                return known.Splat;
            }
        }

        var splat = function.NewInstruction(IrOpcode.VectorSplat, IrType.V128, number, aux: (byte)VectorShape.I32x4);
        function.LinkBefore(before, splat);
        _splats.Add((number, splat));
        return splat;
    }
}

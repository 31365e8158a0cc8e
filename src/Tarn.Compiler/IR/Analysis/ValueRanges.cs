// Upper bounds of integers, taken as unsigned: what tells that a sum or a shift of 32 bits does not wrap, so that an address may hold it. They follow from
// masks, shifts and the widths of loads, and from loops: a counter that starts at a known value, is stepped upwards and compared before each further round
// stays within what it is compared with.
//
// Isolation hangs on this file: guarded memories have no other check, so an address that is folded although its sum wraps is somewhere the guest must not be.
// Invariant: a bound holds for every value that the SSA value ever takes, wherever it is used. The argument, for a parameter of a loop's header:
//  - between two visits of the header it changes on one back edge alone, by a constant step upwards (ComputeBound gives up otherwise), so what is compared there, before
//    that edge is taken, bounds every value but the starts. Comparing after the step stands wrapping: whatever next is, it passed the comparison. Comparing before it
//    does not, so there the step is added, and a sum that may wrap is no bound. Equality is passed by only where the steps meet the limit exactly; signed
//    comparisons count only among numbers that no step makes negative.
//  - what moves beside a counter takes as many steps as it does. A bound on the counter's values bounds its steps only if none of them wraps: else it could go round
//    for ever below its limit.
// Lowering keeps what is folded into an access that may fault within the guard, so that a sum that is wrong all the same is stopped there; scaling is not.
//
// The builder asks while the function is made, when predecessors are not known: parameters then have no bound but their type's. Whoever asks afterwards has had the order computed.
using System.Numerics;
using Tarn.Assembler;

namespace Tarn.Compiler.IR.Analysis;

/// <summary>Upper bounds and known low bits of integers. Reused from function to function.</summary>
internal sealed class ValueRanges
{
    /// <summary>How many instructions deep to look while building, where each value is asked for anew.</summary>
    public const int BuildingDepth = 4;

    /// <summary>How many instructions deep to look afterwards.</summary>
    public const int Depth = 5;

    private enum BoundState : byte
    {
        Unknown,
        Computing,
        Known,
    }

    private GrowableArray<ulong> _bounds = new(1024);
    private GrowableArray<BoundState> _boundStates = new(1024);
    private IrFunction _ir = null!;
    private bool _followsParameters;

    /// <summary>Starts with a function that is being built.</summary>
    public void Build(IrFunction function)
    {
        _ir = function;
        _followsParameters = false;
    }

    /// <summary>Starts with a function whose order has been computed and whose values stay as they are.</summary>
    public void Prepare(IrFunction function)
    {
        _ir = function;
        _followsParameters = true;
        _bounds.Fill(function.Instructions.Count, 0);
        _boundStates.Fill(function.Instructions.Count, BoundState.Unknown);
    }

    /// <summary>The largest value of an integer type.</summary>
    public static ulong LargestOf(IrType type) => type == IrType.I32 ? uint.MaxValue : ulong.MaxValue;

    /// <summary>A number of low bits of an integer value that are zero.</summary>
    public int TrailingZeros(Value value, int depth)
    {
        ref var i = ref _ir.Get(value);
        var width = WidthOf(i.Type);
        if (i.Opcode == IrOpcode.Constant)
        {
            return Math.Min(width, BitOperations.TrailingZeroCount(i.Bits));
        }

        if (depth == 0)
        {
            return 0;
        }

        depth--;
        return i.Opcode switch
        {
            IrOpcode.And => Math.Max(TrailingZeros(i.ValueA, depth), TrailingZeros(i.ValueB, depth)),
            IrOpcode.Or or IrOpcode.Xor or IrOpcode.Add or IrOpcode.Sub => Math.Min(TrailingZeros(i.ValueA, depth), TrailingZeros(i.ValueB, depth)),
            IrOpcode.Mul => Math.Min(width, TrailingZeros(i.ValueA, depth) + TrailingZeros(i.ValueB, depth)),
            IrOpcode.ShiftLeft when _ir.IsConstant(i.ValueB, out var shift) => Math.Min(width, TrailingZeros(i.ValueA, depth) + ((int)shift & (width - 1))),
            IrOpcode.Select => Math.Min(TrailingZeros(i.ValueB, depth), TrailingZeros(i.ValueC, depth)),
            _ => 0,
        };
    }

    /// <summary>An upper bound of an integer value, taken as unsigned.</summary>
    public ulong UpperBound(Value value, int depth)
    {
        ref var i = ref _ir.Get(value);
        var all = LargestOf(i.Type);
        if (i.Opcode == IrOpcode.Constant)
        {
            return i.Bits & all;
        }

        if (depth == 0)
        {
            return all;
        }

        depth--;
        var width = WidthOf(i.Type);
        switch (i.Opcode)
        {
            case IrOpcode.CompareInteger or IrOpcode.CompareFloat:
                return 1;
            case IrOpcode.CountLeadingZeros or IrOpcode.CountTrailingZeros or IrOpcode.PopulationCount:
                return (ulong)width;
            case IrOpcode.Load or IrOpcode.LoadVm or IrOpcode.AtomicLoad or IrOpcode.AtomicReadModifyWrite or IrOpcode.AtomicCompareExchange:
                return i.Access.Signed || i.Access.Width * 8 >= width ? all : (1UL << (i.Access.Width * 8)) - 1;
            case IrOpcode.ExtendUnsigned:
                return UpperBound(i.ValueA, depth);
            case IrOpcode.Wrap:
                return Math.Min(UpperBound(i.ValueA, depth), all);
            case IrOpcode.And:
                return Math.Min(UpperBound(i.ValueA, depth), UpperBound(i.ValueB, depth));
            case IrOpcode.Or or IrOpcode.Xor:
                return Smear(UpperBound(i.ValueA, depth) | UpperBound(i.ValueB, depth));
            case IrOpcode.Add:
                return Within(UpperBound(i.ValueA, depth), UpperBound(i.ValueB, depth), all);
            case IrOpcode.Mul:
                {
                    var high = Math.BigMul(UpperBound(i.ValueA, depth), UpperBound(i.ValueB, depth), out ulong low);
                    return high == 0 && low <= all ? low : all;
                }

            case IrOpcode.ShiftLeft when _ir.IsConstant(i.ValueB, out var left):
                {
                    var bound = UpperBound(i.ValueA, depth);
                    var shift = (int)left & (width - 1);
                    return bound <= all >> shift ? bound << shift : all;
                }

            case IrOpcode.ShiftRightUnsigned when _ir.IsConstant(i.ValueB, out var right):
                return UpperBound(i.ValueA, depth) >> ((int)right & (width - 1));
            case IrOpcode.ShiftRightSigned when _ir.IsConstant(i.ValueB, out var arithmetic):
                {
                    // As unsigned, if the sign bit is not set.
                    var bound = UpperBound(i.ValueA, depth);
                    return bound <= all >> 1 ? bound >> ((int)arithmetic & (width - 1)) : all;
                }

            case IrOpcode.RemUnsigned when _ir.IsConstant(i.ValueB, out var modulus) && modulus != 0:
                return modulus - 1;
            case IrOpcode.DivUnsigned when _ir.IsConstant(i.ValueB, out var divisor) && divisor != 0:
                return UpperBound(i.ValueA, depth) / divisor;
            case IrOpcode.Select:
                return Math.Max(UpperBound(i.ValueB, depth), UpperBound(i.ValueC, depth));
            case IrOpcode.BlockParameter when _followsParameters:
                return BoundOfParameter(value, depth);
            default:
                return all;
        }
    }

    private static int WidthOf(IrType type) => type == IrType.I32 ? 32 : 64;

    private static ulong Smear(ulong bits) => bits == 0 ? 0 : ulong.MaxValue >> BitOperations.LeadingZeroCount(bits);

    private static ulong Within(ulong a, ulong b, ulong all) => a <= all && b <= all - a ? a + b : all;

    /// <summary>An upper bound of a block parameter.</summary>
    public ulong BoundOfParameter(Value parameter, int depth)
    {
        var all = LargestOf(_ir.TypeOf(parameter));
        switch (_boundStates[parameter])
        {
            case BoundState.Known:
                return _bounds[parameter];
            case BoundState.Computing:
                return all;
            default:
                break;
        }

        _boundStates[parameter] = BoundState.Computing;
        _bounds[parameter] = _ir.Get(parameter).Type is IrType.I32 or IrType.I64 ? Math.Min(all, ComputeBound(parameter, depth, all)) : all;
        _boundStates[parameter] = BoundState.Known;
        return _bounds[parameter];
    }

    private ulong ComputeBound(Value parameter, int depth, ulong all)
    {
        var block = _ir.Links[parameter].Block;
        var position = _ir.Get(parameter).B;

        // Where it comes in: the largest start, and whether all starts are one constant. A loop may step it at one place.
        var starts = 0UL;
        var start = Value.None;
        var isOneConstant = true;
        var back = Edge.None;
        var predecessors = _ir.PredecessorsOf(block);
        if (block == IrFunction.Entry || predecessors.Length > 8)
        {
            return all;
        }

        foreach (var edge in predecessors)
        {
            var argument = _ir.ArgumentsOf(edge)[position];
            if (argument == parameter)
            {
                continue;
            }

            if (_ir.Blocks[_ir.Edges[edge].From].OrderIndex >= _ir.Blocks[block].OrderIndex)
            {
                if (!back.IsNone)
                {
                    return all;
                }

                back = edge;
                continue;
            }

            starts = Math.Max(starts, UpperBound(argument, depth));
            isOneConstant &= _ir.Get(argument).Opcode == IrOpcode.Constant && (start < 0 || _ir.Get(start).Bits == _ir.Get(argument).Bits);
            start = argument;
        }

        return back.IsNone ? starts : start < 0 ? all : BoundOfCounter(parameter, _ir.ArgumentsOf(back)[position], back, starts, isOneConstant, depth, all);
    }

    // A parameter of a loop's header that one back edge gives a value to, from the bound of its starts.
    private ulong BoundOfCounter(Value parameter, Value next, Edge back, ulong starts, bool isOneConstant, int depth, ulong all)
    {
        ref var step = ref _ir.Get(next);
        ref var branch = ref _ir.Get(_ir.Blocks[_ir.Edges[back].From].Last);
        if (step.Opcode != IrOpcode.Add || step.A != parameter || !_ir.IsConstant(step.ValueB, out var amount) || (amount &= all) == 0 || amount > int.MaxValue
            || branch.Opcode != IrOpcode.BranchIf || branch.B == branch.C || _ir.Get(branch.ValueA).Opcode != IrOpcode.CompareInteger)
        {
            return all;
        }

        // What is compared: the counter after its step, or before.
        ref var compare = ref _ir.Get(branch.ValueA);
        var afterStep = compare.A == next;
        if (!afterStep && compare.A != parameter)
        {
            return BoundByRounds(parameter, back, compare.ValueA, starts, amount, depth, all);
        }

        var limit = UpperBound(compare.ValueB, depth);
        var goesOn = branch.B == back ? compare.IntegerCondition : compare.IntegerCondition.Negate();
        switch (goesOn)
        {
            case IntegerCondition.NotEqual:
                // It meets the limit exactly, and before it can wrap.
                if (!isOneConstant || !_ir.IsConstant(compare.ValueB, out limit) || (limit &= all) < starts || (limit - starts) % amount != 0 || (afterStep && limit == starts))
                {
                    return all;
                }

                return afterStep ? limit - amount : limit;
            case IntegerCondition.LessUnsigned when limit > 0:
                limit--;
                break;
            case IntegerCondition.LessEqualUnsigned:
                break;
            case IntegerCondition.LessSigned or IntegerCondition.LessEqualSigned:
                // Of two that are not negative, nor become so by the step, unsigned comparison says the same.
                var largest = all >> 1;
                if (limit > largest || starts > largest || amount > largest - Math.Max(limit, starts))
                {
                    return all;
                }

                break;
            default:
                return all;
        }

        // Compared before the step, the next value may be that much larger.
        return Math.Max(starts, afterStep ? limit : Within(limit, amount, all));
    }

    // A pointer or a second counter beside the one that is compared: it takes as many steps. Those are at most the other's bound over the other's step, whatever
    // the other starts from.
    private ulong BoundByRounds(Value parameter, Edge back, Value compared, ulong starts, ulong amount, int depth, ulong all)
    {
        var counter = _ir.Get(compared).Opcode == IrOpcode.Add ? _ir.Get(compared).ValueA : compared;
        var block = _ir.Links[parameter].Block;
        if (counter == parameter || _ir.Get(counter).Opcode != IrOpcode.BlockParameter || _ir.Links[counter].Block != block || depth == 0)
        {
            return all;
        }

        ref var step = ref _ir.Get(_ir.ArgumentsOf(back)[_ir.Get(counter).B]);
        if (step.Opcode != IrOpcode.Add || step.A != counter || !_ir.IsConstant(step.ValueB, out var stride) || (stride &= LargestOf(_ir.TypeOf(counter))) == 0)
        {
            return all;
        }

        // No step from a value within the bound may wrap, or the number of steps is not bounded.
        var bound = BoundOfParameter(counter, depth - 1);
        if (bound > LargestOf(_ir.TypeOf(counter)) - stride)
        {
            return all;
        }

        var distance = (UInt128)(bound / stride) * amount;
        return distance <= all ? Within(starts, (ulong)distance, all) : all;
    }
}

// Vector operations: folded, canonicalised, value-numbered. Of two operands that may be swapped the constant is on the right; the complement of a comparison is the opposite
// comparison; "and not" has an opcode of its own; shuffles with one source name it twice and have lanes below 16 only; equal constants are one, as far as a short search finds them.
namespace Tarn.Compiler.IR.Build;

/// <content>Vectors.</content>
internal sealed partial class IrBuilder
{
    // Functions with more constants than this make some of them twice.
    private const int MaximumVectorSteps = 64;

    private int FindVector(UInt128 bits)
    {
        ref var vectors = ref Function.Vectors;
        for (var k = vectors.Count - 1; k >= 0 && k >= vectors.Count - MaximumVectorSteps; k--)
        {
            if (vectors[k] == bits)
            {
                return k;
            }
        }

        return vectors.Add(bits);
    }

    /// <summary>Whether a value is a v128 constant, and its bits.</summary>
    public bool IsVector(Value value, out UInt128 bits)
    {
        ref var i = ref Function.Get(value);
        if (i.Opcode == IrOpcode.Constant && i.Type == IrType.V128)
        {
            bits = Function.Vectors[i.A];
            return true;
        }

        bits = 0;
        return false;
    }

    /// <summary>A vector operation other than a shuffle; its type follows from the opcode and the shape.</summary>
    public Value VectorOperation(IrOpcode opcode, VectorShape shape, Value a, int b = -1, int c = -1, int condition = 0, int lane = 0)
        => VectorOperation(opcode, shape, a, new Value(b), new Value(c), condition, lane);

    private Value VectorOperation(IrOpcode opcode, VectorShape shape, Value a, Value b, Value c, int condition, int lane)
    {
        ref readonly var info = ref IrOpcodeInfo.Of(opcode);
        var type = info.VectorResult switch
        {
            VectorResult.I32 => IrType.I32,
            VectorResult.Lane => shape.LaneType(),
            _ => IrType.V128,
        };
        var knowsA = IsAnyConstant(a, out var x);
        var knowsB = IsAnyConstant(b, out var y);
        var knowsC = IsAnyConstant(c, out var z);
        if (knowsA && knowsB && knowsC && VectorFolder.TryFold(opcode, shape, condition, lane, x, y, z, out var folded))
        {
            return type == IrType.V128 ? Vector(folded) : Constant(type, (ulong)folded);
        }

        if ((info.Effects & IrEffects.Commutative) != 0 && knowsA && !knowsB)
        {
            (a, b, x, y) = (b, a, y, x);
            (knowsA, knowsB) = (knowsB, knowsA);
        }

        var simple = SimplifyVector(opcode, shape, a, b, c, condition, lane, knowsB, y, knowsC, z);
        return simple >= 0
            ? simple
            : Numbered(opcode, type, a, b, c, lane, (byte)((info.Shapes != VectorShapes.None ? (int)shape : 0) | (condition << 4)));
    }

    // Absent operands count as known.
    private bool IsAnyConstant(Value value, out UInt128 bits)
    {
        bits = 0;
        if (value < 0)
        {
            return true;
        }

        if (IsConstant(value, out var scalar))
        {
            bits = scalar;
            return true;
        }

        return IsVector(value, out bits);
    }

    private Value SimplifyVector(
        IrOpcode opcode, VectorShape shape, Value a, Value b, Value c, int condition, int lane, bool knowsB, UInt128 y, bool knowsC, UInt128 z)
    {
        ref var left = ref Function.Get(a);
        switch (opcode)
        {
            case IrOpcode.VectorNot:
                switch (left.Opcode)
                {
                    case IrOpcode.VectorNot:
                        return left.ValueA;
                    case IrOpcode.VectorCompare or IrOpcode.VectorFloatCompare:
                        return VectorOperation(left.Opcode, left.Shape, left.ValueA, left.B, condition: (left.Aux >> 4) ^ 1);
                }

                break;
            case IrOpcode.VectorAnd:
                if (a == b || (knowsB && y == VectorLanes.Ones))
                {
                    return a;
                }

                if (knowsB && y == 0)
                {
                    return b;
                }

                if (Function.Get(b).Opcode == IrOpcode.VectorNot)
                {
                    return VectorOperation(IrOpcode.VectorAndNot, default, a, Function.Get(b).A);
                }

                if (left.Opcode == IrOpcode.VectorNot)
                {
                    return VectorOperation(IrOpcode.VectorAndNot, default, b, left.A);
                }

                break;
            case IrOpcode.VectorAndNot:
                if (a == b)
                {
                    return Vector(0);
                }

                if (knowsB)
                {
                    return VectorOperation(IrOpcode.VectorAnd, default, a, Vector(~y));
                }

                if (Function.Get(b).Opcode == IrOpcode.VectorNot)
                {
                    return VectorOperation(IrOpcode.VectorAnd, default, a, Function.Get(b).A);
                }

                break;
            case IrOpcode.VectorOr:
                if (a == b || (knowsB && y == 0))
                {
                    return a;
                }

                if (knowsB && y == VectorLanes.Ones)
                {
                    return b;
                }

                break;
            case IrOpcode.VectorXor:
                if (a == b)
                {
                    return Vector(0);
                }

                if (knowsB && y == 0)
                {
                    return a;
                }

                if (knowsB && y == VectorLanes.Ones)
                {
                    return VectorOperation(IrOpcode.VectorNot, default, a);
                }

                break;
            case IrOpcode.VectorSelect:
                if (a == b || (knowsC && z == VectorLanes.Ones))
                {
                    return a;
                }

                if (knowsC && z == 0)
                {
                    return b;
                }

                if (Function.Get(c).Opcode == IrOpcode.VectorNot)
                {
                    return VectorOperation(opcode, default, b, a, Function.Get(c).A);
                }

                break;
            case IrOpcode.VectorAdd or IrOpcode.VectorSub when knowsB && y == 0:
                return a;
            case >= IrOpcode.VectorShiftLeft and <= IrOpcode.VectorShiftRightUnsigned when knowsB:
                {
                    var bits = shape.LaneBits();
                    var count = (int)((uint)y & (uint)(bits - 1));
                    if (count == 0)
                    {
                        return a;
                    }

                    return (uint)y != (uint)count ? VectorOperation(opcode, shape, a, I32(count)) : Value.None;
                }

            case IrOpcode.VectorSwizzle when knowsB:
                {
                    UInt128 lanes = 0;
                    for (var k = 0; k < 16; k++)
                    {
                        lanes |= VectorLanes.Place((ulong)Math.Min(VectorLanes.Byte(y, k), 16), 8, k);
                    }

                    return Shuffle(a, Vector(0), lanes);
                }

            case IrOpcode.VectorExtract when shape.LaneBits() >= 32:
                if (left.Opcode == IrOpcode.VectorSplat && left.Shape == shape)
                {
                    return left.ValueA;
                }

                if (left.Opcode == IrOpcode.VectorReplace && left.Shape == shape)
                {
                    return left.D == lane ? left.ValueB : VectorOperation(opcode, shape, left.ValueA, lane: lane);
                }

                break;
            case IrOpcode.VectorReplace:
                if (left.Opcode == IrOpcode.VectorReplace && left.Shape == shape && left.D == lane)
                {
                    return VectorOperation(opcode, shape, left.ValueA, b, lane: lane);
                }

                break;
        }

        return Value.None;
    }

    /// <summary>The bytes of a (0 to 15) and b (16 to 31) that the bytes of <paramref name="lanes"/>, all below 32, name.</summary>
    public Value Shuffle(Value a, Value b, UInt128 lanes)
    {
        var sixteen = VectorLanes.Splat(16, 8);
        var both = lanes & sixteen;
        if (a == b || both == 0)
        {
            lanes &= VectorLanes.Splat(15, 8);
            b = a;
        }
        else if (both == sixteen)
        {
            lanes ^= sixteen;
            a = b;
        }

        if (IsVector(a, out var x))
        {
            if (IsVector(b, out var y))
            {
                VectorFolder.TryFold(IrOpcode.VectorShuffle, default, 0, 0, x, y, lanes, out var folded);
                return Vector(folded);
            }

            (a, b) = (b, a);
            lanes ^= sixteen;
        }

        if (a == b)
        {
            UInt128 identity = 0;
            for (var k = 0; k < 16; k++)
            {
                identity |= VectorLanes.Place((ulong)k, 8, k);
            }

            if (lanes == identity)
            {
                return a;
            }

            // One shuffle of another.
            ref var inner = ref Function.Get(a);
            if (inner.Opcode == IrOpcode.VectorShuffle)
            {
                VectorFolder.TryFold(IrOpcode.VectorSwizzle, default, 0, 0, Function.Vectors[inner.D], lanes, 0, out var composed);
                return Shuffle(inner.ValueA, inner.ValueB, composed);
            }
        }

        return Numbered(IrOpcode.VectorShuffle, IrType.V128, a, b, -1, FindVector(lanes));
    }
}

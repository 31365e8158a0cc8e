// Interprets one activation of a function's IR. Plain and slow: it is the reference that the front end, the optimiser and the code generator are held against, so it
// shares no code with them, the constant folder included.
using System.Numerics;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.Frontend;

internal sealed unsafe class IrInterpreter(IrInstance caller)
{
    private IrInstance _instance = caller;

    private const int MaximumDepth = 300;
    private const int MaximumSteps = 50_000_000;

    [ThreadStatic]
    private static int s_steps;

    private IrFunction _function = null!;
    private UInt128[] _values = [];
    private int _depth;

    public static void ResetSteps() => s_steps = 0;

    public UInt128[] Run(IrFunction function, UInt128[] arguments, int depth)
    {
        while (true)
        {
            if (depth > MaximumDepth)
            {
                throw new IrTrapException((byte)TrapCode.StackOverflow);
            }

            _function = function;
            _depth = depth;
            _values = new UInt128[function.Instructions.Count];
            var parameter = function.Blocks[0].First;
            foreach (var argument in arguments)
            {
                _values[parameter] = argument;
                parameter = function.Links[parameter].Next;
            }

            var results = RunBlocks(out var tail, out var next);
            if (!tail)
            {
                return results;
            }

            if (next is null)
            {
                return results;
            }

            function = next;
            arguments = results;
        }
    }

    private UInt128[] RunBlocks(out bool tail, out IrFunction? next)
    {
        var block = IrFunction.Entry;
        var multi = new Dictionary<int, UInt128[]>();
        tail = false;
        next = null;
        while (true)
        {
            var index = _function.Blocks[block].First;
            while (true)
            {
                ref var i = ref _function.Get(index);
                if (++s_steps > MaximumSteps)
                {
                    throw new NotSupportedException("too many steps");
                }

                switch (i.Opcode)
                {
                    case IrOpcode.BlockParameter:
                        break;
                    case IrOpcode.Call or IrOpcode.CallReference or IrOpcode.CallBuiltin:
                        try
                        {
                            multi[index] = Call(index, in i);
                        }
                        catch (IrThrownException thrown) when (FindHandler(block, index, thrown) is { IsNone: false } edge)
                        {
                            block = Take(edge);
                            goto NextBlock;
                        }

                        break;
                    case IrOpcode.Result:
                        _values[index] = multi[i.A][i.B];
                        break;
                    case IrOpcode.Return:
                        return Values(index);
                    case IrOpcode.TailCall:
                        tail = true;
                        next = _instance.FunctionOf(i.A);
                        return Values(index);
                    case IrOpcode.TailCallReference:
                        {
                            tail = true;
                            var arguments = Values(index);
                            var (target, callee) = IrInstance.Find((ulong)_values[i.A]);
                            if (callee < 0)
                            {
                                return [];
                            }

                            _instance = target;
                            next = target.FunctionOf(callee);
                            return arguments;
                        }

                    case IrOpcode.Trap:
                        throw new IrTrapException(i.Aux);
                    case IrOpcode.Jump:
                        block = Take(new(i.A));
                        break;
                    case IrOpcode.BranchIf:
                        block = Take(new((uint)_values[i.A] != 0 ? i.B : i.C));
                        break;
                    case IrOpcode.BranchOnThrow:
                        block = Take(new(i.B));
                        break;
                    case IrOpcode.Switch:
                        block = Take(_function.SwitchEdges[i.B + (int)Math.Min((ulong)_values[i.A], (ulong)i.C - 1)]);
                        break;
                    default:
                        _values[index] = Evaluate(in i);
                        if (i.Type is IrType.I32 or IrType.F32)
                        {
                            _values[index] = (uint)_values[index];
                        }

                        break;
                }

                if (i.Opcode is IrOpcode.Jump or IrOpcode.BranchIf or IrOpcode.Switch or IrOpcode.BranchOnThrow)
                {
                    break;
                }

                index = _function.Links[index].Next;
            }

        NextBlock:;
        }
    }

    private UInt128[] Call(Value index, in IrInstruction i) => i.Opcode switch
    {
        IrOpcode.Call => new IrInterpreter(_instance).Run(_instance.FunctionOf(i.A), Values(index), _depth + 1),
        IrOpcode.CallReference => _instance.CallRecord((ulong)_values[i.A], Values(index), _depth + 1),
        _ => [_instance.Builtin((BuiltinId)i.A, Array.ConvertAll(Values(index), v => (ulong)v))],
    };

    // The edge to the handler of what a call has thrown, which finds what it needs in the VM context; −1 if there is none.
    private Edge FindHandler(Block block, int call, IrThrownException thrown)
    {
        var last = _function.Blocks[block].Last;
        ref var branch = ref _function.Get(last);
        if (branch.Opcode != IrOpcode.BranchOnThrow || _function.CallBefore(last) != call)
        {
            return Edge.None;
        }

        var scopes = _function.HandlerScopes.Span;
        for (var scope = branch.D; scope >= 0; scope = scopes[scope + HandlerTable.Outer])
        {
            for (var k = 0; k < scopes[scope + HandlerTable.ClauseCount]; k++)
            {
                var clause = scopes[scope + HandlerTable.Clauses + k];
                var tag = HandlerTable.TagOf(clause);
                if (tag < 0 || ReferenceEquals(_instance.Tags[tag], thrown.Tag))
                {
                    _instance.Hand(thrown, scopes[scope + HandlerTable.FirstClause] + k, tag >= 0);
                    return new Edge(branch.C);
                }
            }
        }

        return Edge.None;
    }

    private UInt128[] Values(Value index)
    {
        var pool = _function.PoolOf(index);
        var values = new UInt128[pool.Length];
        for (var i = 0; i < pool.Length; i++)
        {
            values[i] = _values[pool[i]];
        }

        return values;
    }

    private Block Take(Edge edge)
    {
        var arguments = _function.ArgumentsOf(edge);
        var values = new UInt128[arguments.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = _values[arguments[i]];
        }

        var to = _function.Edges[edge].To;
        var parameter = _function.Blocks[to].First;
        foreach (var value in values)
        {
            _values[parameter] = value;
            parameter = _function.Links[parameter].Next;
        }

        return to;
    }

    private UInt128 Evaluate(in IrInstruction i)
    {
        if (IrOpcodeInfo.IsVector(i.Opcode))
        {
            var third = i.Opcode == IrOpcode.VectorShuffle ? _function.Vectors[i.D] : i.C >= 0 ? _values[i.C] : 0;
            return VectorReference.Evaluate(in i, _values[i.A], i.B >= 0 ? _values[i.B] : 0, third);
        }

        if (i.Type == IrType.V128)
        {
            switch (i.Opcode)
            {
                case IrOpcode.Constant:
                    return _function.Vectors[i.A];
                case IrOpcode.Select:
                    return (uint)_values[i.A] != 0 ? _values[i.B] : _values[i.C];
            }
        }

        if (i.Opcode is >= IrOpcode.Add and <= IrOpcode.RotateRight)
        {
            return i.Type == IrType.I32 ? Integer32(in i, (uint)_values[i.A], (uint)_values[i.B]) : Integer64(in i, (ulong)_values[i.A], (ulong)_values[i.B]);
        }

        if (i.Opcode is >= IrOpcode.FloatAdd and <= IrOpcode.FloatNearest)
        {
            return Float(in i);
        }

        var narrow = i.Type == IrType.I32;
        switch (i.Opcode)
        {
            case IrOpcode.Constant:
                return i.Bits;
            case IrOpcode.VmContext:
                return (ulong)_instance.Context;
            case IrOpcode.TypeId:
                return (uint)_instance.Module.CanonicalIds[i.A];
            case IrOpcode.CountLeadingZeros:
                return (ulong)(narrow ? BitOperations.LeadingZeroCount((uint)_values[i.A]) : BitOperations.LeadingZeroCount((ulong)_values[i.A]));
            case IrOpcode.CountTrailingZeros:
                return (ulong)(narrow ? BitOperations.TrailingZeroCount((uint)_values[i.A]) : BitOperations.TrailingZeroCount((ulong)_values[i.A]));
            case IrOpcode.PopulationCount:
                return (ulong)BitOperations.PopCount((ulong)_values[i.A]);
            case IrOpcode.SignExtend8:
                return (ulong)(sbyte)(ulong)_values[i.A];
            case IrOpcode.SignExtend16:
                return (ulong)(short)(ulong)_values[i.A];
            case IrOpcode.SignExtend32 or IrOpcode.ExtendSigned:
                return (ulong)(int)(ulong)_values[i.A];
            case IrOpcode.ExtendUnsigned or IrOpcode.Wrap:
                return (uint)_values[i.A];
            case IrOpcode.Bitcast:
                return (ulong)_values[i.A];
            case IrOpcode.CompareInteger:
                return Compare(in i);
            case IrOpcode.CompareFloat:
                return CompareFloat(in i);
            case IrOpcode.Select:
                return (uint)_values[i.A] != 0 ? _values[i.B] : _values[i.C];
            case >= IrOpcode.ConvertToSigned and <= IrOpcode.SaturateToUnsigned:
                return ToInteger(in i);
            case IrOpcode.ConvertFromSigned:
                {
                    var value = _function.TypeOf(i.ValueA) == IrType.I32 ? (int)(ulong)_values[i.A] : (long)(ulong)_values[i.A];
                    return i.Type == IrType.F64 ? Bits((double)value) : Bits(RoundToSingle(value < 0, (ulong)Int128.Abs(value)));
                }

            case IrOpcode.ConvertFromUnsigned:
                return i.Type == IrType.F64 ? Bits((double)(ulong)_values[i.A]) : Bits(RoundToSingle(false, (ulong)_values[i.A]));
            case IrOpcode.Demote:
                return Bits((float)AsDouble(i.A));
            case IrOpcode.Promote:
                return Bits((double)AsSingle(i.A));
            case IrOpcode.Allocate:
                return IrHeap.Allocate(i.B >= 0 ? (ulong)_values[i.B] : (ulong)i.D);
            case IrOpcode.ElementOffset:
                return (uint)_values[i.A] + ((uint)_values[i.B] << i.Access.ScaleLog2);
            case IrOpcode.WriteBarrier:
                return 0;
            case IrOpcode.Load or IrOpcode.LoadVm or IrOpcode.AtomicLoad:
                return Load(in i);
            case IrOpcode.Store or IrOpcode.StoreVm:
                Store(in i, _values[i.C], Address(in i));
                return 0;
            case IrOpcode.AtomicStore:
                Store(in i, (ulong)_values[i.B], (ulong)_values[i.A] + i.Offset);
                return 0;
            case IrOpcode.AtomicReadModifyWrite:
                {
                    var old = (ulong)Load(in i);
                    var b = (ulong)_values[i.B];
                    var value = (AtomicOperation)i.C switch
                    {
                        AtomicOperation.Add => old + b,
                        AtomicOperation.Sub => old - b,
                        AtomicOperation.And => old & b,
                        AtomicOperation.Or => old | b,
                        AtomicOperation.Xor => old ^ b,
                        _ => b,
                    };
                    Store(in i, value, (ulong)_values[i.A] + i.Offset);
                    return old;
                }

            case IrOpcode.AtomicCompareExchange:
                {
                    // A wider expected value never matches what is loaded zero-extended.
                    var old = (ulong)Load(in i);
                    if (old == (_function.TypeOf(i.ValueB) == IrType.I32 ? (uint)_values[i.B] : (ulong)_values[i.B]))
                    {
                        Store(in i, _values[i.C], (ulong)_values[i.A] + i.Offset);
                    }

                    return old;
                }

            case IrOpcode.AtomicFence or IrOpcode.InterruptCheck or IrOpcode.FuelCheck or IrOpcode.FuelCharge:
                return 0;
            case IrOpcode.BoundsCheck:
                if ((UInt128)(ulong)_values[i.A] + i.Offset > (ulong)_values[i.B])
                {
                    throw new IrTrapException(i.Aux);
                }

                return 0;
            case IrOpcode.TrapIf or IrOpcode.TrapIfNot:
                if ((uint)_values[i.A] != 0 == (i.Opcode == IrOpcode.TrapIf))
                {
                    throw new IrTrapException(i.Aux);
                }

                return 0;
            default:
                throw new NotSupportedException(i.Opcode.ToString());
        }
    }

    private ulong Address(in IrInstruction i)
        => (ulong)_values[i.A] + (i.B >= 0 ? (ulong)_values[i.B] << i.Access.ScaleLog2 : 0) + i.Offset;

    private UInt128 Load(in IrInstruction i)
    {
        var access = i.Access;
        var address = i.Opcode is IrOpcode.Load or IrOpcode.LoadVm ? Address(in i) : (ulong)_values[i.A] + i.Offset;
        if (i.Opcode == IrOpcode.Load && i.Region < AliasRegion.MemoryImported)
        {
            IrHeap.Check(address, access.Width, access.MayFault);
        }
        else if (i.Opcode != IrOpcode.LoadVm)
        {
            IrInstance.CheckAccess(address, access.Width, access.MayFault, i.Opcode == IrOpcode.Load ? (ulong)_values[i.A] : address);
        }

        if (access.WidthLog2 == 4)
        {
            return *(UInt128*)address;
        }

        return access.WidthLog2 switch
        {
            0 => access.Signed ? (ulong)*(sbyte*)address : *(byte*)address,
            1 => access.Signed ? (ulong)*(short*)address : *(ushort*)address,
            2 => access.Signed ? (ulong)*(int*)address : *(uint*)address,
            _ => *(ulong*)address,
        };
    }

    private void Store(in IrInstruction i, UInt128 value, ulong address)
    {
        var access = i.Access;
        if (i.Opcode == IrOpcode.Store && i.Region < AliasRegion.MemoryImported)
        {
            IrHeap.Check(address, access.Width, access.MayFault);
        }
        else if (i.Opcode != IrOpcode.StoreVm)
        {
            IrInstance.CheckAccess(address, access.Width, access.MayFault, i.Opcode == IrOpcode.Store ? (ulong)_values[i.A] : address);
        }

        switch (access.WidthLog2)
        {
            case 0:
                *(byte*)address = (byte)value;
                break;
            case 1:
                *(ushort*)address = (ushort)value;
                break;
            case 2:
                *(uint*)address = (uint)value;
                break;
            case 4:
                *(UInt128*)address = value;
                break;
            default:
                *(ulong*)address = (ulong)value;
                break;
        }
    }

    private static ulong Integer32(in IrInstruction i, uint a, uint b)
    {
        switch (i.Opcode)
        {
            case IrOpcode.Add: return a + b;
            case IrOpcode.Sub: return a - b;
            case IrOpcode.Mul: return a * b;
            case IrOpcode.MulHighSigned: return (ulong)(((long)(int)a * (int)b) >> 32);
            case IrOpcode.MulHighUnsigned: return ((ulong)a * b) >> 32;
            case IrOpcode.And: return a & b;
            case IrOpcode.Or: return a | b;
            case IrOpcode.Xor: return a ^ b;
            case IrOpcode.ShiftLeft: return a << (int)(b & 31);
            case IrOpcode.ShiftRightSigned: return (uint)((int)a >> (int)(b & 31));
            case IrOpcode.ShiftRightUnsigned: return a >> (int)(b & 31);
            case IrOpcode.RotateLeft: return (a << (int)(b & 31)) | (a >> (int)((32 - (b & 31)) & 31));
            case IrOpcode.RotateRight: return (a >> (int)(b & 31)) | (a << (int)((32 - (b & 31)) & 31));
        }

        CheckDivision(in i, b, (int)a == int.MinValue && (int)b == -1);
        return i.Opcode switch
        {
            IrOpcode.DivSigned => (uint)((int)a / (int)b),
            IrOpcode.DivUnsigned => a / b,
            IrOpcode.RemSigned => (int)b == -1 ? 0 : (uint)((int)a % (int)b),
            _ => a % b,
        };
    }

    private static ulong Integer64(in IrInstruction i, ulong a, ulong b)
    {
        switch (i.Opcode)
        {
            case IrOpcode.Add: return a + b;
            case IrOpcode.Sub: return a - b;
            case IrOpcode.Mul: return a * b;
            case IrOpcode.MulHighSigned: return (ulong)(((Int128)(long)a * (long)b) >> 64);
            case IrOpcode.MulHighUnsigned: return (ulong)(((UInt128)a * b) >> 64);
            case IrOpcode.And: return a & b;
            case IrOpcode.Or: return a | b;
            case IrOpcode.Xor: return a ^ b;
            case IrOpcode.ShiftLeft: return a << (int)(b & 63);
            case IrOpcode.ShiftRightSigned: return (ulong)((long)a >> (int)(b & 63));
            case IrOpcode.ShiftRightUnsigned: return a >> (int)(b & 63);
            case IrOpcode.RotateLeft: return (a << (int)(b & 63)) | (a >> (int)((64 - (b & 63)) & 63));
            case IrOpcode.RotateRight: return (a >> (int)(b & 63)) | (a << (int)((64 - (b & 63)) & 63));
        }

        CheckDivision(in i, b, (long)a == long.MinValue && (long)b == -1);
        return i.Opcode switch
        {
            IrOpcode.DivSigned => (ulong)((long)a / (long)b),
            IrOpcode.DivUnsigned => a / b,
            IrOpcode.RemSigned => (long)b == -1 ? 0 : (ulong)((long)a % (long)b),
            _ => a % b,
        };
    }

    // What an instruction claims of its operands must be true.
    private static void CheckDivision(in IrInstruction i, ulong divisor, bool overflows)
    {
        var facts = (DivisionFacts)i.Aux;
        if (divisor == 0)
        {
            if ((facts & DivisionFacts.DivisorNotZero) != 0)
            {
                throw new InvalidOperationException("a divisor that counts as not zero is zero");
            }

            throw new IrTrapException((byte)TrapCode.IntegerDivideByZero);
        }

        if (overflows && i.Opcode is IrOpcode.DivSigned or IrOpcode.RemSigned && overflows)
        {
            if ((facts & DivisionFacts.NoOverflow) != 0)
            {
                throw new InvalidOperationException("a division that counts as not overflowing does");
            }

            if (i.Opcode == IrOpcode.DivSigned)
            {
                throw new IrTrapException((byte)TrapCode.IntegerOverflow);
            }
        }
    }

    private ulong Compare(in IrInstruction i)
    {
        var a = (ulong)_values[i.A];
        var b = (ulong)_values[i.B];
        var narrow = _function.TypeOf(i.ValueA) == IrType.I32;
        var x = narrow ? (int)a : (long)a;
        var y = narrow ? (int)b : (long)b;
        var result = i.IntegerCondition switch
        {
            IntegerCondition.Equal => a == b,
            IntegerCondition.NotEqual => a != b,
            IntegerCondition.LessSigned => x < y,
            IntegerCondition.GreaterEqualSigned => x >= y,
            IntegerCondition.LessEqualSigned => x <= y,
            IntegerCondition.GreaterSigned => x > y,
            IntegerCondition.LessUnsigned => a < b,
            IntegerCondition.GreaterEqualUnsigned => a >= b,
            IntegerCondition.LessEqualUnsigned => a <= b,
            _ => a > b,
        };
        return result ? 1UL : 0;
    }

    private ulong CompareFloat(in IrInstruction i)
    {
        var single = _function.TypeOf(i.ValueA) == IrType.F32;
        var a = single ? AsSingle(i.A) : AsDouble(i.A);
        var b = single ? AsSingle(i.B) : AsDouble(i.B);
        var result = i.FloatCondition switch
        {
            FloatCondition.Equal => a == b,
            FloatCondition.NotEqual => a != b,
            FloatCondition.Less => a < b,
            FloatCondition.NotLess => !(a < b),
            FloatCondition.LessEqual => a <= b,
            FloatCondition.NotLessEqual => !(a <= b),
            FloatCondition.Greater => a > b,
            FloatCondition.NotGreater => !(a > b),
            FloatCondition.GreaterEqual => a >= b,
            _ => !(a >= b),
        };
        return result ? 1UL : 0;
    }

    private ulong Float(in IrInstruction i)
    {
        if (i.Type == IrType.F32)
        {
            var bits = (uint)_values[i.A];
            switch (i.Opcode)
            {
                case IrOpcode.FloatAbs: return bits & 0x7FFFFFFF;
                case IrOpcode.FloatNeg: return bits ^ 0x80000000;
                case IrOpcode.FloatCopySign: return (bits & 0x7FFFFFFF) | ((uint)_values[i.B] & 0x80000000);
            }

            var a = AsSingle(i.A);
            var b = i.B >= 0 ? AsSingle(i.B) : 0;
            return Bits(i.Opcode switch
            {
                IrOpcode.FloatAdd => a + b,
                IrOpcode.FloatSub => a - b,
                IrOpcode.FloatMul => a * b,
                IrOpcode.FloatDiv => a / b,
                IrOpcode.FloatMin => float.IsNaN(a) || float.IsNaN(b) ? float.NaN : MathF.Min(a, b),
                IrOpcode.FloatMax => float.IsNaN(a) || float.IsNaN(b) ? float.NaN : MathF.Max(a, b),
                IrOpcode.FloatSqrt => MathF.Sqrt(a),
                IrOpcode.FloatCeil => Quiet(a, MathF.Ceiling(a)),
                IrOpcode.FloatFloor => Quiet(a, MathF.Floor(a)),
                IrOpcode.FloatTrunc => Quiet(a, MathF.Truncate(a)),
                _ => Quiet(a, MathF.Round(a, MidpointRounding.ToEven)),
            });
        }

        var wide = (ulong)_values[i.A];
        switch (i.Opcode)
        {
            case IrOpcode.FloatAbs: return wide & ~(1UL << 63);
            case IrOpcode.FloatNeg: return wide ^ (1UL << 63);
            case IrOpcode.FloatCopySign: return (wide & ~(1UL << 63)) | ((ulong)_values[i.B] & (1UL << 63));
        }

        var x = AsDouble(i.A);
        var y = i.B >= 0 ? AsDouble(i.B) : 0;
        return Bits(i.Opcode switch
        {
            IrOpcode.FloatAdd => x + y,
            IrOpcode.FloatSub => x - y,
            IrOpcode.FloatMul => x * y,
            IrOpcode.FloatDiv => x / y,
            IrOpcode.FloatMin => double.IsNaN(x) || double.IsNaN(y) ? double.NaN : Math.Min(x, y),
            IrOpcode.FloatMax => double.IsNaN(x) || double.IsNaN(y) ? double.NaN : Math.Max(x, y),
            IrOpcode.FloatSqrt => Math.Sqrt(x),
            IrOpcode.FloatCeil => Quiet(x, Math.Ceiling(x)),
            IrOpcode.FloatFloor => Quiet(x, Math.Floor(x)),
            IrOpcode.FloatTrunc => Quiet(x, Math.Truncate(x)),
            _ => Quiet(x, Math.Round(x, MidpointRounding.ToEven)),
        });
    }

    private static float Quiet(float operand, float result) => float.IsNaN(operand) ? operand + operand : result;

    private static double Quiet(double operand, double result) => double.IsNaN(operand) ? operand + operand : result;

    private ulong ToInteger(in IrInstruction i)
    {
        var value = _function.TypeOf(i.ValueA) == IrType.F32 ? AsSingle(i.A) : AsDouble(i.A);
        var saturate = i.Opcode is IrOpcode.SaturateToSigned or IrOpcode.SaturateToUnsigned;
        var signed = i.Opcode is IrOpcode.ConvertToSigned or IrOpcode.SaturateToSigned;
        var width = i.Type == IrType.I32 ? 32 : 64;
        if (double.IsNaN(value))
        {
            return saturate ? 0UL : throw new IrTrapException((byte)TrapCode.InvalidConversionToInteger);
        }

        value = Math.Truncate(value);
        var low = signed ? -Math.Pow(2, width - 1) : 0;
        var high = Math.Pow(2, signed ? width - 1 : width);
        if (value < low || value >= high)
        {
            if (!saturate)
            {
                throw new IrTrapException((byte)TrapCode.IntegerOverflow);
            }

            return value < low
                ? signed ? 1UL << (width - 1) : 0UL
                : signed ? (1UL << (width - 1)) - 1 : width == 32 ? uint.MaxValue : ulong.MaxValue;
        }

        return signed ? (ulong)(long)value : (ulong)value;
    }

    // One rounding, ties to even: conversions by way of double would round twice.
    private static float RoundToSingle(bool negative, ulong magnitude)
    {
        var excess = Math.Max(0, 40 - BitOperations.LeadingZeroCount(magnitude));
        var kept = magnitude >> excess;
        var rest = magnitude & ((1UL << excess) - 1);
        var half = excess == 0 ? 1UL : 1UL << (excess - 1);
        if (rest > half || (excess > 0 && rest == half && (kept & 1) != 0))
        {
            kept++;
        }

        var result = (float)(kept * Math.Pow(2, excess));
        return negative ? -result : result;
    }

    private float AsSingle(int value) => BitConverter.UInt32BitsToSingle((uint)_values[value]);

    private double AsDouble(int value) => BitConverter.UInt64BitsToDouble((ulong)_values[value]);

    private static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);
}

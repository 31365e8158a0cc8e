// Writes a function as text, one instruction a line, for golden tests and for people. The parser reads it back, so text in, text
// out works at every stage. With renumbering, values and blocks are numbered in order of appearance: a change early in the compiler that only
// shifts ids then leaves golden files alone.
using System.Globalization;
using System.Text;
using Tarn.Compiler.Abi;

namespace Tarn.Compiler.IR;

/// <summary>Prints IR.</summary>
internal sealed class IrPrinter
{
    private readonly IrFunction _function;
    private readonly StringBuilder _text = new();
    private readonly int[]? _values;
    private readonly int[]? _blocks;
    private readonly List<int>? _sources;

    private IrPrinter(IrFunction function, bool renumber, List<int>? sources)
    {
        _function = function;
        _sources = sources;
        if (renumber)
        {
            _values = new int[function.Instructions.Count];
            _blocks = new int[function.Blocks.Count];
            Array.Fill(_values, -1);
            Array.Fill(_blocks, -1);
            Number();
        }
    }

    /// <summary>The text of a function.</summary>
    /// <param name="function">The function.</param>
    /// <param name="renumber">Whether values and blocks are numbered in order of appearance.</param>
    /// <param name="sources">Receives for each line the offset in the module of the instruction that it comes from, or −1.</param>
    public static string Print(IrFunction function, bool renumber = true, List<int>? sources = null)
    {
        var printer = new IrPrinter(function, renumber, sources);
        printer.PrintFunction();
        return printer._text.ToString();
    }

    private ReadOnlySpan<Block> BlocksInOrder()
    {
        if (_function.Order.Count > 0)
        {
            return _function.Order.Span;
        }

        var all = new Block[_function.Blocks.Count];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = new Block(i);
        }

        return all;
    }

    private void Number()
    {
        int value = 0, block = 0;
        foreach (var b in BlocksInOrder())
        {
            _blocks![b] = block++;
            for (var i = _function.Blocks[b].First; i >= 0; i = _function.Links[i].Next)
            {
                ref var instruction = ref _function.Get(i);
                if (instruction.Type != IrType.None || IrOpcodeInfo.IsCall(instruction.Opcode))
                {
                    _values![i] = value++;
                }
            }
        }
    }

    private void PrintFunction()
    {
        _text.Append("function ").Append(_function.FunctionIndex).Append(' ');
        Signature(_function.Signature);
        _text.Append('\n');
        if (_function.HandlerScopes.Count > 0)
        {
            _text.Append("handlers");
            foreach (var number in _function.HandlerScopes.Span)
            {
                _text.Append(' ').Append(number);
            }

            _text.Append('\n');
            _sources?.Add(-1);
        }

        _sources?.Add(-1);
        foreach (var block in BlocksInOrder())
        {
            PrintBlock(block);
        }
    }

    private void PrintBlock(Block block)
    {
        ref var b = ref _function.Blocks[block];
        Print(block);
        var i = b.First;
        if (b.ParameterCount > 0)
        {
            _text.Append('(');
            for (var n = 0; n < b.ParameterCount; n++, i = _function.Links[i].Next)
            {
                _text.Append(n == 0 ? "" : ", ");
                Value(i);
                _text.Append(':').Append(IrText.Types[(int)_function.Get(i).Type]);
            }

            _text.Append(')');
        }

        _text.Append(b.IsCold ? " cold:\n" : ":\n");
        _sources?.Add(-1);
        for (; i >= 0; i = _function.Links[i].Next)
        {
            _text.Append("  ");
            PrintInstruction(i);
            _text.Append('\n');
            _sources?.Add(_function.Links[i].WasmOffset);
        }
    }

    private void PrintInstruction(Value index)
    {
        ref var i = ref _function.Get(index);
        ref readonly var info = ref IrOpcodeInfo.Of(i.Opcode);
        if (i.Type != IrType.None)
        {
            Value(index);
            _text.Append(':').Append(IrText.Types[(int)i.Type]).Append(" = ");
        }
        else if (IrOpcodeInfo.IsCall(i.Opcode))
        {
            Value(index);
            _text.Append(" = ");
        }

        _text.Append(info.Name);
        switch (i.Opcode)
        {
            case IrOpcode.Constant:
                Constant(in i);
                break;
            case IrOpcode.TypeId:
                _text.Append(' ').Append(i.A);
                break;
            case IrOpcode.Result:
                Operands(i.A);
                _text.Append(", ").Append(i.B);
                break;
            case IrOpcode.CompareInteger:
                _text.Append('.').Append(IrText.IntegerConditions[i.Aux]);
                Operands(i.A, i.B);
                break;
            case IrOpcode.CompareFloat:
                _text.Append('.').Append(IrText.FloatConditions[i.Aux]);
                Operands(i.A, i.B);
                break;
            case IrOpcode.DivSigned or IrOpcode.DivUnsigned or IrOpcode.RemSigned or IrOpcode.RemUnsigned:
                Operands(i.A, i.B);
                _text.Append((i.Aux & (int)DivisionFacts.DivisorNotZero) != 0 ? " nonzero" : "");
                _text.Append((i.Aux & (int)DivisionFacts.NoOverflow) != 0 ? " nooverflow" : "");
                break;
            case IrOpcode.Load or IrOpcode.Store or IrOpcode.LoadVm or IrOpcode.StoreVm:
                Access(in i, indexed: true);
                if (i.Opcode is IrOpcode.Store or IrOpcode.StoreVm)
                {
                    _text.Append(',');
                    Operands(i.C);
                }

                break;
            case IrOpcode.AtomicLoad or IrOpcode.AtomicStore or IrOpcode.AtomicReadModifyWrite or IrOpcode.AtomicCompareExchange:
                if (i.Opcode == IrOpcode.AtomicReadModifyWrite)
                {
                    _text.Append('.').Append(IrText.AtomicOperations[i.C]);
                }

                Access(in i, indexed: false);
                if (i.Opcode != IrOpcode.AtomicLoad)
                {
                    _text.Append(',');
                    Operands(i.B, i.Opcode == IrOpcode.AtomicCompareExchange ? i.C : -1);
                }

                break;
            case IrOpcode.BoundsCheck:
                Operands(i.A, i.B);
                _text.Append(", ").Append(i.Offset).Append(", ").Append((TrapCode)i.Aux);
                break;
            case IrOpcode.TrapIf or IrOpcode.TrapIfNot:
                Operands(i.A);
                _text.Append(", ").Append((TrapCode)i.Aux);
                break;
            case IrOpcode.FuelCheck:
                Operands(i.A);
                _text.Append(", ").Append(i.D);
                break;
            case IrOpcode.Call or IrOpcode.TailCall:
                _text.Append(' ').Append(i.A);
                Arguments(_function.PoolOf(index));
                _text.Append(' ');
                Signature(i.D);
                break;
            case IrOpcode.CallReference or IrOpcode.TailCallReference:
                Operands(i.A);
                Arguments(_function.PoolOf(index));
                _text.Append(' ');
                Signature(i.D);
                break;
            case IrOpcode.CallBuiltin:
                _text.Append(' ').Append((BuiltinId)i.A);
                Arguments(_function.PoolOf(index));
                break;
            case IrOpcode.VectorShuffle:
                Operands(i.A, i.B);
                _text.Append(", ").Append(Hex(_function.Vectors[i.D]));
                break;
            case >= IrOpcode.VectorSwizzle and <= IrOpcode.VectorPromote:
                Vector(in i, in info);
                break;
            case IrOpcode.Jump:
                _text.Append(' ');
                Print(new Edge(i.A));
                break;
            case IrOpcode.BranchIf:
                Operands(i.A);
                _text.Append(", ");
                Print(new Edge(i.B));
                _text.Append(", ");
                Print(new Edge(i.C));
                break;
            case IrOpcode.BranchOnThrow:
                _text.Append(' ');
                Print(new Edge(i.B));
                _text.Append(", ");
                Print(new Edge(i.C));
                _text.Append(", ").Append(i.D);
                break;
            case IrOpcode.Switch:
                Operands(i.A);
                _text.Append(", [");
                for (var n = 0; n < i.C; n++)
                {
                    _text.Append(n == 0 ? "" : ", ");
                    Print(_function.SwitchEdges[i.B + n]);
                }

                _text.Append(']');
                break;
            case IrOpcode.Return:
                if (i.C > 0)
                {
                    Arguments(_function.PoolOf(index));
                }

                break;
            case IrOpcode.Trap:
                _text.Append(' ').Append((TrapCode)i.Aux);
                break;
            default:
                var mask = IrOpcodeInfo.ValueMask(i.Opcode);
                Operands((mask & 1) != 0 ? i.A : -1, (mask & 2) != 0 ? i.B : -1, (mask & 4) != 0 ? i.C : -1);
                break;
        }
    }

    private void Vector(in IrInstruction i, in IrOpcodeInfo info)
    {
        if (info.Shapes != VectorShapes.None)
        {
            _text.Append('.').Append(IrText.Shapes[(int)i.Shape]);
        }

        if (i.Opcode == IrOpcode.VectorCompare)
        {
            _text.Append('.').Append(IrText.IntegerConditions[(int)i.VectorCondition]);
        }
        else if (i.Opcode == IrOpcode.VectorFloatCompare)
        {
            _text.Append('.').Append(IrText.FloatConditions[(int)i.VectorFloatCondition]);
        }

        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        Operands(i.A, (mask & 2) != 0 ? i.B : -1, (mask & 4) != 0 ? i.C : -1);
        if (IrOpcodeInfo.HasLane(i.Opcode))
        {
            _text.Append(", ").Append(i.D);
        }
    }

    private void Constant(in IrInstruction i)
    {
        switch (i.Type)
        {
            case IrType.F32:
                _text.Append(" 0x").Append(((uint)i.A).ToString("x8", CultureInfo.InvariantCulture));
                _text.Append(" ; ").Append(BitConverter.Int32BitsToSingle(i.A).ToString("R", CultureInfo.InvariantCulture));
                break;
            case IrType.F64:
                _text.Append(" 0x").Append(i.Bits.ToString("x16", CultureInfo.InvariantCulture));
                _text.Append(" ; ").Append(BitConverter.UInt64BitsToDouble(i.Bits).ToString("R", CultureInfo.InvariantCulture));
                break;
            case IrType.V128:
                _text.Append(' ').Append(Hex(_function.Vectors[i.A]));
                break;
            default:
                _text.Append(' ').Append(i.SignedBits);
                break;
        }
    }

    private void Access(in IrInstruction i, bool indexed)
    {
        var access = i.Access;
        _text.Append('.').Append(8 << access.WidthLog2);
        _text.Append(access.Signed ? "s " : " ");
        Value(i.A);
        if (indexed && i.B >= 0)
        {
            _text.Append('[');
            Value(i.B);
            _text.Append(access.ScaleLog2 == 0 ? "" : $"*{1 << access.ScaleLog2}").Append(']');
        }

        if (i.D != 0)
        {
            _text.Append('+').Append(i.Offset);
        }

        _text.Append(' ').Append(IrText.Region(i.Region)).Append(access.MayFault ? " fault" : "");
    }

    private void Operands(int a, int b = -1, int c = -1)
    {
        var first = true;
        ReadOnlySpan<int> operands = [a, b, c];
        foreach (var operand in operands)
        {
            if (operand >= 0)
            {
                _text.Append(first ? " " : ", ");
                Value(operand);
                first = false;
            }
        }
    }

    private void Arguments(ReadOnlySpan<Value> values)
    {
        _text.Append('(');
        for (var i = 0; i < values.Length; i++)
        {
            _text.Append(i == 0 ? "" : ", ");
            Value(values[i]);
        }

        _text.Append(')');
    }

    private void Print(Edge edge)
    {
        Print(_function.Edges[edge].To);
        if (_function.Edges[edge].ArgumentCount > 0)
        {
            Arguments(_function.ArgumentsOf(edge));
        }
    }

    private void Signature(int signature)
    {
        _text.Append('(');
        Types(_function.ParametersOf(signature));
        _text.Append(") -> (");
        Types(_function.ResultsOf(signature));
        _text.Append(')');
    }

    private void Types(ReadOnlySpan<IrType> types)
    {
        for (var i = 0; i < types.Length; i++)
        {
            _text.Append(i == 0 ? "" : ", ").Append(IrText.Types[(int)types[i]]);
        }
    }

    private void Value(int value)
    {
        var number = value;
        if (_values is not null && (uint)value < (uint)_values.Length)
        {
            number = _values[value];
        }

        // A use of something that is in no block is a fault that the verifier reports; here it must only be seen.
        _text.Append(number < 0 ? "?" : "v").Append(number < 0 ? value : number);
    }

    private void Print(Block block) => _text.Append("block").Append(_blocks is null ? block : _blocks[block]);

    private static string Hex(UInt128 value) => "0x" + value.ToString("x32", CultureInfo.InvariantCulture);
}

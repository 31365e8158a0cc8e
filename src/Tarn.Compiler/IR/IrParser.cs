// Reads what IrPrinter writes. For tests: each stage can be given exactly the IR it is to be tested with. Values may be used before the line
// that defines them (loops), so names are resolved in a first sweep. A mistake is a FormatException with the line.
using System.Globalization;
using Tarn.Compiler.Abi;

namespace Tarn.Compiler.IR;

/// <summary>Parses IR text.</summary>
internal sealed class IrParser
{
    private readonly IrFunction _function;
    private readonly string[] _lines;
    private readonly Dictionary<string, Value> _values = [];
    private readonly Dictionary<string, Block> _blocks = [];
    private string _line = "";
    private int _number;
    private int _position;

    private IrParser(string text, IrFunction function)
    {
        _function = function;
        _lines = text.Split('\n');
    }

    /// <summary>Parses a function, overwriting <paramref name="function"/>.</summary>
    public static void Parse(string text, IrFunction function)
    {
        var parser = new IrParser(text, function);
        parser.ParseFunction();
        function.ComputeOrder();
    }

    private void ParseFunction()
    {
        var block = Block.None;
        var started = false;
        for (var sweep = 0; sweep < 2; sweep++)
        {
            for (_number = 0; _number < _lines.Length; _number++)
            {
                var line = _lines[_number];
                var comment = line.IndexOf(';', StringComparison.Ordinal);
                _line = (comment < 0 ? line : line[..comment]).Trim();
                _position = 0;
                if (_line.Length == 0)
                {
                    continue;
                }

                if (_line.StartsWith("function", StringComparison.Ordinal))
                {
                    if (sweep == 0)
                    {
                        Word();
                        _function.Reset((int)Number());
                        _function.Signature = Signature();
                        started = true;
                    }
                }
                else if (_line.StartsWith("handlers", StringComparison.Ordinal))
                {
                    if (sweep == 0)
                    {
                        HandlerScopes();
                    }
                }
                else if (!started)
                {
                    throw Error("expected 'function'");
                }
                else if (_line.EndsWith(':'))
                {
                    var name = Word();
                    if (sweep == 0)
                    {
                        DefineBlock(name);
                    }

                    block = _blocks[name];
                }
                else if (sweep == 0)
                {
                    DefineValue();
                }
                else
                {
                    Instruction(block);
                }
            }
        }
    }

    private void HandlerScopes()
    {
        Word();
        while (_position < _line.Length)
        {
            _function.HandlerScopes.Add((int)Number());
        }
    }

    private void DefineBlock(string name)
    {
        var block = _function.AddBlock(_line.EndsWith("cold:", StringComparison.Ordinal) ? IrBlockFlags.Cold : IrBlockFlags.None);
        _blocks.Add(name, block);
        if (TryTake('('))
        {
            while (!TryTake(')'))
            {
                var value = Word();
                Take(':');
                _values.Add(value, _function.AddBlockParameter(block, Type()));
                TryTake(',');
            }
        }
    }

    private void DefineValue()
    {
        var equals = _line.IndexOf(" = ", StringComparison.Ordinal);
        if (equals < 0)
        {
            return;
        }

        var name = Word();
        var type = TryTake(':') ? Type() : IrType.None;
        if (!_values.TryAdd(name, _function.NewInstruction(IrOpcode.Nop, type)))
        {
            throw Error($"{name} is defined twice");
        }
    }

    private void Instruction(Block block)
    {
        Value index;
        var equals = _line.IndexOf(" = ", StringComparison.Ordinal);
        if (equals < 0)
        {
            index = _function.NewInstruction(IrOpcode.Nop, IrType.None);
        }
        else
        {
            index = _values[Word()];
            _position = equals + 3;
        }

        _function.LinkLast(block, index);
        var word = Word();
        var opcode = IrOpcode.Nop;
        var suffix = "";
        for (var i = 1; i < (int)IrOpcode.Count; i++)
        {
            var name = IrOpcodeInfo.Of((IrOpcode)i).Name;
            if (word == name)
            {
                opcode = (IrOpcode)i;
                suffix = "";
                break;
            }

            if (word.StartsWith(name + ".", StringComparison.Ordinal))
            {
                opcode = (IrOpcode)i;
                suffix = word[(name.Length + 1)..];
            }
        }

        if (opcode == IrOpcode.Nop)
        {
            throw Error($"no such instruction: {word}");
        }

        var fresh = new IrInstruction { Opcode = opcode, Type = _function.Get(index).Type, A = -1, B = -1, C = -1 };
        Fields(ref fresh, suffix, block);
        _function.Get(index) = fresh;
        _function.TakesLanes |= opcode == IrOpcode.VectorExtract;
        _function.HasCalls |= IrOpcodeInfo.IsCall(opcode);
        if (_position < _line.Length)
        {
            throw Error($"unexpected '{_line[_position..]}'");
        }
    }

    private void Fields(ref IrInstruction i, string suffix, Block block)
    {
        switch (i.Opcode)
        {
            case IrOpcode.Constant:
                Constant(ref i);
                break;
            case IrOpcode.TypeId:
                i.A = (int)Number();
                break;
            case IrOpcode.Result:
                i.A = Value();
                Take(',');
                i.B = (int)Number();
                break;
            case IrOpcode.CompareInteger:
                i.Aux = (byte)Index(IrText.IntegerConditions, suffix);
                Operands(ref i);
                break;
            case IrOpcode.CompareFloat:
                i.Aux = (byte)Index(IrText.FloatConditions, suffix);
                Operands(ref i);
                break;
            case IrOpcode.DivSigned or IrOpcode.DivUnsigned or IrOpcode.RemSigned or IrOpcode.RemUnsigned:
                Operands(ref i);
                i.Aux |= TryWord("nonzero") ? (byte)DivisionFacts.DivisorNotZero : (byte)0;
                i.Aux |= TryWord("nooverflow") ? (byte)DivisionFacts.NoOverflow : (byte)0;
                break;
            case IrOpcode.Load or IrOpcode.Store or IrOpcode.LoadVm or IrOpcode.StoreVm:
                Access(ref i, suffix);
                if (i.Opcode is IrOpcode.Store or IrOpcode.StoreVm)
                {
                    Take(',');
                    i.C = Value();
                }

                break;
            case IrOpcode.AtomicReadModifyWrite:
                var dot = suffix.IndexOf('.', StringComparison.Ordinal);
                Access(ref i, suffix[(dot + 1)..]);
                Take(',');
                i.B = Value();
                i.C = Index(IrText.AtomicOperations, suffix[..dot]);
                break;
            case IrOpcode.AtomicLoad or IrOpcode.AtomicStore or IrOpcode.AtomicCompareExchange:
                Access(ref i, suffix);
                if (TryTake(','))
                {
                    i.B = Value();
                }

                if (TryTake(','))
                {
                    i.C = Value();
                }

                break;
            case IrOpcode.BoundsCheck:
                i.A = Value();
                Take(',');
                i.B = Value();
                Take(',');
                i.D = (int)Number();
                Take(',');
                i.Aux = (byte)Enum.Parse<TrapCode>(Word());
                break;
            case IrOpcode.TrapIf or IrOpcode.TrapIfNot:
                i.A = Value();
                Take(',');
                i.Aux = (byte)Enum.Parse<TrapCode>(Word());
                break;
            case IrOpcode.FuelCheck:
                i.A = Value();
                Take(',');
                i.D = (int)Number();
                break;
            case IrOpcode.Call or IrOpcode.TailCall:
                i.A = (int)Number();
                (i.B, i.C) = Arguments();
                i.D = Signature();
                break;
            case IrOpcode.CallReference or IrOpcode.TailCallReference:
                i.A = Value();
                (i.B, i.C) = Arguments();
                i.D = Signature();
                break;
            case IrOpcode.CallBuiltin:
                i.A = (int)Enum.Parse<BuiltinId>(Word());
                (i.B, i.C) = Arguments();
                i.D = -1;
                break;
            case IrOpcode.VectorShuffle:
                i.A = Value();
                Take(',');
                i.B = Value();
                Take(',');
                i.D = _function.Vectors.Add(Vector());
                break;
            case >= IrOpcode.VectorSwizzle and <= IrOpcode.VectorPromote:
                VectorOperation(ref i, suffix);
                break;
            case IrOpcode.Jump:
                i.A = Edge(block);
                break;
            case IrOpcode.BranchIf:
                i.A = Value();
                Take(',');
                i.B = Edge(block);
                Take(',');
                i.C = Edge(block);
                break;
            case IrOpcode.BranchOnThrow:
                i.B = Edge(block);
                Take(',');
                i.C = Edge(block);
                Take(',');
                i.D = (int)Number();
                break;
            case IrOpcode.Switch:
                i.A = Value();
                Take(',');
                Take('[');
                List<Edge> edges = [];
                while (!TryTake(']'))
                {
                    edges.Add(Edge(block));
                    TryTake(',');
                }

                i.B = _function.SwitchEdges.AddRange(edges.ToArray());
                i.C = edges.Count;
                break;
            case IrOpcode.Return:
                (i.B, i.C) = _position < _line.Length ? Arguments() : (0, 0);
                break;
            case IrOpcode.Trap:
                i.Aux = (byte)Enum.Parse<TrapCode>(Word());
                break;
            default:
                Operands(ref i);
                break;
        }
    }

    private void VectorOperation(ref IrInstruction i, string suffix)
    {
        if (IrOpcodeInfo.Of(i.Opcode).Shapes != VectorShapes.None)
        {
            var words = suffix.Split('.');
            i.Aux = (byte)Index(IrText.Shapes, words[0]);
            if (i.Opcode is IrOpcode.VectorCompare or IrOpcode.VectorFloatCompare)
            {
                var names = i.Opcode == IrOpcode.VectorCompare ? IrText.IntegerConditions : IrText.FloatConditions;
                i.Aux |= (byte)(Index(names, words.Length > 1 ? words[1] : "") << 4);
            }
        }

        Operands(ref i);
        if (IrOpcodeInfo.HasLane(i.Opcode))
        {
            Take(',');
            i.D = (int)Number();
        }
    }

    private void Constant(ref IrInstruction i)
    {
        if (i.Type == IrType.V128)
        {
            i.A = _function.Vectors.Add(Vector());
            i.B = 0;
        }
        else
        {
            var bits = i.Type is IrType.F32 or IrType.F64 ? (ulong)Vector() : (ulong)Number();
            if (i.Type is IrType.I32 or IrType.F32)
            {
                bits = (uint)bits;
            }

            i.A = (int)bits;
            i.B = (int)(bits >> 32);
        }

        i.C = 0;
    }

    private void Access(ref IrInstruction i, string suffix)
    {
        var signed = suffix.EndsWith('s');
        var width = int.Parse(suffix.TrimEnd('s'), CultureInfo.InvariantCulture);
        var scale = 0;
        i.A = Value();
        if (TryTake('['))
        {
            i.B = Value();
            if (TryTake('*'))
            {
                scale = int.Log2((int)Number());
            }

            Take(']');
        }

        if (TryTake('+'))
        {
            i.D = (int)(uint)Number();
        }

        var region = Word();
        if (!IrText.TryParseRegion(region, out i.Region))
        {
            throw Error($"no such region: {region}");
        }

        var atomic = i.Opcode is not (IrOpcode.Load or IrOpcode.Store or IrOpcode.LoadVm or IrOpcode.StoreVm);
        i.Aux = MemoryAccess.Create(int.Log2(width) - 3, signed, scale, TryWord("fault"), atomic).Bits;
    }

    private void Operands(ref IrInstruction i) => Operands(ref i, IrOpcodeInfo.ValueMask(i.Opcode) & 7);

    private void Operands(ref IrInstruction i, int needed)
    {
        if (needed != 0 || _position < _line.Length)
        {
            i.A = Value();
            if ((needed & 2) != 0 || (needed == 0 && TryPeek(',')))
            {
                Take(',');
                i.B = Value();
            }

            if ((needed & 4) != 0 || (needed == 0 && TryPeek(',')))
            {
                Take(',');
                i.C = Value();
            }
        }
    }

    private Edge Edge(Block from)
    {
        var name = Word();
        if (!_blocks.TryGetValue(name, out var to))
        {
            throw Error($"no such block: {name}");
        }

        List<Value> arguments = [];
        if (TryTake('('))
        {
            while (!TryTake(')'))
            {
                arguments.Add(Value());
                TryTake(',');
            }
        }

        return _function.AddEdge(from, to, arguments.ToArray());
    }

    private (int Start, int Count) Arguments()
    {
        List<Value> arguments = [];
        Take('(');
        while (!TryTake(')'))
        {
            arguments.Add(Value());
            TryTake(',');
        }

        return (_function.Pool.AddRange(arguments.ToArray()), arguments.Count);
    }

    private int Signature()
    {
        var parameters = TypeList();
        Take('-');
        Take('>');
        return _function.AddSignature(parameters, TypeList());
    }

    private IrType[] TypeList()
    {
        List<IrType> types = [];
        Take('(');
        while (!TryTake(')'))
        {
            types.Add(Type());
            TryTake(',');
        }

        return types.ToArray();
    }

    private IrType Type() => (IrType)Index(IrText.Types, Word());

    private Value Value()
    {
        var name = Word();
        return _values.TryGetValue(name, out var value) ? value : throw Error($"{name} is not defined");
    }

    private long Number()
    {
        var negative = TryTake('-');
        var word = Word();
        if (!ulong.TryParse(word, CultureInfo.InvariantCulture, out var number))
        {
            throw Error($"expected a number, found '{word}'");
        }

        return negative ? -(long)number : (long)number;
    }

    private UInt128 Vector()
    {
        var word = Word();
        return word.StartsWith("0x", StringComparison.Ordinal)
            ? UInt128.Parse(word[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : throw Error($"expected hexadecimal bits, found '{word}'");
    }

    private int Index(string[] names, string name)
    {
        var index = Array.IndexOf(names, name);
        return index >= 0 ? index : throw Error($"unknown word '{name}'");
    }

    private string Word()
    {
        Skip();
        var start = _position;
        while (_position < _line.Length && (char.IsAsciiLetterOrDigit(_line[_position]) || _line[_position] is '.' or '_'))
        {
            _position++;
        }

        return _position > start ? _line[start.._position] : throw Error($"expected a word at '{_line[start..]}'");
    }

    private bool TryWord(string word)
    {
        Skip();
        if (!_line.AsSpan(_position).StartsWith(word, StringComparison.Ordinal))
        {
            return false;
        }

        _position += word.Length;
        Skip();
        return true;
    }

    private bool TryPeek(char c)
    {
        Skip();
        return _position < _line.Length && _line[_position] == c;
    }

    private bool TryTake(char c)
    {
        if (!TryPeek(c))
        {
            return false;
        }

        _position++;
        Skip();
        return true;
    }

    private void Take(char c)
    {
        if (!TryTake(c))
        {
            throw Error($"expected '{c}' at '{_line[_position..]}'");
        }
    }

    private void Skip()
    {
        while (_position < _line.Length && _line[_position] == ' ')
        {
            _position++;
        }
    }

    private FormatException Error(string message) => new($"IR text, line {_number + 1}: {message}\n{_line}");
}

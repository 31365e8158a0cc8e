// Folded printing: a function's instructions as trees. Folding never reorders: an instruction takes as children what directly precedes it, and only if each
// of those leaves exactly one value; so a wrong guess at operands (in unreachable code, say) can only look odd, never mean something else.
//
//   node kinds   Instruction  (op … operands)          If    (if … condition (then …) (else …))
//                Block        (block … body)            Arm   (then … body), (else … body)
//
// Trees are as deep as the code wants; both building and writing use lists instead of recursion (but for lines short enough to bound it).
using System.Runtime.InteropServices;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Text;

internal sealed partial class WatPrinter
{
    private const int LineWidth = 100;
    private const int Never = int.MaxValue / 4;

    private readonly TextOutput _scratch = new(null);
    private readonly List<Node> _nodes = [];
    private readonly List<int> _sequence = [];
    private readonly List<Body> _bodies = [];
    private readonly List<int> _open = [];

    /// <summary>An instruction with its text (in the scratch output), its children as a linked list, and how wide it is on one line.</summary>
    private struct Node
    {
        public int Text;
        public int TextLength;
        public int First;
        public int Last;
        public int Next;
        public int Width;
        public bool HasOneResult;
    }

    /// <summary>A body being read: its block's node, the node its instructions go into, where they start in the sequence.</summary>
    private readonly record struct Body(int Block, int Container, int Floor, int LabelArity, int Results);

    private void FoldedBody(ref WasmReader reader, int start)
    {
        _scratch.Clear();
        _nodes.Clear();
        _sequence.Clear();
        _bodies.Clear();
        _labels.Add(null);
        int results = FunctionTypeAt(_module.Functions[_function])?.ResultCount ?? 0;
        _bodies.Add(new Body(-1, NewNode(0, Never), 0, results, results));
        while (_bodies.Count != 0)
        {
            int offset = reader.Position - start;
            Opcode opcode = reader.ReadOpcode();
            switch (opcode)
            {
                case Opcode.End:
                    LeaveLabel();
                    EndBody();
                    break;
                case Opcode.Else:
                    ElseArm();
                    break;
                default:
                    FoldInstruction(ref reader, opcode, offset);
                    break;
            }
        }

        CheckEnd(reader);
        WriteTree();
    }

    private int NewNode(int text, int width)
    {
        _nodes.Add(new Node { Text = text, TextLength = _scratch.Count - text, First = -1, Last = -1, Next = -1, Width = width });
        return _nodes.Count - 1;
    }

    private void FoldInstruction(ref WasmReader reader, Opcode opcode, int offset)
    {
        int text = _scratch.Count;
        Hint(_scratch, offset);
        _scratch.Write("("u8);
        WasmReader immediates = reader;
        Instruction(_scratch, ref reader, opcode);
        switch (opcode)
        {
            case Opcode.Block or Opcode.Loop or Opcode.TryTable or Opcode.If:
                (int parameters, int results) = Arity(immediates.ReadBlockType());
                int block = NewNode(text, Never);
                int container = block;
                if (opcode == Opcode.If)
                {
                    Adopt(block, 1);
                    container = NewArm(block, "(then"u8);
                }

                _bodies.Add(new Body(block, container, _sequence.Count, opcode == Opcode.Loop ? parameters : results, results));
                break;
            default:
                (int operands, int values) = Arity(opcode, immediates);
                int node = NewNode(text, Math.Min(_scratch.Count - text + 1, Never));
                Adopt(node, operands);
                CollectionsMarshal.AsSpan(_nodes)[node].HasOneResult = values == 1;
                _sequence.Add(node);
                break;
        }
    }

    private int NewArm(int block, ReadOnlySpan<byte> keyword)
    {
        int text = _scratch.Count;
        _scratch.Write(keyword);
        int arm = NewNode(text, Never);
        Append(block, arm);
        return arm;
    }

    private void ElseArm()
    {
        Body body = _bodies[^1];
        TakeBody(body);
        if (body.Block < 0 || body.Container == body.Block)
            throw new MalformedModuleException("else without if", _module.Bodies[_function - _module.ImportedFunctionCount].Offset);
        _bodies[^1] = body with { Container = NewArm(body.Block, "(else"u8) };
    }

    private void EndBody()
    {
        Body body = _bodies[^1];
        TakeBody(body);
        _bodies.RemoveAt(_bodies.Count - 1);
        if (body.Block < 0)
            return;
        CollectionsMarshal.AsSpan(_nodes)[body.Block].HasOneResult = body.Results == 1;
        _sequence.Add(body.Block);
    }

    /// <summary>Makes the instructions of a body the children of its container.</summary>
    private void TakeBody(Body body)
    {
        for (int i = body.Floor; i < _sequence.Count; i++)
            Append(body.Container, _sequence[i]);
        _sequence.RemoveRange(body.Floor, _sequence.Count - body.Floor);
    }

    /// <summary>Makes the last instructions children of a node, if they are so many and leave one value each.</summary>
    private void Adopt(int node, int count)
    {
        int first = _sequence.Count - count;
        if (first < _bodies[^1].Floor)
            return;
        Span<Node> nodes = CollectionsMarshal.AsSpan(_nodes);
        for (int i = first; i < _sequence.Count; i++)
        {
            if (!nodes[_sequence[i]].HasOneResult)
                return;
        }

        for (int i = first; i < _sequence.Count; i++)
            Append(node, _sequence[i]);
        _sequence.RemoveRange(first, count);
    }

    private void Append(int parent, int child)
    {
        Span<Node> nodes = CollectionsMarshal.AsSpan(_nodes);
        ref Node node = ref nodes[parent];
        if (node.Last < 0)
            node.First = child;
        else
            nodes[node.Last].Next = child;
        node.Last = child;
        node.Width = Math.Min(Never, node.Width + nodes[child].Width + 1);
    }

    private void WriteTree()
    {
        ReadOnlySpan<Node> nodes = CollectionsMarshal.AsSpan(_nodes);
        int depth = _output.Depth;
        int cursor = nodes[0].First;
        _open.Clear();
        while (true)
        {
            if (cursor < 0)
            {
                if (_open.Count == 0)
                    break;
                _output.Close();
                _output.Depth--;
                cursor = nodes[_open[^1]].Next;
                _open.RemoveAt(_open.Count - 1);
                continue;
            }

            _output.Line();
            if (nodes[cursor].Width <= LineWidth)
            {
                WriteInline(nodes, cursor);
                cursor = nodes[cursor].Next;
                continue;
            }

            Write(_scratch.Span.Slice(nodes[cursor].Text, nodes[cursor].TextLength));
            _open.Add(cursor);
            _output.Depth++;
            cursor = nodes[cursor].First;
        }

        _output.Depth = depth;
    }

    // The width of a line bounds the depth.
    private void WriteInline(ReadOnlySpan<Node> nodes, int node)
    {
        Write(_scratch.Span.Slice(nodes[node].Text, nodes[node].TextLength));
        for (int child = nodes[node].First; child >= 0; child = nodes[child].Next)
        {
            _output.Space();
            WriteInline(nodes, child);
        }

        _output.Close();
    }

    private (int Parameters, int Results) Arity(BlockType type) => type.IsEmpty ? (0, 0) : type.HasTypeIndex ? TypeArity(type.TypeIndex, 0) : (0, 1);

    private (int Operands, int Results) TypeArity(int typeIndex, int more) =>
        FunctionTypeAt(typeIndex) is CoreFunctionType type ? (type.ParameterCount + more, type.ResultCount) : (0, 0);

    /// <summary>How many values an instruction takes and leaves, as far as that helps to fold it; (0, 0) where it cannot be told.</summary>
    private (int Operands, int Results) Arity(Opcode opcode, WasmReader immediates)
    {
        OpcodeSignature signature = Opcodes.Signature(opcode);
        if (!signature.DependsOnContext)
            return (signature.OperandCount, signature.ResultCount);
        switch (opcode)
        {
            case Opcode.Call or Opcode.ReturnCall:
                int function = immediates.ReadIndex();
                return (uint)function < (uint)_module.Functions.Length ? TypeArity(_module.Functions[function], 0) : (0, 0);
            case Opcode.CallIndirect or Opcode.ReturnCallIndirect or Opcode.CallRef or Opcode.ReturnCallRef:
                return TypeArity(immediates.ReadIndex(), 1);
            case Opcode.Throw:
                int tag = immediates.ReadIndex();
                return (uint)tag < (uint)_module.Tags.Length ? (TypeArity(_module.Tags[tag].TypeIndex, 0).Operands, 0) : (0, 0);
            case Opcode.Return:
                return (_bodies[0].Results, 0);
            case Opcode.Br:
                return (LabelArity(immediates.ReadVarU32()), 0);
            case Opcode.BrIf or Opcode.BrOnNull:
                int carried = LabelArity(immediates.ReadVarU32());
                return (carried + 1, opcode == Opcode.BrOnNull ? carried + 1 : carried);
            case Opcode.BrTable:
                return (LabelArity(immediates.ReadCount(int.MaxValue, "labels") is int count && count >= 0 ? immediates.ReadVarU32() : 0) + 1, 0);
            case Opcode.Drop or Opcode.LocalSet or Opcode.GlobalSet or Opcode.ThrowRef:
                return (1, 0);
            case Opcode.LocalGet or Opcode.GlobalGet or Opcode.RefNull or Opcode.RefFunc or Opcode.TableSize or Opcode.StructNewDefault:
                return (0, 1);
            case Opcode.LocalTee or Opcode.TableGet or Opcode.RefIsNull or Opcode.RefAsNonNull or Opcode.StructGet or Opcode.StructGetS or Opcode.StructGetU
                or Opcode.RefTest or Opcode.RefTestNull or Opcode.RefCast or Opcode.RefCastNull or Opcode.BrOnCast or Opcode.BrOnCastFail
                or Opcode.ArrayNewDefault:
                return (1, 1);
            case Opcode.Select or Opcode.SelectTyped:
                return (3, 1);
            case Opcode.TableSet or Opcode.StructSet:
                return (2, 0);
            case Opcode.TableGrow or Opcode.ArrayGet or Opcode.ArrayGetS or Opcode.ArrayGetU or Opcode.ArrayNew or Opcode.ArrayNewData or Opcode.ArrayNewElem:
                return (2, 1);
            case Opcode.TableFill or Opcode.TableCopy or Opcode.TableInit or Opcode.ArraySet or Opcode.MemoryCopy or Opcode.MemoryFill or Opcode.MemoryInit:
                return (3, 0);
            case Opcode.ArrayFill or Opcode.ArrayInitData or Opcode.ArrayInitElem:
                return (4, 0);
            case Opcode.ArrayCopy:
                return (5, 0);
            case Opcode.StructNew:
                int structure = immediates.ReadIndex();
                return ((uint)structure < (uint)_module.Types.Length && _module.Types[structure].Composite is StructType type ? type.Fields.Length : 0, 1);
            case Opcode.ArrayNewFixed:
                immediates.ReadIndex();
                return (immediates.ReadIndex(), 1);
            default:
                return (0, 0);
        }
    }

    private int LabelArity(uint depth) => depth < (uint)_bodies.Count ? _bodies[_bodies.Count - 1 - (int)depth].LabelArity : 0;
}

// What follows the name of an instruction, by the kind of immediate that the opcode table gives (specification 6.5.2 to 6.5.9), and labels.
using System.Numerics;
using System.Text;

namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private readonly ByteBuffer _immediate = new();
    private Dictionary<int, byte[]>? _givenLabelNames;

    private static void Prefix(Opcode opcode, ByteBuffer code)
    {
        (byte prefix, uint number) = Opcodes.Encoding(opcode);
        if (prefix == 0)
        {
            code.Byte((byte)number);
            return;
        }

        code.Byte(prefix);
        code.U32(number);
    }

    /// <summary>Appends an instruction; the parser stands behind its name.</summary>
    private void Encode(Opcode opcode, ByteBuffer code)
    {
        switch (opcode)
        {
            // Two names that stand for several opcodes; what follows decides.
            case Opcode.RefTest or Opcode.RefCast:
                _immediate.Clear();
                bool nullable = SplitReferenceType(_immediate);
                Prefix(nullable ? opcode == Opcode.RefTest ? Opcode.RefTestNull : Opcode.RefCastNull : opcode, code);
                code.Bytes(_immediate);
                return;
            case Opcode.Select when AtForm("result"u8):
                Prefix(Opcode.SelectTyped, code);
                SelectTypes(code);
                return;
            default:
                Prefix(opcode, code);
                Immediates(opcode, code);
                return;
        }
    }

    private void Immediates(Opcode opcode, ByteBuffer code)
    {
        switch (Opcodes.Immediate(opcode))
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.Local:
                code.U32(Local());
                break;
            case ImmediateKind.I32:
                code.Signed((int)Integer(32));
                break;
            case ImmediateKind.I64:
                code.Signed((long)Integer(64));
                break;
            case ImmediateKind.F32:
                code.Fixed32((uint)Float(32));
                break;
            case ImmediateKind.F64:
                code.Fixed64(Float(64));
                break;
            case ImmediateKind.Label:
                code.U32(Label());
                break;
            case ImmediateKind.Labels:
                LabelTable(code);
                break;
            case ImmediateKind.Function:
                code.U32(Index(IndexSpace.Function));
                break;
            case ImmediateKind.Type:
                code.U32(Index(IndexSpace.Type));
                break;
            case ImmediateKind.Indirect:
                uint table = OptionalIndex(IndexSpace.Table);
                code.U32(TypeUse(ParameterNames.Refused));
                code.U32(table);
                break;
            case ImmediateKind.Tag:
                code.U32(Index(IndexSpace.Tag));
                break;
            case ImmediateKind.Global:
                code.U32(Index(IndexSpace.Global));
                break;
            case ImmediateKind.Table:
                code.U32(OptionalIndex(IndexSpace.Table));
                break;
            case ImmediateKind.TableTable:
                OptionalPair(code, IndexSpace.Table);
                break;
            case ImmediateKind.Memory:
                code.U32(OptionalIndex(IndexSpace.Memory));
                break;
            case ImmediateKind.MemoryMemory:
                OptionalPair(code, IndexSpace.Memory);
                break;
            case ImmediateKind.ElementTable:
                SegmentIndices(code, IndexSpace.Element, IndexSpace.Table);
                break;
            case ImmediateKind.DataMemory:
                _needsDataCount = true;
                SegmentIndices(code, IndexSpace.Data, IndexSpace.Memory);
                break;
            case ImmediateKind.Element:
                code.U32(Index(IndexSpace.Element));
                break;
            case ImmediateKind.Data:
                _needsDataCount = true;
                code.U32(Index(IndexSpace.Data));
                break;
            case ImmediateKind.Memarg:
                MemoryArgument(opcode, code, OptionalIndex(IndexSpace.Memory));
                break;
            case ImmediateKind.MemargLane:
                // A number alone is the lane; a memory's index has something after it.
                bool hasMemory = Kind == TokenKind.Identifier || (Kind == TokenKind.Natural && _tokens[_at + 1].Kind is TokenKind.Natural or TokenKind.Keyword
                    && (_tokens[_at + 1].Kind == TokenKind.Natural || TextOf(_at + 1).StartsWith("offset="u8) || TextOf(_at + 1).StartsWith("align="u8)));
                MemoryArgument(opcode, code, hasMemory ? Index(IndexSpace.Memory) : 0);
                Lane(code);
                break;
            case ImmediateKind.Lane:
                Lane(code);
                break;
            case ImmediateKind.Shuffle:
                for (int i = 0; i < 16; i++)
                {
                    if (Kind is not (TokenKind.Natural or TokenKind.Integer or TokenKind.Float))
                        Fail(_at, "invalid lane length: a shuffle has 16 lane indices");
                    if (Kind != TokenKind.Natural)
                        Fail(_at, "malformed lane index: i8 constant out of range");
                    Lane(code);
                }

                if (Kind is TokenKind.Natural or TokenKind.Integer or TokenKind.Float)
                    Fail(_at, "invalid lane length: a shuffle has 16 lane indices");
                break;
            case ImmediateKind.V128:
                Vector(code);
                break;
            case ImmediateKind.HeapType:
                HeapType(code);
                break;
            case ImmediateKind.TypeField:
                uint type = Index(IndexSpace.Type);
                code.U32(type);
                code.U32(FieldIndex(type));
                break;
            case ImmediateKind.TypeCount:
                code.U32(Index(IndexSpace.Type));
                code.U32(U32("a number of operands"));
                break;
            case ImmediateKind.TypeData:
                _needsDataCount = true;
                code.U32(Index(IndexSpace.Type));
                code.U32(Index(IndexSpace.Data));
                break;
            case ImmediateKind.TypeElement:
                code.U32(Index(IndexSpace.Type));
                code.U32(Index(IndexSpace.Element));
                break;
            case ImmediateKind.TypeType:
                code.U32(Index(IndexSpace.Type));
                code.U32(Index(IndexSpace.Type));
                break;
            case ImmediateKind.CastBranch:
                CastBranch(code);
                break;
            case ImmediateKind.Fence:
                code.Byte(0);
                break;
            default:
                Fail(_at - 1, $"unexpected token '{Opcodes.Name(opcode)}'");
                break;
        }
    }

    private uint Local()
    {
        if (Kind != TokenKind.Identifier)
            return U32("an index or identifier of a local");
        ref Symbol symbol = ref _symbols[SymbolOf(_at)];
        if (symbol.LocalStamp != _functionStamp || _functionStamp == 0)
            Fail(_at, $"unknown local {Encoding.UTF8.GetString(Text)}");
        Advance();
        return (uint)symbol.Local;
    }

    private uint Label()
    {
        if (Kind != TokenKind.Identifier)
            return U32("an index or identifier of a label");
        int depth = _symbols[SymbolOf(_at)].Label;
        if (depth < 0)
            Fail(_at, $"unknown label {Encoding.UTF8.GetString(Text)}");
        Advance();
        return (uint)(_labelDepth - 1 - depth);
    }

    private void LabelTable(ByteBuffer code)
    {
        uint count = 0;
        _immediate.Clear();
        if (!AtIndex)
            Unexpected("an index or identifier of a label");
        int last;
        do
        {
            last = _immediate.Count;
            _immediate.U32(Label());
            count++;
        }
        while (AtIndex);
        code.U32(count - 1);
        code.Bytes(_immediate.Slice(0, last));
        code.Bytes(_immediate, last);
    }

    private void SelectTypes(ByteBuffer code)
    {
        uint count = 0;
        _immediate.Clear();
        while (TryForm("result"u8))
        {
            for (; Kind != TokenKind.Close; count++)
                ValueType(_immediate);
            Close();
        }

        code.U32(count);
        code.Bytes(_immediate);
    }

    private void OptionalPair(ByteBuffer code, IndexSpace space)
    {
        bool written = AtIndex;
        code.U32(written ? Index(space) : 0);
        code.U32(written ? Index(space) : 0);
    }

    /// <summary>The segment, and before it optionally what it initialises; the binary format has the segment first.</summary>
    private void SegmentIndices(ByteBuffer code, IndexSpace segments, IndexSpace targets)
    {
        uint target = _tokens[_at + 1].Kind is TokenKind.Natural or TokenKind.Identifier ? Index(targets) : 0;
        code.U32(Index(segments));
        code.U32(target);
    }

    private void MemoryArgument(Opcode opcode, ByteBuffer code, uint memory)
    {
        ulong offset = 0;
        uint alignment = (uint)Opcodes.Alignment(opcode);
        if (Kind == TokenKind.Keyword && Text.StartsWith("offset="u8))
        {
            ReadOnlySpan<byte> digits = Text[7..];
            if (NumberSyntax.Classify(digits) != TokenKind.Natural)
                Fail(_at, $"unknown operator {Encoding.UTF8.GetString(Text)}");
            if (!NumberSyntax.TryMagnitude(digits, out offset))
                Fail(_at, "i64 constant out of range: the offset takes more than 64 bits");
            if (offset > uint.MaxValue && (_options.Features & WasmFeatures.Memory64) == 0)
                Fail(_at, "i32 constant out of range: the offset takes more than 32 bits");
            Advance();
        }

        if (Kind == TokenKind.Keyword && Text.StartsWith("align="u8))
        {
            ReadOnlySpan<byte> digits = Text[6..];
            if (NumberSyntax.Classify(digits) != TokenKind.Natural)
                Fail(_at, $"unknown operator {Encoding.UTF8.GetString(Text)}");
            if (!NumberSyntax.TryMagnitude(digits, out ulong align))
                Fail(_at, "i64 constant out of range: the alignment takes more than 64 bits");
            if (!BitOperations.IsPow2(align))
                Fail(_at, "alignment must be a power of two");
            alignment = (uint)BitOperations.Log2(align);
            Advance();
        }

        // Bit 6 says that a memory index follows; no alignment reaches into it, since 2^63 is the largest.
        code.U32(memory == 0 ? alignment : alignment | 0x40);
        if (memory != 0)
            code.U32(memory);
        code.U64(offset);
    }

    private void Lane(ByteBuffer code)
    {
        if (Kind != TokenKind.Natural)
            Unexpected("a lane index");
        if (!NumberSyntax.TryMagnitude(Text, out ulong lane) || lane > 255)
            Fail(_at, "malformed lane index: i8 constant out of range");
        code.Byte((byte)lane);
        Advance();
    }

    private ulong Integer(int bits)
    {
        if (Kind is not (TokenKind.Natural or TokenKind.Integer))
            Unexpected("an integer");
        if (!NumberSyntax.TryInteger(Text, bits, out ulong value))
            Fail(_at, $"i{bits} constant out of range");
        Advance();
        return value;
    }

    private ulong Float(int bits)
    {
        if (Kind is not (TokenKind.Natural or TokenKind.Integer or TokenKind.Float))
            Unexpected("a number");
        ulong value;
        bool valid;
        if (bits == 32)
        {
            valid = NumberSyntax.TryFloat32(Text, out uint narrow);
            value = narrow;
        }
        else
        {
            valid = NumberSyntax.TryFloat64(Text, out value);
        }

        if (!valid)
            Fail(_at, $"f{bits} constant out of range");
        Advance();
        return value;
    }

    private void Vector(ByteBuffer code)
    {
        ReadOnlySpan<byte> shape = Kind == TokenKind.Keyword ? Text : default;
        (int lanes, int bits, bool isFloat) = shape.SequenceEqual("i8x16"u8) ? (16, 8, false)
            : shape.SequenceEqual("i16x8"u8) ? (8, 16, false)
            : shape.SequenceEqual("i32x4"u8) ? (4, 32, false)
            : shape.SequenceEqual("i64x2"u8) ? (2, 64, false)
            : shape.SequenceEqual("f32x4"u8) ? (4, 32, true)
            : shape.SequenceEqual("f64x2"u8) ? (2, 64, true)
            : default;
        if (lanes == 0)
            Unexpected("a shape such as i32x4");
        Advance();
        int written = 0;
        while (_tokens[_at + written].Kind is TokenKind.Natural or TokenKind.Integer or TokenKind.Float)
            written++;
        if (_tokens[_at + written].Kind == TokenKind.Keyword && !Keywords.IsKnown(TextOf(_at + written)))
            Fail(_at + written, $"unknown operator {Encoding.UTF8.GetString(TextOf(_at + written))}");
        if (written != lanes)
            Fail(_at + Math.Min(written, lanes), $"wrong number of lane literals: {lanes} expected");
        for (int i = 0; i < lanes; i++)
        {
            ulong value = isFloat ? Float(bits) : Integer(bits);
            for (int shift = 0; shift < bits; shift += 8)
                code.Byte((byte)(value >> shift));
        }
    }

    private void CastBranch(ByteBuffer code)
    {
        uint label = Label();
        _immediate.Clear();
        bool sourceNull = SplitReferenceType(_immediate);
        bool targetNull = SplitReferenceType(_immediate);
        code.Byte((byte)((sourceNull ? 1 : 0) | (targetNull ? 2 : 0)));
        code.U32(label);
        code.Bytes(_immediate);
    }

    private void CatchClauses(ByteBuffer code)
    {
        uint count = 0;
        _immediate.Clear();
        for (; Kind == TokenKind.Open; count++)
        {
            int kind = Is(_at + 1, "catch"u8) ? 0 : Is(_at + 1, "catch_ref"u8) ? 1 : Is(_at + 1, "catch_all"u8) ? 2 : Is(_at + 1, "catch_all_ref"u8) ? 3 : -1;
            if (kind < 0)
                break;
            Advance();
            Advance();
            _immediate.Byte((byte)kind);
            if (kind < 2)
                _immediate.U32(Index(IndexSpace.Tag));
            _immediate.U32(Label());
            Close();
        }

        code.U32(count);
        code.Bytes(_immediate);
    }

    /// <summary>A block's label, if it has one, and the name that an annotation gives it instead.</summary>
    private int OptionalLabel(out byte[]? name)
    {
        int symbol = OptionalSymbol();
        name = Current.Annotated ? TakeName() : null;
        return symbol;
    }

    /// <summary>Opens the label of the frame on top.</summary>
    private void PushLabel(int symbol, byte[]? name)
    {
        ref Frame frame = ref _frames[_frameCount - 1];
        frame.Label = symbol;
        if (symbol >= 0)
        {
            frame.Shadowed = _symbols[symbol].Label;
            _symbols[symbol].Label = _labelDepth;
        }

        if (_inFunction && _options.EmitNames && (name != null || symbol >= 0))
            _labelNames.Add(_functionIndex, _labelOrdinal, name ?? _symbols.Name(symbol));
        _labelDepth++;
        _labelOrdinal++;
    }

    /// <summary>Closes the frame on top and its label.</summary>
    private void PopLabel()
    {
        ref Frame frame = ref _frames[--_frameCount];
        _labelDepth--;
        if (frame.Label >= 0)
            _symbols[frame.Label].Label = frame.Shadowed;
    }

    /// <summary>The label that may be repeated behind <c>else</c> and <c>end</c>.</summary>
    private void MatchLabel()
    {
        if (Kind != TokenKind.Identifier)
            return;
        if (_frames[_frameCount - 1].Label != SymbolOf(_at))
            Fail(_at, $"mismatching label {Encoding.UTF8.GetString(Text)}");
        Advance();
    }
}

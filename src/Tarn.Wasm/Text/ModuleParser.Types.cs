// Types (specification 6.4): value, heap and reference types, type definitions with recursion groups, and type uses. A type use without an index
// means the first function type defined just so, which is added behind all others if the module has none (6.6.3); hence the index over
// the encoded signatures. A recursion group of several types, a type with supertypes and one that refers to itself are never meant.
namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private readonly ByteBuffer _types = new(256);
    private readonly ByteBuffer _parameters = new();
    private readonly ByteBuffer _results = new();
    private readonly ByteBuffer _signature = new();
    private readonly ByteBuffer _fields = new();
    private readonly List<DefinedType> _definedTypes = [];
    private readonly Dictionary<int, int> _signatureHeads = [];
    private Dictionary<(uint Type, int Symbol), uint>? _fieldIndices;
    private int _typeEntries;
    private int _parameterCount;
    private int _resultCount;
    private long _largestTypeUsed;
    private uint _largestUnknownType;
    private int _unknownTypeToken;

    /// <summary>What identifiers of parameters mean.</summary>
    private enum ParameterNames
    {
        Refused,
        Ignored,
        Bound,
    }

    /// <summary>A type as far as type uses care: where its signature is encoded (length 0 if it is not a function type) and the next of its hash.</summary>
    private record struct DefinedType(int Start, int Length, int Parameters, int Next);

    internal static bool TryNumericType(ReadOnlySpan<byte> word, out byte code)
    {
        code = word switch
        {
            [(byte)'i', (byte)'3', (byte)'2'] => 0x7F,
            [(byte)'i', (byte)'6', (byte)'4'] => 0x7E,
            [(byte)'f', (byte)'3', (byte)'2'] => 0x7D,
            [(byte)'f', (byte)'6', (byte)'4'] => 0x7C,
            [(byte)'v', (byte)'1', (byte)'2', (byte)'8'] => 0x7B,
            _ => 0,
        };
        return code != 0;
    }

    internal static bool TryAbstractHeapType(ReadOnlySpan<byte> word, out byte code)
    {
        code = word.SequenceEqual("func"u8) ? (byte)0x70
            : word.SequenceEqual("extern"u8) ? (byte)0x6F
            : word.SequenceEqual("any"u8) ? (byte)0x6E
            : word.SequenceEqual("eq"u8) ? (byte)0x6D
            : word.SequenceEqual("i31"u8) ? (byte)0x6C
            : word.SequenceEqual("struct"u8) ? (byte)0x6B
            : word.SequenceEqual("array"u8) ? (byte)0x6A
            : word.SequenceEqual("exn"u8) ? (byte)0x69
            : word.SequenceEqual("none"u8) ? (byte)0x71
            : word.SequenceEqual("noextern"u8) ? (byte)0x72
            : word.SequenceEqual("nofunc"u8) ? (byte)0x73
            : word.SequenceEqual("noexn"u8) ? (byte)0x74
            : (byte)0;
        return code != 0;
    }

    /// <summary>The nullable abbreviations: <c>funcref</c> and the like, where <c>nullref</c> and its kin stand for the bottom types.</summary>
    internal static bool TryReferenceAbbreviation(ReadOnlySpan<byte> word, out byte code)
    {
        code = 0;
        if (!word.EndsWith("ref"u8))
            return false;
        ReadOnlySpan<byte> heap = word[..^3];
        if (!heap.StartsWith("null"u8))
            return !heap.StartsWith("no"u8) && TryAbstractHeapType(heap, out code);
        code = heap.Length == 4 ? (byte)0x71
            : heap.SequenceEqual("nullextern"u8) ? (byte)0x72
            : heap.SequenceEqual("nullfunc"u8) ? (byte)0x73
            : heap.SequenceEqual("nullexn"u8) ? (byte)0x74
            : (byte)0;
        return code != 0;
    }

    private readonly bool AtReferenceType => Kind == TokenKind.Keyword ? TryReferenceAbbreviation(Text, out _) : AtForm("ref"u8);

    private void ValueType(ByteBuffer target)
    {
        if (Kind == TokenKind.Keyword && TryNumericType(Text, out byte code))
        {
            target.Byte(code);
            Advance();
            return;
        }

        if (!AtReferenceType)
            Unexpected("a value type");
        ReferenceType(target);
    }

    private void ReferenceType(ByteBuffer target)
    {
        if (Kind == TokenKind.Keyword && TryReferenceAbbreviation(Text, out byte code))
        {
            target.Byte(code);
            Advance();
            return;
        }

        if (!TryForm("ref"u8))
            Unexpected("a reference type");
        bool nullable = TryKeyword("null"u8);
        bool isAbstract = Kind == TokenKind.Keyword;
        if (!nullable || !isAbstract)
            target.Byte(nullable ? (byte)0x63 : (byte)0x64);
        HeapType(target);
        Close();
    }

    /// <summary>A reference type whose heap type and nullability are encoded apart.</summary>
    private bool SplitReferenceType(ByteBuffer heapType)
    {
        if (Kind == TokenKind.Keyword && TryReferenceAbbreviation(Text, out byte code))
        {
            heapType.Byte(code);
            Advance();
            return true;
        }

        if (!TryForm("ref"u8))
            Unexpected("a reference type");
        bool nullable = TryKeyword("null"u8);
        HeapType(heapType);
        Close();
        return nullable;
    }

    private void HeapType(ByteBuffer target)
    {
        if (Kind == TokenKind.Keyword && TryAbstractHeapType(Text, out byte code))
        {
            target.Byte(code);
            Advance();
            return;
        }

        if (!AtIndex)
            Unexpected("a heap type");
        uint index = Index(IndexSpace.Type);
        _largestTypeUsed = Math.Max(_largestTypeUsed, index);
        target.Signed(index);
    }

    private void StorageType(ByteBuffer target)
    {
        if (TryKeyword("i8"u8))
            target.Byte(0x78);
        else if (TryKeyword("i16"u8))
            target.Byte(0x77);
        else
            ValueType(target);
    }

    private void FieldType(ByteBuffer target)
    {
        if (TryForm("mut"u8))
        {
            StorageType(target);
            target.Byte(1);
            Close();
        }
        else
        {
            StorageType(target);
            target.Byte(0);
        }
    }

    /// <summary>A <c>(type …)</c> field; the parser stands behind its opening parenthesis.</summary>
    private void TypeField(bool alone)
    {
        Keyword("type"u8);
        uint index = (uint)_definedTypes.Count;
        BindName(IndexSpace.Type, (int)index);
        _largestTypeUsed = -1;
        if (TryForm("sub"u8))
        {
            bool final = TryKeyword("final"u8);
            _fields.Clear();
            uint supertypes = 0;
            for (; AtIndex; supertypes++)
                _fields.U32(Index(IndexSpace.Type));
            bool plain = final && supertypes == 0;
            if (!plain)
            {
                _types.Byte(final ? (byte)0x4F : (byte)0x50);
                _types.U32(supertypes);
                _types.Bytes(_fields);
            }

            CompositeType(index, alone && plain);
            Close();
        }
        else
        {
            CompositeType(index, alone);
        }

        Close();
    }

    private void RecursionGroup()
    {
        Keyword("rec"u8);
        int count = 0;
        for (int at = _at; _tokens[at].Kind == TokenKind.Open; at = _tokens[at].Match + 1)
            count++;
        _typeEntries++;
        if (count != 1)
        {
            _types.Byte(0x4E);
            _types.U32((uint)count);
        }

        while (Kind != TokenKind.Close)
        {
            Open();
            TypeField(alone: count == 1);
        }

        Close();
    }

    private void CompositeType(uint index, bool meantByTypeUses)
    {
        int start = _types.Count;
        if (TryForm("func"u8))
        {
            Signature(ParameterNames.Ignored);
            Close();
            EncodeSignature(_types);
            DefineSignature(start, meantByTypeUses && _largestTypeUsed < index);
            return;
        }

        if (TryForm("array"u8))
        {
            _types.Byte(0x5E);
            FieldType(_types);
            Close();
        }
        else if (TryForm("struct"u8))
        {
            StructFields(index);
        }
        else
        {
            Unexpected("a function, struct or array type");
        }

        _definedTypes.Add(new DefinedType(start, 0, 0, -1));
    }

    private void StructFields(uint index)
    {
        _fields.Clear();
        uint count = 0;
        while (TryForm("field"u8))
        {
            int token = _at;
            int symbol = OptionalSymbol();
            if (symbol >= 0)
            {
                _fieldIndices ??= [];
                if (!_fieldIndices.TryAdd((index, symbol), count))
                    Fail(token, "duplicate field");
            }

            if (symbol >= 0 || Current.Annotated)
            {
                NoteName(ref _fieldNames, index, count, symbol);
                FieldType(_fields);
                count++;
            }

            for (; symbol < 0 && Kind != TokenKind.Close; count++)
                FieldType(_fields);
            Close();
        }

        Close();
        _types.Byte(0x5F);
        _types.U32(count);
        _types.Bytes(_fields);
    }

    private uint FieldIndex(uint type)
    {
        if (Kind != TokenKind.Identifier)
            return U32("a field index");
        if (_fieldIndices == null || !_fieldIndices.TryGetValue((type, SymbolOf(_at)), out uint index))
        {
            Fail(_at, $"unknown field {System.Text.Encoding.UTF8.GetString(Text)}");
            return 0;
        }

        Advance();
        return index;
    }

    /// <summary>Parameters and results, encoded into the scratch buffers.</summary>
    private void Signature(ParameterNames names)
    {
        _parameters.Clear();
        _results.Clear();
        _parameterCount = 0;
        _resultCount = 0;
        while (TryForm("param"u8))
        {
            if (Kind == TokenKind.Identifier || (Current.Annotated && names == ParameterNames.Bound))
            {
                if (names == ParameterNames.Bound)
                    BindLocal((uint)_parameterCount);
                else if (names == ParameterNames.Ignored)
                    Advance();
                else
                    Unexpected("a value type: parameters have no names here");
                ValueType(_parameters);
                _parameterCount++;
            }
            else
            {
                for (; Kind != TokenKind.Close; _parameterCount++)
                    ValueType(_parameters);
            }

            Close();
        }

        while (TryForm("result"u8))
        {
            for (; Kind != TokenKind.Close; _resultCount++)
                ValueType(_results);
            Close();
        }
    }

    private void EncodeSignature(ByteBuffer target)
    {
        target.Byte(0x60);
        target.U32((uint)_parameterCount);
        target.Bytes(_parameters);
        target.U32((uint)_resultCount);
        target.Bytes(_results);
    }

    /// <summary>Makes the signature that has just been encoded the next type.</summary>
    private void DefineSignature(int start, bool meantByTypeUses)
    {
        int length = _types.Count - start;
        int next = -1;
        if (meantByTypeUses && FindSignature(_types.Slice(start, length), out int hash) < 0)
        {
            next = _signatureHeads.GetValueOrDefault(hash, -1);
            _signatureHeads[hash] = _definedTypes.Count;
        }

        _definedTypes.Add(new DefinedType(start, length, _parameterCount, next));
    }

    private readonly int FindSignature(ReadOnlySpan<byte> signature, out int hash)
    {
        HashCode code = default;
        code.AddBytes(signature);
        hash = code.ToHashCode();
        int at = _signatureHeads.GetValueOrDefault(hash, -1);
        while (at >= 0 && !_types.Slice(_definedTypes[at].Start, _definedTypes[at].Length).SequenceEqual(signature))
            at = _definedTypes[at].Next;
        return at;
    }

    /// <summary>A type use; afterwards the scratch counts say how many parameters and results were written out.</summary>
    /// <returns>The index that was named; -1 where there was none.</returns>
    private long WrittenTypeUse(ParameterNames names)
    {
        long index = -1;
        int token = _at;
        if (TryForm("type"u8))
        {
            token = _at;
            index = Index(IndexSpace.Type);
            Close();
        }

        Signature(names);
        if (index < 0)
            return -1;
        if (_parameterCount == 0 && _resultCount == 0)
        {
            if (index < _definedTypes.Count)
            {
                _parameterCount = _definedTypes[(int)index].Parameters;
            }
            else if (names == ParameterNames.Bound && index >= _largestUnknownType)
            {
                _largestUnknownType = (uint)index;
                _unknownTypeToken = token;
            }

            return index;
        }

        if (AtForm("param"u8))
            Unexpected("no parameters behind results");
        if (index >= _definedTypes.Count)
            Fail(token, $"unknown type {index}");
        _signature.Clear();
        EncodeSignature(_signature);
        DefinedType type = _definedTypes[(int)index];
        if (!_types.Slice(type.Start, type.Length).SequenceEqual(_signature.Span))
            Fail(token, "inline function type: parameters and results differ from those of the type that is named");
        return index;
    }

    /// <summary>The index of the function type in the scratch buffers, added if the module has none.</summary>
    private uint ImplicitType()
    {
        _signature.Clear();
        EncodeSignature(_signature);
        int index = FindSignature(_signature.Span, out _);
        if (index >= 0)
            return (uint)index;
        int start = _types.Count;
        _types.Bytes(_signature);
        _typeEntries++;
        DefineSignature(start, meantByTypeUses: true);
        return (uint)_definedTypes.Count - 1;
    }

    private uint TypeUse(ParameterNames names)
    {
        long index = WrittenTypeUse(names);
        return index < 0 ? ImplicitType() : (uint)index;
    }

    private void BlockType(ByteBuffer target)
    {
        long index = WrittenTypeUse(ParameterNames.Refused);
        if (index >= 0)
            target.Signed(index);
        else if (_parameterCount == 0 && _resultCount == 0)
            target.Byte(0x40);
        else if (_parameterCount == 0 && _resultCount == 1)
            target.Bytes(_results);
        else
            target.Signed(ImplicitType());
    }

    /// <summary>A function's own type by a number that only a later type use gives a meaning: its locals were numbered without knowing its parameters.</summary>
    private readonly void CheckTypesKnown()
    {
        if (_largestUnknownType != 0 && _largestUnknownType < _definedTypes.Count)
            Fail(_unknownTypeToken, "unknown type: it is implicit, and nothing above has added it yet");
    }
}

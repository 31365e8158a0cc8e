// Tables, element and data segments (specification 6.6.6 to 6.6.9).
//
// An element segment that lists functions by index takes the compact encodings (flags 0 to 3), one of expressions the others (4 to 7), so that printing
// and parsing again keeps the encoding.
namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private readonly ByteBuffer _offset = new();
    private readonly ByteBuffer _items = new();
    private readonly ByteBuffer _elementType = new();

    private enum SegmentMode : byte
    {
        Active = 0,
        Passive = 1,
        Declarative = 3,
    }

    private void Table()
    {
        if (Head(IndexSpace.Table, out int index))
            return;
        _tableCount++;
        int first = _at;
        bool is64 = AddressType();
        if (AtReferenceType)
        {
            InlineElements((uint)index, is64);
            return;
        }

        _at = first;
        _elementType.Clear();
        TableType(_elementType);
        if (Kind == TokenKind.Close)
        {
            _tables.Bytes(_elementType);
            return;
        }

        _tables.Byte(0x40);
        _tables.Byte(0x00);
        _tables.Bytes(_elementType);
        Expression(_tables);
    }

    private void InlineElements(uint table, bool is64)
    {
        _elementType.Clear();
        ReferenceType(_elementType);
        if (!TryForm("elem"u8))
            Unexpected("(elem …)");
        _items.Clear();
        bool expressions = Kind == TokenKind.Open || !IsFunctionReference();
        uint count = expressions && Kind != TokenKind.Open ? FunctionExpressions() : expressions ? ItemList() : FunctionList();
        Close();
        _tables.Bytes(_elementType);
        _tables.Byte(is64 ? (byte)5 : (byte)1);
        _tables.U32(count);
        _tables.U32(count);
        _next[(int)IndexSpace.Element]++;
        _offset.Clear();
        ZeroOffset(_offset, is64);
        EmitElements(SegmentMode.Active, table, hasTable: table != 0, expressions, count);
    }

    private void ElementSegment()
    {
        Advance();
        BindName(IndexSpace.Element, _next[(int)IndexSpace.Element]++);
        SegmentMode mode = SegmentMode.Passive;
        uint table = 0;
        bool writtenTable = false;
        if (TryKeyword("declare"u8))
        {
            mode = SegmentMode.Declarative;
        }
        else if (Kind == TokenKind.Natural)
        {
            // The form of 1.0: the table's index without a word.
            mode = SegmentMode.Active;
            table = U32("a table index");
            _offset.Clear();
            Offset(_offset);
        }
        else if (AtForm("table"u8) || (Kind == TokenKind.Open && !AtForm("ref"u8)))
        {
            mode = SegmentMode.Active;
            if (TryForm("table"u8))
            {
                writtenTable = true;
                table = Index(IndexSpace.Table);
                Close();
            }

            _offset.Clear();
            Offset(_offset);
        }

        _items.Clear();
        _elementType.Clear();
        bool expressions = AtReferenceType;
        uint count;
        if (expressions)
        {
            ReferenceType(_elementType);
            count = ItemList();
        }
        else
        {
            bool keyword = TryKeyword("func"u8);
            if (!keyword && (mode != SegmentMode.Active || writtenTable))
                Unexpected("func or a reference type");
            count = FunctionList();
        }

        EmitElements(mode, table, hasTable: table != 0, expressions, count);
    }

    private void EmitElements(SegmentMode mode, uint table, bool hasTable, bool expressions, uint count)
    {
        bool active = mode == SegmentMode.Active;
        bool withTable = active && (hasTable || (expressions && !(_elementType.Count == 1 && _elementType.Span[0] == 0x70)));
        _elements.Byte((byte)((byte)mode | (withTable ? 2 : 0) | (expressions ? 4 : 0)));
        if (withTable)
            _elements.U32(table);
        if (active)
            _elements.Bytes(_offset);
        if (!active || withTable)
        {
            if (expressions)
                _elements.Bytes(_elementType);
            else
                _elements.Byte(0);
        }

        _elements.U32(count);
        _elements.Bytes(_items);
    }

    /// <summary>Whether the element type is one that a list of functions has: <c>funcref</c> or <c>(ref func)</c>.</summary>
    private readonly bool IsFunctionReference() => _elementType.Span is [0x70] or [0x64, 0x70];

    private uint FunctionList()
    {
        uint count = 0;
        for (; AtIndex; count++)
            _items.U32(Index(IndexSpace.Function));
        return count;
    }

    private uint FunctionExpressions()
    {
        uint count = 0;
        for (; AtIndex; count++)
        {
            _items.Byte(0xD2);
            _items.U32(Index(IndexSpace.Function));
            _items.Byte(0x0B);
        }

        return count;
    }

    private uint ItemList()
    {
        uint count = 0;
        for (; Kind == TokenKind.Open; count++)
        {
            if (TryForm("item"u8))
            {
                Expression(_items);
                Close();
            }
            else
            {
                FoldedExpression(_items);
            }
        }

        return count;
    }

    /// <summary><c>(offset …)</c> or a single folded instruction.</summary>
    private void Offset(ByteBuffer target)
    {
        if (TryForm("offset"u8))
        {
            Expression(target);
            Close();
        }
        else
        {
            FoldedExpression(target);
        }
    }

    private void DataSegment()
    {
        Advance();
        BindName(IndexSpace.Data, _next[(int)IndexSpace.Data]++);
        if (Kind is TokenKind.Open or TokenKind.Natural)
        {
            // The form of 1.0 has the memory's index without a word.
            uint memory = Kind == TokenKind.Natural ? U32("a memory index") : 0;
            if (TryForm("memory"u8))
            {
                memory = Index(IndexSpace.Memory);
                Close();
            }

            ActiveData(memory);
            Offset(_datas);
        }
        else
        {
            _datas.Byte(1);
        }

        _items.Clear();
        while (Kind == TokenKind.String)
        {
            StringLiteral.AppendTo(_items, Text);
            Advance();
        }

        _datas.Counted(_items.Span);
    }

    private readonly void ActiveData(uint memory)
    {
        _datas.Byte(memory == 0 ? (byte)0 : (byte)2);
        if (memory != 0)
            _datas.U32(memory);
    }
}

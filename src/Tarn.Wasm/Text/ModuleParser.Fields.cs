// Module fields (specification 6.6) with their abbreviations (inline imports, exports and segments), and the assembly of the sections.
using System.Numerics;

namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private static readonly byte[] s_header = [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00];

    private readonly int[] _declared = new int[(int)IndexSpace.Count];
    private readonly int[] _next = new int[(int)IndexSpace.Count];
    private readonly ByteBuffer _imports = new();
    private readonly ByteBuffer _functions = new();
    private readonly ByteBuffer _tables = new();
    private readonly ByteBuffer _memories = new();
    private readonly ByteBuffer _tags = new();
    private readonly ByteBuffer _globals = new();
    private readonly ByteBuffer _exports = new();
    private readonly ByteBuffer _elements = new();
    private readonly ByteBuffer _codes = new();
    private readonly ByteBuffer _datas = new();
    private readonly ByteBuffer _limits = new();
    private int _importCount;
    private int _functionCount;
    private int _tableCount;
    private int _memoryCount;
    private int _globalCount;
    private int _tagCount;
    private int _exportCount;
    private long _start = -1;
    private bool _needsDataCount;
    private string? _firstDefinition;

    // The kinds of imports and exports, by their code in the binary format.
    private static ReadOnlySpan<IndexSpace> ExternalSpaces => [IndexSpace.Function, IndexSpace.Table, IndexSpace.Memory, IndexSpace.Global, IndexSpace.Tag];

    public byte[] ParseModule()
    {
        if (!AtForm("module"u8))
        {
            if (Kind == TokenKind.Open && _tokens[_at + 1].Kind == TokenKind.Keyword && !Keywords.IsKnown(TextOf(_at + 1)))
                Fail(_at + 1, $"unknown operator {System.Text.Encoding.UTF8.GetString(TextOf(_at + 1))}");
            return Module(-1);
        }

        // What stands before the module itself belongs to nothing.
        Current.Annotated = false;
        Advance();
        Advance();
        if (Kind == TokenKind.Keyword)
            TryKeyword("definition"u8);
        int name = OptionalSymbol();
        byte[] bytes;
        if (TryKeyword("binary"u8))
        {
            bytes = Strings();
        }
        else if (TryKeyword("quote"u8))
        {
            bytes = WatParser.Parse(Strings(), $"{_fileName ?? "text"} (quoted module)", _options);
        }
        else
        {
            bytes = Module(name);
        }

        Close();
        if (Kind != TokenKind.End)
            Unexpected("the end: a module is all there is");
        return bytes;
    }

    /// <summary>The fields of a module up to the end.</summary>
    public byte[] ParseFields()
    {
        byte[] bytes = Module(-1);
        if (Kind != TokenKind.End)
            Unexpected("the end of the module");
        return bytes;
    }

    private byte[] Strings()
    {
        ByteBuffer buffer = new();
        while (Kind == TokenKind.String)
        {
            StringLiteral.AppendTo(buffer, Text);
            Advance();
        }

        return buffer.ToArray();
    }

    private byte[] Module(int name)
    {
        if (name >= 0)
            _moduleName = _symbols.Name(name).ToArray();
        int first = _at;
        Declare();
        DefineTypes();
        _at = first;
        _nextAnnotation = 0;
        Array.Clear(_next);
        bool atStart = true, named = false;
        while (true)
        {
            if (Current.Annotated)
            {
                TakeModuleAnnotations(atStart, named);
                named |= atStart && _moduleName != null;
            }

            atStart = false;
            if (Kind is TokenKind.Close or TokenKind.End)
                break;
            if (_options.Positions is TextPositions positions)
                MarkedField(positions);
            else
                Field();
        }

        CheckTypesKnown();
        if (Current.Annotated)
            RefuseAnnotations();
        return Assemble();
    }

    /// <summary>The first walk: counts and names what the fields define.</summary>
    private void Declare()
    {
        for (int at = _at; _tokens[at].Kind == TokenKind.Open; at = _tokens[at].Match + 1)
        {
            int keyword = at + 1;
            if (_tokens[keyword].Kind != TokenKind.Keyword)
                return;
            if (Is(keyword, "rec"u8))
            {
                for (int type = keyword + 1; _tokens[type].Kind == TokenKind.Open; type = _tokens[type].Match + 1)
                    Declare(IndexSpace.Type, type + 2);
                continue;
            }

            if (Is(keyword, "import"u8))
            {
                if (!DeclareImports(keyword))
                    return;
                continue;
            }

            if (!TrySpace(keyword, out IndexSpace space))
                continue;
            Declare(space, keyword + 1);
            if (space is IndexSpace.Table or IndexSpace.Memory && HasInlineSegment(keyword, space))
                _declared[(int)(space == IndexSpace.Table ? IndexSpace.Element : IndexSpace.Data)]++;
        }
    }

    // (import "module" "name" (kind id? …)), (import "module" (item "name" (kind id? …))*) or (import "module" (item "name")* (kind …)). Nothing more is declared where it is none of them.
    private readonly bool DeclareImports(int keyword)
    {
        if (_tokens[keyword + 1].Kind != TokenKind.String)
            return false;
        if (_tokens[keyword + 2].Kind == TokenKind.String)
            return DeclareImported(keyword + 3);
        int untyped = 0;
        for (int at = keyword + 2; _tokens[at].Kind == TokenKind.Open; at = _tokens[at].Match + 1)
        {
            if (!Is(at + 1, "item"u8))
            {
                if (!TrySpace(at + 1, out IndexSpace shared) || shared > IndexSpace.Tag || shared == IndexSpace.Type)
                    return false;
                _declared[(int)shared] += untyped;
                return true;
            }

            if (_tokens[at + 2].Kind != TokenKind.String)
                return false;
            if (_tokens[at + 3].Kind != TokenKind.Open)
                untyped++;
            else if (!DeclareImported(at + 3))
                return false;
        }

        return true;
    }

    private readonly bool DeclareImported(int open)
    {
        if (_tokens[open].Kind != TokenKind.Open || !TrySpace(open + 1, out IndexSpace imported) || imported > IndexSpace.Tag || imported == IndexSpace.Type)
            return false;
        Declare(imported, open + 2);
        return true;
    }

    private readonly void Declare(IndexSpace space, int token)
    {
        int index = _declared[(int)space]++;
        if (_tokens[token].Kind != TokenKind.Identifier)
            return;
        ref int known = ref _symbols.Index(SymbolOf(token), space);
        if (known >= 0)
            Fail(token, $"duplicate {NameOf(space)} {System.Text.Encoding.UTF8.GetString(TextOf(token))}");
        known = index;
    }

    private readonly bool HasInlineSegment(int keyword, IndexSpace space)
    {
        ReadOnlySpan<byte> form = space == IndexSpace.Table ? "elem"u8 : "data"u8;
        for (int at = keyword + 1; _tokens[at].Kind is not (TokenKind.Close or TokenKind.End); at++)
        {
            if (_tokens[at].Kind != TokenKind.Open)
                continue;
            if (Is(at + 1, form))
                return true;
            at = _tokens[at].Match;
        }

        return false;
    }

    private readonly bool TrySpace(int token, out IndexSpace space)
    {
        ReadOnlySpan<byte> word = TextOf(token);
        space = word.SequenceEqual("func"u8) ? IndexSpace.Function
            : word.SequenceEqual("type"u8) ? IndexSpace.Type
            : word.SequenceEqual("global"u8) ? IndexSpace.Global
            : word.SequenceEqual("memory"u8) ? IndexSpace.Memory
            : word.SequenceEqual("table"u8) ? IndexSpace.Table
            : word.SequenceEqual("tag"u8) ? IndexSpace.Tag
            : word.SequenceEqual("elem"u8) ? IndexSpace.Element
            : word.SequenceEqual("data"u8) ? IndexSpace.Data
            : IndexSpace.Count;
        return space != IndexSpace.Count;
    }

    /// <summary>Types come first, since type uses are compared with all of them.</summary>
    private void DefineTypes()
    {
        while (Kind == TokenKind.Open)
        {
            int next = Current.Match + 1;
            bool single = Is(_at + 1, "type"u8);
            if (single || Is(_at + 1, "rec"u8))
            {
                _at++;
                _options.Positions?.Field(1, _types.Count, _tokens[_at]);
                if (single)
                {
                    _typeEntries++;
                    TypeField(alone: true);
                }
                else
                {
                    RecursionGroup();
                }
            }

            _at = next;
        }
    }

    private void Field()
    {
        int open = _at;
        Open();
        if (Kind != TokenKind.Keyword)
            Fail(_at, $"unknown operator: expected a module field, found {System.Text.Encoding.UTF8.GetString(Text)}");
        ReadOnlySpan<byte> word = Text;
        if (word.SequenceEqual("type"u8) || word.SequenceEqual("rec"u8))
        {
            _at = _tokens[open].Match + 1;
            return;
        }

        if (word.SequenceEqual("func"u8))
            Function();
        else if (word.SequenceEqual("import"u8))
            Import();
        else if (word.SequenceEqual("export"u8))
            Export();
        else if (word.SequenceEqual("global"u8))
            Global();
        else if (word.SequenceEqual("memory"u8))
            Memory();
        else if (word.SequenceEqual("table"u8))
            Table();
        else if (word.SequenceEqual("tag"u8))
            Tag();
        else if (word.SequenceEqual("elem"u8))
            ElementSegment();
        else if (word.SequenceEqual("data"u8))
            DataSegment();
        else if (word.SequenceEqual("start"u8))
            Start();
        else
            Unexpected("a module field");
        Close();
    }

    // A field in its own words: what it adds to each section is its.
    private void MarkedField(TextPositions positions)
    {
        int open = _at;
        ReadOnlySpan<byte> sections = [2, 3, 4, 5, 6, 7, 9, 11, 13];
        Span<int> before = stackalloc int[sections.Length];
        for (int i = 0; i < sections.Length; i++)
            before[i] = ItemsOf(sections[i]).Count;
        Field();
        for (int i = 0; i < sections.Length; i++)
        {
            if (ItemsOf(sections[i]).Count > before[i])
                positions.Field(sections[i], before[i], _tokens[open + 1]);
        }
    }

    private readonly ByteBuffer ItemsOf(byte section) => section switch
    {
        1 => _types,
        2 => _imports,
        3 => _functions,
        4 => _tables,
        5 => _memories,
        6 => _globals,
        7 => _exports,
        9 => _elements,
        10 => _codes,
        11 => _datas,
        _ => _tags,
    };

    private void Import()
    {
        if (_firstDefinition != null)
            Fail(_at, $"import after {_firstDefinition}");
        Advance();
        int start = _imports.Count;
        Name(_imports);
        _importCount++;
        if (Kind != TokenKind.String && (_options.Features & WasmFeatures.CompactImports) != 0)
        {
            ImportGroup(start);
            return;
        }

        Name(_imports);
        Import(_imports);
    }

    private void Import(ByteBuffer target)
    {
        Open();
        IndexSpace space = ImportedSpace();
        int index = _next[(int)space]++;
        BindNameOf(space, index);
        ImportedType(space, target);
        Close();
    }

    private IndexSpace ImportedSpace()
    {
        if (!TrySpace(_at, out IndexSpace space) || space is IndexSpace.Type or > IndexSpace.Tag)
            Unexpected("func, table, memory, global or tag");
        Advance();
        return space;
    }

    // item* of one form, and for items without types the type that they share. A group of nothing imports nothing, and is not written: a module does not know of it, so it would be gone when printed.
    private void ImportGroup(int start)
    {
        var items = new ByteBuffer();
        int count = 0;
        bool isTyped = true;
        while (TryForm("item"u8))
        {
            Name(items);
            bool hasType = Kind == TokenKind.Open;
            if (count++ == 0)
                isTyped = hasType;
            else if (isTyped != hasType)
                Unexpected(isTyped ? "the item's type" : "')': the items share the type behind them");
            if (hasType)
                Import(items);
            Close();
        }

        bool sharesType = (count == 0 || !isTyped) && Kind == TokenKind.Open;
        if (count > 0 && !isTyped && !sharesType)
            Unexpected("the type that the items share");
        _imports.U32(0);
        _imports.Byte(sharesType ? (byte)0x7E : (byte)0x7F);
        if (sharesType)
        {
            Open();
            IndexSpace space = ImportedSpace();
            if (Kind == TokenKind.Identifier)
                Fail(_at, "identifier not allowed: the items share their type");
            _next[(int)space] += count;
            ImportedType(space, _imports, ParameterNames.Ignored);
            Close();
        }

        if (count == 0)
        {
            _imports.Truncate(start);
            _importCount--;
            return;
        }

        _imports.U32((uint)count);
        _imports.Bytes(items);
    }

    /// <summary>As BindName; parameters that follow belong to this function.</summary>
    private void BindNameOf(IndexSpace space, int index)
    {
        BindName(space, index);
        if (space == IndexSpace.Function)
        {
            _functionIndex = (uint)index;
            _functionStamp++;
        }
    }

    private void ImportedType(IndexSpace space, ByteBuffer target, ParameterNames names = ParameterNames.Bound)
    {
        target.Byte((byte)ExternalSpaces.IndexOf(space));
        switch (space)
        {
            case IndexSpace.Function:
                target.U32(TypeUse(names));
                break;
            case IndexSpace.Table:
                TableType(target);
                break;
            case IndexSpace.Memory:
                MemoryType(target);
                break;
            case IndexSpace.Global:
                FieldTypeOfGlobal(target);
                break;
            default:
                target.Byte(0);
                target.U32(TypeUse(ParameterNames.Ignored));
                break;
        }
    }

    /// <summary>The head that definitions share: identifier, inline exports, inline import. True where it is an import, which is then complete.</summary>
    private bool Head(IndexSpace space, out int index)
    {
        int field = _at;
        Advance();
        index = _next[(int)space]++;
        BindNameOf(space, index);
        while (TryForm("export"u8))
        {
            Name(_exports);
            _exports.Byte((byte)ExternalSpaces.IndexOf(space));
            _exports.U32((uint)index);
            _exportCount++;
            Close();
        }

        if (!TryForm("import"u8))
        {
            _firstDefinition ??= NameOf(space);
            return false;
        }

        if (_firstDefinition != null)
            Fail(field, $"import after {_firstDefinition}");
        _importCount++;
        Name(_imports);
        Name(_imports);
        Close();
        ImportedType(space, _imports);
        return true;
    }

    private void Export()
    {
        Advance();
        Name(_exports);
        Open();
        if (!TrySpace(_at, out IndexSpace space) || space is IndexSpace.Type or > IndexSpace.Tag)
            Unexpected("func, table, memory, global or tag");
        Advance();
        _exports.Byte((byte)ExternalSpaces.IndexOf(space));
        _exports.U32(Index(space));
        _exportCount++;
        Close();
    }

    private void Start()
    {
        if (_start >= 0)
            Fail(_at, "multiple start sections");
        Advance();
        _start = Index(IndexSpace.Function);
    }

    private void Global()
    {
        if (Head(IndexSpace.Global, out _))
            return;
        _globalCount++;
        FieldTypeOfGlobal(_globals);
        Expression(_globals);
    }

    private void FieldTypeOfGlobal(ByteBuffer target)
    {
        bool mutable = TryForm("mut"u8);
        ValueType(target);
        target.Byte(mutable ? (byte)1 : (byte)0);
        if (mutable)
            Close();
    }

    private void Tag()
    {
        if (Head(IndexSpace.Tag, out _))
            return;
        _tagCount++;
        _tags.Byte(0);
        _tags.U32(TypeUse(ParameterNames.Ignored));
    }

    private bool AddressType()
    {
        if (TryKeyword("i64"u8))
            return true;
        TryKeyword("i32"u8);
        return false;
    }

    private ulong Limit()
    {
        int token = _at;
        ulong value = U64("a size");
        if (value > uint.MaxValue && (_options.Features & WasmFeatures.Memory64) == 0)
            Fail(token, "i32 constant out of range");
        return value;
    }

    /// <summary>Minimum and optional maximum, whose flags go first; further flags may be told later.</summary>
    private byte Limits()
    {
        _limits.Clear();
        _limits.U64(Limit());
        if (Kind != TokenKind.Natural)
            return 0;
        _limits.U64(Limit());
        return 1;
    }

    private void TableType(ByteBuffer target)
    {
        bool is64 = AddressType();
        byte flags = Limits();
        ReferenceType(target);
        target.Byte((byte)(flags | (is64 ? 4 : 0)));
        target.Bytes(_limits);
    }

    private void MemoryType(ByteBuffer target)
    {
        bool is64 = AddressType();
        if (AtForm("pagesize"u8))
            Fail(_at + 1, "unexpected token 'pagesize', expected a size: a page size, which needs the feature CustomPageSizes, stands behind it, as in (memory 5 (pagesize 1))");
        int flags = Limits() | (is64 ? 4 : 0);
        if (TryKeyword("shared"u8))
            flags |= 2;
        int pageSize = PageSize();
        target.Byte((byte)(pageSize == 16 ? flags : flags | 8));
        target.Bytes(_limits);
        if (pageSize != 16)
            target.U32((uint)pageSize);
    }

    /// <summary>Log2 of the page size.</summary>
    private int PageSize()
    {
        if (!TryForm("pagesize"u8))
            return 16;
        int token = _at;
        ulong size = U64("a page size in bytes");
        if (!BitOperations.IsPow2(size))
            Fail(token, "invalid custom page size: it must be a power of two");
        Close();
        return BitOperations.Log2(size);
    }

    private void Memory()
    {
        if (Head(IndexSpace.Memory, out int index))
            return;
        _memoryCount++;
        int first = _at;
        bool is64 = AddressType();
        int pageSize = PageSize();
        if (!TryForm("data"u8))
        {
            _at = first;
            MemoryType(_memories);
            return;
        }

        byte[] bytes = Strings();
        Close();
        ulong pages = ((ulong)bytes.Length + (1UL << pageSize) - 1) >> pageSize;
        _memories.Byte((byte)(1 | (is64 ? 4 : 0) | (pageSize == 16 ? 0 : 8)));
        _memories.U64(pages);
        _memories.U64(pages);
        if (pageSize != 16)
            _memories.U32((uint)pageSize);
        _next[(int)IndexSpace.Data]++;
        ActiveData((uint)index);
        ZeroOffset(_datas, is64);
        _datas.Counted(bytes);
    }

    private static void ZeroOffset(ByteBuffer target, bool is64)
    {
        target.Byte(is64 ? (byte)0x42 : (byte)0x41);
        target.Byte(0);
        target.Byte(0x0B);
    }

    private byte[] Assemble()
    {
        ByteBuffer module = new(1024);
        module.Bytes(s_header);
        for (int order = 0; order < SectionOrder.Length; order++)
        {
            Customs(module, (order * 3) + 1);
            EmitSection(module, SectionOrder[order]);
            Customs(module, (order * 3) + 3);
        }

        Customs(module, AfterLast);
        ByteBuffer names = NameSection();
        if (names.Count != 0 && !HasCustom("name"u8))
            Custom(module, "name"u8, names.Span);
        return module.ToArray();
    }

    private readonly void Customs(ByteBuffer module, int place)
    {
        if (_customs == null)
            return;
        foreach (CustomSection custom in _customs)
        {
            if (custom.Place != place && !(custom.Place == 0 && place == 1))
                continue;
            module.Byte(0);
            module.Counted(custom.Content);
        }
    }

    private readonly bool HasCustom(ReadOnlySpan<byte> name)
    {
        if (_customs == null)
            return false;
        ByteBuffer counted = new();
        counted.Counted(name);
        foreach (CustomSection custom in _customs)
        {
            if (custom.Content.AsSpan().StartsWith(counted.Span))
                return true;
        }

        return false;
    }

    private static void Custom(ByteBuffer module, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        ByteBuffer section = new(content.Length + 16);
        section.Counted(name);
        section.Bytes(content);
        module.Byte(0);
        module.Counted(section.Span);
    }

    private readonly void EmitSection(ByteBuffer module, byte id)
    {
        switch (id)
        {
            case 1:
                Vector(module, id, _typeEntries, _types);
                break;
            case 2:
                Vector(module, id, _importCount, _imports);
                break;
            case 3:
                Vector(module, id, _functionCount, _functions);
                break;
            case 4:
                Vector(module, id, _tableCount, _tables);
                break;
            case 5:
                Vector(module, id, _memoryCount, _memories);
                break;
            case 6:
                Vector(module, id, _globalCount, _globals);
                break;
            case 7:
                Vector(module, id, _exportCount, _exports);
                break;
            case 8 when _start >= 0:
                ByteBuffer start = new();
                start.U32((uint)_start);
                module.Byte(id);
                module.Counted(start.Span);
                break;
            case 9:
                Vector(module, id, _next[(int)IndexSpace.Element], _elements);
                break;
            case 10:
                if (_hints != null)
                    HintSection(module);
                Vector(module, id, _functionCount, _codes);
                break;
            case 11:
                Vector(module, id, _next[(int)IndexSpace.Data], _datas);
                break;
            case 12 when _needsDataCount:
                ByteBuffer count = new();
                count.U32((uint)_next[(int)IndexSpace.Data]);
                module.Byte(id);
                module.Counted(count.Span);
                break;
            case 13:
                Vector(module, id, _tagCount, _tags);
                break;
            default:
                break;
        }
    }

    private readonly void HintSection(ByteBuffer module)
    {
        ByteBuffer content = new();
        content.U32(_hintedFunctions);
        content.Bytes(_hints!);
        Custom(module, "metadata.code.branch_hint"u8, content.Span);
    }

    private readonly void Vector(ByteBuffer module, byte id, int count, ByteBuffer content)
    {
        if (count == 0)
            return;
        ByteBuffer prefix = new(5);
        prefix.U32((uint)count);
        module.Byte(id);
        module.U32((uint)(prefix.Count + content.Count));
        module.Bytes(prefix);
        module.Bytes(content);
        _options.Positions?.Section(id, module.Count - content.Count, content.Count);
    }
}

// Writes a decoded module as text, so that parsing the text gives a module equal to it: the same indices, the same instructions, names and custom
// sections in their places. Parsing a print and printing that again changes nothing any more. The module need not be valid: whatever decodes is printed,
// with numbers where names or types cannot be told.
//
// The parts: this one writes fields, Types the types, Code bodies, Instructions single instructions, Folded the tree for folded output.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Text;

/// <summary>Prints modules.</summary>
internal sealed partial class WatPrinter
{
    // Sections in the order of the binary format.
    private static readonly SectionId[] s_order =
    [
        SectionId.Type, SectionId.Import, SectionId.Function, SectionId.Table, SectionId.Memory, SectionId.Tag, SectionId.Global, SectionId.Export, SectionId.Start, SectionId.Element,
        SectionId.DataCount, SectionId.Code, SectionId.Data,
    ];

    private readonly WasmModule _module;
    private readonly WatPrintOptions _options;
    private readonly PrintedNames _names;
    private readonly TextOutput _output;
    private Dictionary<(int Function, int Offset), byte>? _hints;

    private WatPrinter(WasmModule module, Stream? stream, WatPrintOptions? options)
    {
        _module = module;
        _options = options ?? WatPrintOptions.Default;
        _names = new PrintedNames(module);
        _output = new TextOutput(stream);
    }

    /// <summary>The text of a module, in UTF-8.</summary>
    /// <exception cref="MalformedModuleException">A function's body is malformed (the rest was seen to when the module was decoded).</exception>
    public static byte[] Print(WasmModule module, WatPrintOptions? options = null)
    {
        WatPrinter printer = new(module, null, options);
        printer.Module();
        return printer._output.Span.ToArray();
    }

    /// <summary>Writes the text of a module to a stream piece by piece.</summary>
    /// <exception cref="MalformedModuleException">A function's body is malformed; what came before it has been written.</exception>
    public static void Print(WasmModule module, Stream stream, WatPrintOptions? options = null)
    {
        WatPrinter printer = new(module, stream, options);
        printer.Module();
        printer._output.Flush();
    }

    /// <summary>The text of one function that the module defines, as a field of the module.</summary>
    /// <exception cref="MalformedModuleException">The function's body is malformed.</exception>
    public static byte[] PrintFunction(WasmModule module, int functionIndex, WatPrintOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(functionIndex, module.ImportedFunctionCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(functionIndex, module.Functions.Length);
        WatPrinter printer = new(module, null, options);
        printer.FunctionField(functionIndex);
        printer.Write("\n"u8);
        return printer._output.Span.TrimStart((byte)'\n').ToArray();
    }

    private void Module()
    {
        bool hinted = TryReadHints();
        Write("(module"u8);
        if (_names.Section.ModuleName is string name)
        {
            _names.CountPrinted();
            if (name.Length == 0)
            {
                Write(" (@name \"\")"u8);
            }
            else
            {
                _output.Space();
                Write(TextOutput.Identifier(name));
            }
        }

        _output.Depth = 1;
        CustomSections(hinted);
        TypeSection();
        for (int i = 0, group = 0; i < _module.Imports.Length; i++)
        {
            if (group < _module.ImportGroups.Length && _module.ImportGroups[group].First == i)
            {
                ImportGroupField(_module.ImportGroups[group]);
                i += _module.ImportGroups[group++].Count - 1;
            }
            else
            {
                ImportField(_module.Imports[i]);
            }
        }

        for (int i = _module.ImportedTableCount; i < _module.Tables.Length; i++)
            TableField(i);
        for (int i = _module.ImportedMemoryCount; i < _module.Memories.Length; i++)
            MemoryField(i);
        for (int i = _module.ImportedTagCount; i < _module.Tags.Length; i++)
            TagField(i);
        for (int i = _module.ImportedGlobalCount; i < _module.Globals.Length; i++)
            GlobalField(i);
        foreach (ref readonly Export export in _module.Exports)
            ExportField(export);
        if (_module.StartFunction >= 0)
        {
            Open("start"u8);
            _output.Space();
            Reference(IndexSpace.Function, _module.StartFunction);
            _output.Close();
        }

        for (int i = 0; i < _module.Elements.Length; i++)
            ElementField(i);
        for (int i = _module.ImportedFunctionCount; i < _module.Functions.Length; i++)
            FunctionField(i);
        for (int i = 0; i < _module.Data.Length; i++)
            DataField(i);
        if (!_names.AreComplete())
            NameSections();
        _output.Depth = 0;
        Write(")\n"u8);
    }

    private void Write(ReadOnlySpan<byte> text) => _output.Write(text);

    private void Write(string text) => _output.Write(text);

    /// <summary>Starts a field on a line of its own.</summary>
    private void Open(ReadOnlySpan<byte> keyword)
    {
        _output.Line();
        Write("("u8);
        Write(keyword);
    }

    /// <summary>A field's name and its index as a comment.</summary>
    private void Define(IndexSpace space, int index)
    {
        _names.Define(_output, space, index);
        if (!_options.IndexComments)
            return;
        Write(" (;"u8);
        _output.Number(index);
        Write(";)"u8);
    }

    /// <summary>A use of an item by identifier or number.</summary>
    private void Reference(IndexSpace space, long index) => Reference(_output, space, index);

    private void Reference(TextOutput target, IndexSpace space, long index)
    {
        if (_names.Identifier(space, (int)Math.Min(index, int.MaxValue)) is string identifier)
            target.Write(identifier);
        else
            target.Number(index);
    }

    private void ImportField(in Import import)
    {
        Open("import "u8);
        _output.Name(import.Module);
        _output.Space();
        _output.Name(import.Name);
        ImportedType(import, isNamed: true);
        Write(")"u8);
    }

    private void ImportGroupField(in ImportGroup group)
    {
        ReadOnlySpan<Import> imports = _module.Imports.Slice(group.First, group.Count);
        Open("import "u8);
        _output.Name(imports[0].Module);
        foreach (ref readonly Import import in imports)
        {
            Write(" (item "u8);
            _output.Name(import.Name);
            if (!group.SharesType)
                ImportedType(import, isNamed: true);
            Write(")"u8);
        }

        // A type that is shared names none of them.
        if (group.SharesType)
            ImportedType(imports[0], isNamed: false);
        Write(")"u8);
    }

    private void ImportedType(in Import import, bool isNamed)
    {
        Write(" ("u8);
        Write(KeywordOf(import.Kind));
        if (isNamed)
            Define(SpaceOf(import.Kind), import.Index);
        _output.Space();
        switch (import.Kind)
        {
            case ExternalKind.Function:
                FunctionType(import.Index);
                break;
            case ExternalKind.Table:
                TableType(_module.Tables[import.Index]);
                break;
            case ExternalKind.Memory:
                MemoryType(_module.Memories[import.Index]);
                break;
            case ExternalKind.Global:
                GlobalType(_module.Globals[import.Index]);
                break;
            default:
                TypeUse(_output, _module.Tags[import.Index].TypeIndex);
                break;
        }

        Write(")"u8);
    }

    private void ExportField(in Export export)
    {
        Open("export "u8);
        _output.Name(export.Name);
        Write(" ("u8);
        Write(KeywordOf(export.Kind));
        _output.Space();
        Reference(SpaceOf(export.Kind), export.Index);
        Write("))"u8);
    }

    private void TableField(int index)
    {
        Open("table"u8);
        Define(IndexSpace.Table, index);
        _output.Space();
        TableType(_module.Tables[index]);
        ConstantExpression initial = _module.TableInitializers[index - _module.ImportedTableCount];
        if (initial.IsPresent)
            Expression(initial, keyword: default);
        _output.Close();
    }

    private void MemoryField(int index)
    {
        Open("memory"u8);
        Define(IndexSpace.Memory, index);
        _output.Space();
        MemoryType(_module.Memories[index]);
        _output.Close();
    }

    private void TagField(int index)
    {
        Open("tag"u8);
        Define(IndexSpace.Tag, index);
        _output.Space();
        TypeUse(_output, _module.Tags[index].TypeIndex);
        _output.Close();
    }

    private void GlobalField(int index)
    {
        Open("global"u8);
        Define(IndexSpace.Global, index);
        _output.Space();
        GlobalType(_module.Globals[index]);
        Expression(_module.GlobalInitializers[index - _module.ImportedGlobalCount], keyword: default);
        _output.Close();
    }

    private void ElementField(int index)
    {
        ElementSegment segment = _module.Elements[index];
        Open("elem"u8);
        Define(IndexSpace.Element, index);
        if (segment.Mode == SegmentMode.Declarative)
            Write(" declare"u8);
        if (segment.Mode == SegmentMode.Active)
        {
            if (segment.Table != 0)
            {
                Write(" (table "u8);
                Reference(IndexSpace.Table, segment.Table);
                _output.Close();
            }

            Expression(segment.Start, "offset"u8);
        }

        _output.Space();
        if (segment.HasExpressions)
            ValueType(_output, segment.Type);
        else
            Write("func"u8);
        WasmReader reader = _module.Read(segment);
        for (int i = 0; i < segment.Count; i++)
        {
            if (!segment.HasExpressions)
            {
                _output.Space();
                Reference(IndexSpace.Function, reader.ReadVarU32());
                continue;
            }

            int start = reader.Position;
            InstructionSkipper.SkipExpression(ref reader);
            Expression(new ConstantExpression(start, reader.Position - start), "item"u8);
        }

        _output.Close();
    }

    private void DataField(int index)
    {
        const int LineLength = 64;
        DataSegment segment = _module.Data[index];
        Open("data"u8);
        Define(IndexSpace.Data, index);
        if (segment.Mode == SegmentMode.Active)
        {
            if (segment.Memory != 0)
            {
                Write(" (memory "u8);
                Reference(IndexSpace.Memory, segment.Memory);
                _output.Close();
            }

            Expression(segment.Start, "offset"u8);
        }

        ReadOnlySpan<byte> bytes = _module.Read(segment);
        if (bytes.Length <= LineLength)
        {
            _output.Space();
            _output.Bytes(bytes);
        }
        else
        {
            _output.Depth++;
            for (int at = 0; at < bytes.Length; at += LineLength)
            {
                _output.Line();
                _output.Bytes(bytes.Slice(at, Math.Min(LineLength, bytes.Length - at)));
            }

            _output.Depth--;
        }

        _output.Close();
    }

    private void CustomSections(bool hinted)
    {
        foreach (ref readonly CustomSection section in _module.CustomSections)
        {
            if (section.Name == "name")
                continue;
            if (hinted && section.Name == CodeMetadata.BranchHintSection)
            {
                hinted = false;
                continue;
            }

            CustomSectionField(section);
        }
    }

    private void NameSections()
    {
        foreach (ref readonly CustomSection section in _module.CustomSections)
        {
            if (section.Name == "name")
                CustomSectionField(section);
        }
    }

    private void CustomSectionField(in CustomSection section)
    {
        Open("@custom "u8);
        _output.Name(section.Name);
        SectionId after = PrintedPlace(section.After);
        if (after == SectionId.Custom)
        {
            Write(" (before first)"u8);
        }
        else if (after != LastSection())
        {
            Write(" (after "u8);
            Write(KeywordOf(after));
            _output.Close();
        }

        _output.Space();
        _output.Bytes(_module.Read(section));
        _output.Close();
    }

    /// <summary>The place of a custom section among the sections that the printed module will have: those without contents are not printed, and nothing can be behind them.</summary>
    private SectionId PrintedPlace(SectionId after)
    {
        for (int i = Array.IndexOf(s_order, after); i >= 0; i--)
        {
            if (IsPrinted(s_order[i]))
                return s_order[i];
        }

        return SectionId.Custom;
    }

    private bool IsPrinted(SectionId section) => section switch
    {
        SectionId.Type => _module.Types.Length > 0,
        SectionId.Import => _module.Imports.Length > 0,
        SectionId.Function or SectionId.Code => _module.Bodies.Length > 0,
        SectionId.Table => _module.Tables.Length > _module.ImportedTableCount,
        SectionId.Memory => _module.Memories.Length > _module.ImportedMemoryCount,
        SectionId.Tag => _module.Tags.Length > _module.ImportedTagCount,
        SectionId.Global => _module.Globals.Length > _module.ImportedGlobalCount,
        SectionId.Export => _module.Exports.Length > 0,
        SectionId.Start => _module.StartFunction >= 0,
        SectionId.Element => _module.Elements.Length > 0,
        SectionId.DataCount => _module.DeclaredDataCount > 0,
        SectionId.Data => _module.Data.Length > 0,
        _ => true,
    };

    /// <summary>The last section that the printed module will have; what follows it needs no word on its place.</summary>
    private SectionId LastSection() =>
        _module.Data.Length != 0 ? SectionId.Data
        : _module.Bodies.Length != 0 ? SectionId.Code
        : _module.Elements.Length != 0 ? SectionId.Element
        : _module.StartFunction >= 0 ? SectionId.Start
        : _module.Exports.Length != 0 ? SectionId.Export
        : SectionId.Custom;

    /// <summary>Branch hints as annotations: possible where each one is at a branch, says yes or no, and the section is where the parser puts it.</summary>
    private bool TryReadHints()
    {
        if (!_module.TryGetCustomSection(CodeMetadata.BranchHintSection, out CustomSection section) || section.After is SectionId.Code or SectionId.Data)
            return false;
        CodeAnnotation[] annotations = CodeMetadata.Read(_module, CodeMetadata.BranchHintSection);
        Dictionary<(int Function, int Offset), byte> hints = [];
        foreach (ref readonly CodeAnnotation annotation in annotations.AsSpan())
        {
            int body = annotation.Function - _module.ImportedFunctionCount;
            if ((uint)body >= (uint)_module.Bodies.Length || CodeMetadata.BranchHint(_module, annotation) is not bool hint)
                return false;
            hints.Add((annotation.Function, annotation.Offset), hint ? (byte)1 : (byte)0);
        }

        if (hints.Count == 0 || !AllAtBranches(annotations, hints))
            return false;
        _hints = hints;
        return true;
    }

    private bool AllAtBranches(CodeAnnotation[] annotations, Dictionary<(int Function, int Offset), byte> hints)
    {
        int found = 0, last = -1;
        foreach (ref readonly CodeAnnotation annotation in annotations.AsSpan())
        {
            if (annotation.Function == last)
                continue;
            last = annotation.Function;
            int body = last - _module.ImportedFunctionCount;
            WasmReader reader = _module.ReadBody(body);
            for (uint groups = reader.ReadVarU32(); groups > 0; groups--)
                reader.ReadLocalGroup(out _);
            while (!reader.IsAtEnd)
            {
                int offset = reader.Position - _module.Bodies[body].Offset;
                if (InstructionSkipper.Skip(ref reader) is Opcode.If or Opcode.BrIf && hints.ContainsKey((last, offset)))
                    found++;
            }
        }

        return found == hints.Count;
    }

    private static IndexSpace SpaceOf(ExternalKind kind) => kind switch
    {
        ExternalKind.Function => IndexSpace.Function,
        ExternalKind.Table => IndexSpace.Table,
        ExternalKind.Memory => IndexSpace.Memory,
        ExternalKind.Global => IndexSpace.Global,
        _ => IndexSpace.Tag,
    };

    private static ReadOnlySpan<byte> KeywordOf(ExternalKind kind) => kind switch
    {
        ExternalKind.Function => "func"u8,
        ExternalKind.Table => "table"u8,
        ExternalKind.Memory => "memory"u8,
        ExternalKind.Global => "global"u8,
        _ => "tag"u8,
    };

    private static ReadOnlySpan<byte> KeywordOf(SectionId section) => section switch
    {
        SectionId.Type => "type"u8,
        SectionId.Import => "import"u8,
        SectionId.Function => "func"u8,
        SectionId.Table => "table"u8,
        SectionId.Memory => "memory"u8,
        SectionId.Global => "global"u8,
        SectionId.Export => "export"u8,
        SectionId.Start => "start"u8,
        SectionId.Element => "elem"u8,
        SectionId.Code => "code"u8,
        SectionId.Data => "data"u8,
        SectionId.DataCount => "datacount"u8,
        _ => "tag"u8,
    };
}

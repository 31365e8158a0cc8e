// Decodes a module's sections into a WasmModule. Checks the binary format alone: order and sizes of sections, encodings, counts; what the indices mean
// is the validator's business. Function bodies are left as ranges.
//
// Hostile input: lists grow as items are read, and a count beyond what the rest of its section could hold fails before anything is allocated, so memory is
// bounded by a small multiple of the input. There is no recursion.
namespace Tarn.Wasm.Binary;

/// <summary>Decoder of the binary format. Used once.</summary>
internal sealed partial class ModuleDecoder
{
    // Rank of each section by its id: sections come in rising rank, custom sections (0) anywhere.
    private static readonly byte[] s_rank = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

    // Flags of limits that need a feature, and what they say.
    private static readonly (int Flag, string What, WasmFeatures Feature)[] s_limitsFlags =
    [
        (2, "a shared memory", WasmFeatures.Threads),
        (8, "a page size of a memory's own", WasmFeatures.CustomPageSizes),
        (4, "a 64-bit memory or table", WasmFeatures.Memory64),
    ];

    private readonly WasmModule _module;
    private readonly WasmFeatures _features;
    private readonly List<SubType> _types = [];
    private readonly List<RecursionGroup> _groups = [];
    private readonly List<Import> _imports = [];
    private readonly List<ImportGroup> _importGroups = [];
    private readonly List<int> _functions = [];
    private readonly List<CoreTableType> _tables = [];
    private readonly List<CoreMemoryType> _memories = [];
    private readonly List<CoreGlobalType> _globals = [];
    private readonly List<CoreTagType> _tags = [];
    private readonly List<CustomSection> _customSections = [];
    private int _functionCount;
    private int _codeCount;
    private int _bodiesRead;

    // Where an item stands, for whoever decodes a second time to say so in an error. The decoder keeps no offsets of items that nobody asks for.
    private SectionId _soughtSection = SectionId.Custom;
    private int _soughtItem;
    private int _foundAt;

    public ModuleDecoder(ReadOnlyMemory<byte> bytes, WasmFeatures features)
    {
        _module = new WasmModule(bytes, features);
        _features = features;
    }

    /// <summary>The byte offset of an item of a section, in a module that has been decoded; of the section's contents where it has no such item.</summary>
    /// <param name="module">The module.</param>
    /// <param name="section">The section.</param>
    /// <param name="item">The item's number in the section; of types, the type index.</param>
    public static int OffsetOf(WasmModule module, SectionId section, int item)
    {
        ModuleDecoder decoder = new(module.Bytes, module.Features) { _soughtSection = section, _soughtItem = item, _foundAt = module.SectionOffset(section) };
        decoder.Decode();
        return decoder._foundAt;
    }

    public WasmModule Decode()
    {
        ReadOnlySpan<byte> bytes = _module.Bytes.Span;
        if (bytes.Length > ImplementationLimits.ModuleSize)
            MalformedModuleException.Throw($"module too large: {bytes.Length} bytes; the implementation limit is {ImplementationLimits.ModuleSize}", 0);
        ReadHeader(bytes);
        try
        {
            ReadSections(bytes);
        }
        catch (MalformedModuleException) when (_bodiesRead > 0)
        {
            BodyStructure.ThrowIfMalformed(_module, _bodiesRead);
            throw;
        }

        _module.TypeArray = [.. _types];
        _module.RecursionGroupArray = [.. _groups];
        _module.ImportArray = [.. _imports];
        _module.ImportGroups = [.. _importGroups];
        _module.FunctionArray = [.. _functions];
        _module.TableArray = [.. _tables];
        _module.MemoryArray = [.. _memories];
        _module.GlobalArray = [.. _globals];
        _module.TagArray = [.. _tags];
        _module.CustomSectionArray = [.. _customSections];
        return _module;
    }

    private void ReadSections(ReadOnlySpan<byte> bytes)
    {
        WasmReader reader = new(bytes, 8, bytes.Length, _features);
        SectionId last = SectionId.Custom;
        while (!reader.IsAtEnd)
            ReadSection(ref reader, ref last);

        // Compared at the end, as a second section of the kind is the likelier mistake and is reported for itself.
        if (_functionCount != _codeCount)
        {
            int at = _module.SectionOffset(_codeCount > 0 ? SectionId.Code : SectionId.Function);
            MalformedModuleException.Throw($"function and code section have inconsistent lengths: {_functionCount} functions declared, {_codeCount} bodies", at);
        }

        if (_module.DeclaredDataCount >= 0 && _module.DeclaredDataCount != _module.DataArray.Length)
            MalformedModuleException.Throw($"data count and data section have inconsistent lengths: {_module.DeclaredDataCount} segments declared, {_module.DataArray.Length} present", bytes.Length);
    }

    private static void ReadHeader(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 4 && !bytes.StartsWith("\0asm"u8))
            MalformedModuleException.Throw("magic header not detected: a module starts with the bytes 00 61 73 6d", 0);
        if (bytes.Length < 8)
            MalformedModuleException.Throw("unexpected end: a module has at least eight bytes, the magic number and the version", bytes.Length);
        if (!bytes[4..].StartsWith((ReadOnlySpan<byte>)[1, 0, 0, 0]))
        {
            MalformedModuleException.Throw(
                bytes[6] == 1 ? "unknown binary version: this is a component; only core modules are supported" : "unknown binary version: only version 1 is known", 4);
        }
    }

    private void ReadSection(ref WasmReader reader, ref SectionId last)
    {
        int at = reader.Position;
        // Two files that were put together. Read as a custom section, this could never be right.
        if (_module.Bytes.Span[at..].StartsWith("\0asm\u0001\0\0\0"u8))
            MalformedModuleException.Throw("length out of bounds: the module ends here and a second one begins; give one module at a time", at);
        byte id = reader.ReadByte();
        if (id >= s_rank.Length || (id == (byte)SectionId.Tag && (_features & WasmFeatures.Exceptions) == 0))
            MalformedModuleException.Throw($"malformed section id {id}", at);
        SectionId section = (SectionId)id;
        if (section != SectionId.Custom)
        {
            if (s_rank[id] <= s_rank[(int)last])
                MalformedModuleException.Throw($"unexpected content after last section: the section {section} is repeated or out of order", at);
            last = section;
        }

        int sizeAt = reader.Position;
        uint size = reader.ReadVarU32();
        if (size > (uint)reader.Remaining)
            MalformedModuleException.Throw($"length out of bounds: unexpected end, as section {section} declares {size} bytes and {reader.Remaining} follow", sizeAt);
        int moduleEnd = reader.Enter((int)size);
        _module.SectionOffsets[id] = reader.Position;
        ReadContents(ref reader, section, last);
        if (!reader.IsAtEnd)
            MalformedModuleException.Throw($"section size mismatch: section {section} has {reader.Remaining} bytes too many", reader.Position);
        reader.Leave(moduleEnd);
    }

    private void ReadContents(ref WasmReader reader, SectionId section, SectionId last)
    {
        switch (section)
        {
            case SectionId.Custom:
                string name = reader.ReadName();
                _customSections.Add(new CustomSection(name, reader.Position, reader.Remaining, last));
                reader.Skip(reader.Remaining);
                break;
            case SectionId.Type:
                ReadTypes(ref reader);
                break;
            case SectionId.Import:
                ReadImports(ref reader);
                break;
            case SectionId.Function:
                _functionCount = reader.ReadCount(ImplementationLimits.Functions, "functions");
                for (int i = 0; i < _functionCount; i++)
                {
                    Item(section, i, reader);
                    _functions.Add(reader.ReadIndex());
                }

                CheckLimit(ref reader, _functions.Count, ImplementationLimits.Functions, "functions");
                break;
            case SectionId.Table:
                ReadTables(ref reader);
                break;
            case SectionId.Memory:
                int memories = reader.ReadCount(ImplementationLimits.Memories, "memories");
                for (int i = 0; i < memories; i++)
                {
                    Item(section, i, reader);
                    _memories.Add(ReadMemoryType(ref reader));
                }

                CheckLimit(ref reader, _memories.Count, ImplementationLimits.Memories, "memories");
                break;
            case SectionId.Tag:
                int tags = reader.ReadCount(ImplementationLimits.Tags, "tags", 2);
                for (int i = 0; i < tags; i++)
                {
                    Item(section, i, reader);
                    _tags.Add(ReadTagType(ref reader));
                }

                CheckLimit(ref reader, _tags.Count, ImplementationLimits.Tags, "tags");
                break;
            case SectionId.Global:
                ReadGlobals(ref reader);
                break;
            case SectionId.Export:
                ReadExports(ref reader);
                break;
            case SectionId.Start:
                _module.StartFunction = reader.ReadIndex();
                break;
            case SectionId.Element:
                ReadElements(ref reader);
                break;
            case SectionId.DataCount:
                _module.DeclaredDataCount = reader.ReadIndex();
                break;
            case SectionId.Code:
                ReadCode(ref reader);
                break;
            case SectionId.Data:
                ReadData(ref reader);
                break;
        }
    }

    private void Item(SectionId section, int item, in WasmReader reader)
    {
        if (section == _soughtSection && item == _soughtItem)
            _foundAt = reader.Position;
    }

    private static void CheckLimit(ref WasmReader reader, int count, int limit, string what)
    {
        if (count > limit)
            reader.Fail($"too many {what}: {count}, imports counted; the implementation limit is {limit}");
    }

    private void ReadTypes(ref WasmReader reader)
    {
        int count = reader.ReadCount(ImplementationLimits.Types, "types", 2);
        for (int i = 0; i < count; i++)
        {
            int at = reader.Position;
            if (reader.PeekByte() == 0x4E && RequireGc(at))
            {
                reader.ReadByte();
                int length = reader.ReadCount(ImplementationLimits.Types, "types of a recursion group", 2);
                _groups.Add(new RecursionGroup(_types.Count, length, IsExplicit: true));
                for (int j = 0; j < length; j++)
                    _types.Add(ReadSubType(ref reader));
            }
            else
            {
                _groups.Add(new RecursionGroup(_types.Count, 1, IsExplicit: false));
                _types.Add(ReadSubType(ref reader));
            }

            if (_types.Count > ImplementationLimits.Types)
                MalformedModuleException.Throw($"too many types: the implementation limit is {ImplementationLimits.Types}", at);
        }
    }

    private bool RequireGc(int at)
    {
        if ((_features & WasmFeatures.GarbageCollection) == 0)
            MalformedModuleException.Throw("malformed type: recursion groups, subtypes, structs and arrays need the feature GarbageCollection, which is off", at);
        return true;
    }

    internal SubType ReadSubType(ref WasmReader reader)
    {
        Item(SectionId.Type, _types.Count, reader);
        int at = reader.Position;
        byte form = reader.PeekByte();
        if (form is not (0x50 or 0x4F))
            return new SubType(ReadCompositeType(ref reader), isFinal: true, supertype: -1);
        RequireGc(at);
        reader.ReadByte();
        int supers = (int)Math.Min(reader.ReadVarU32(), int.MaxValue);
        if (supers > 1)
            MalformedModuleException.Throw("malformed sub type: a type has at most one supertype", at);
        int supertype = supers == 1 ? reader.ReadIndex() : -1;
        return new SubType(ReadCompositeType(ref reader), isFinal: form == 0x4F, supertype);
    }

    private CompositeType ReadCompositeType(ref WasmReader reader)
    {
        int at = reader.Position;
        byte form = reader.ReadByte();
        switch (form)
        {
            case 0x60:
                ValType[] parameters = ReadValTypes(ref reader, ImplementationLimits.Parameters, "parameters");
                ValType[] results = ReadValTypes(ref reader, ImplementationLimits.Results, "results");
                if (results.Length > 1 && (_features & WasmFeatures.MultiValue) == 0)
                    MalformedModuleException.Throw("invalid result arity: several results need the feature MultiValue, which is off", at);
                return parameters.Length + results.Length == 0 ? CoreFunctionType.Empty : new CoreFunctionType(parameters, results);
            case 0x5F when RequireGc(at):
                FieldType[] fields = new FieldType[reader.ReadCount(ImplementationLimits.StructFields, "fields of a struct", 2)];
                for (int i = 0; i < fields.Length; i++)
                    fields[i] = ReadFieldType(ref reader);
                return new StructType(fields);
            case 0x5E when RequireGc(at):
                return new ArrayType(ReadFieldType(ref reader));
            default:
                throw new MalformedModuleException($"malformed type: unknown form 0x{form:x2} (integer representation too long where it is a LEB128)", at);
        }
    }

    private static ValType[] ReadValTypes(ref WasmReader reader, int limit, string what)
    {
        int count = reader.ReadCount(limit, what);
        if (count == 0)
            return [];
        ValType[] types = new ValType[count];
        for (int i = 0; i < count; i++)
            types[i] = reader.ReadValType();
        return types;
    }

    private static FieldType ReadFieldType(ref WasmReader reader)
    {
        ValType storage = reader.ReadStorageType();
        return new FieldType(storage, ReadMutability(ref reader));
    }

    private static bool ReadMutability(ref WasmReader reader)
    {
        int at = reader.Position;
        byte flag = reader.ReadByte();
        if (flag > 1)
            MalformedModuleException.Throw($"malformed mutability 0x{flag:x2}: 0 or 1 expected", at);
        return flag == 1;
    }

    // name "" 0x7F (name type)*, or name "" 0x7E type name*
    private void ReadImportGroup(ref WasmReader reader, string module, bool sharesType)
    {
        int first = _imports.Count;
        ImportedType shared = default;
        byte kind = 0;
        if (sharesType)
        {
            int at = reader.Position;
            kind = reader.ReadByte();
            shared = ReadImportedType(ref reader, kind, at);
        }

        for (int count = reader.ReadCount(ImplementationLimits.Imports - first, "imports", sharesType ? 1 : 3); count > 0; count--)
        {
            Item(SectionId.Import, _imports.Count, reader);
            string name = reader.ReadName();
            if (!sharesType)
            {
                int at = reader.Position;
                kind = reader.ReadByte();
                shared = ReadImportedType(ref reader, kind, at);
            }

            AddImport(module, name, kind, shared);
        }

        if (_imports.Count > first)
            _importGroups.Add(new ImportGroup(first, _imports.Count - first, sharesType));
    }

    private ImportedType ReadImportedType(ref WasmReader reader, byte kind, int at)
    {
        if (kind > 4 || (kind == 4 && (_features & WasmFeatures.Exceptions) == 0))
            MalformedModuleException.Throw($"malformed import kind 0x{kind:x2}", at);
        return (ExternalKind)kind switch
        {
            ExternalKind.Function => new ImportedType { Function = reader.ReadIndex() },
            ExternalKind.Table => new ImportedType { Table = ReadTableType(ref reader) },
            ExternalKind.Memory => new ImportedType { Memory = ReadMemoryType(ref reader) },
            ExternalKind.Global => new ImportedType { Global = ReadGlobalType(ref reader) },
            _ => new ImportedType { Tag = ReadTagType(ref reader) },
        };
    }

    private void AddImport(string module, string name, byte kind, in ImportedType type)
    {
        int index;
        switch ((ExternalKind)kind)
        {
            case ExternalKind.Function:
                index = _functions.Count;
                _functions.Add(type.Function);
                break;
            case ExternalKind.Table:
                index = _tables.Count;
                _tables.Add(type.Table);
                break;
            case ExternalKind.Memory:
                index = _memories.Count;
                _memories.Add(type.Memory);
                break;
            case ExternalKind.Global:
                index = _globals.Count;
                _globals.Add(type.Global);
                break;
            default:
                index = _tags.Count;
                _tags.Add(type.Tag);
                break;
        }

        _imports.Add(new Import(module, name, (ExternalKind)kind, index));
    }

    private void ReadImports(ref WasmReader reader)
    {
        for (int count = reader.ReadCount(ImplementationLimits.Imports, "imports", 3); count > 0; count--)
        {
            Item(SectionId.Import, _imports.Count, reader);
            string module = reader.ReadName();
            string name = reader.ReadName();
            int at = reader.Position;
            byte kind = reader.ReadByte();
            if (kind is 0x7E or 0x7F && name.Length == 0 && (_features & WasmFeatures.CompactImports) != 0)
                ReadImportGroup(ref reader, module, sharesType: kind == 0x7E);
            else
                AddImport(module, name, kind, ReadImportedType(ref reader, kind, at));
        }

        _module.ImportedFunctionCount = _functions.Count;
        _module.ImportedTableCount = _tables.Count;
        _module.ImportedMemoryCount = _memories.Count;
        _module.ImportedGlobalCount = _globals.Count;
        _module.ImportedTagCount = _tags.Count;
        CheckLimit(ref reader, _tables.Count, ImplementationLimits.Tables, "tables");
        CheckLimit(ref reader, _memories.Count, ImplementationLimits.Memories, "memories");
    }

    private Limits ReadLimits(ref WasmReader reader, bool isMemory, out bool hasPageSize)
    {
        int at = reader.Position;
        byte flags = reader.ReadByte();
        int allowed = 1;
        if ((_features & WasmFeatures.Memory64) != 0)
            allowed |= 4;
        if (isMemory && (_features & WasmFeatures.Threads) != 0)
            allowed |= 2;
        if (isMemory && (_features & WasmFeatures.CustomPageSizes) != 0)
            allowed |= 8;
        // Flags that mean something elsewhere: what is missing is the feature. The memory's other flags may be in need of one of their own.
        foreach ((int flag, string what, WasmFeatures feature) in s_limitsFlags)
        {
            if ((flags & ~allowed & flag) != 0 && (flags & ~(isMemory ? 15 : 5)) == 0)
                MalformedModuleException.ThrowFeature($"malformed limits flags 0x{flags:x2}: {what} needs the feature {feature}, which is off", feature, at);
        }
        if ((flags & ~allowed) != 0)
            MalformedModuleException.Throw($"malformed limits flags 0x{flags:x2} (integer representation too long or too large where they are a LEB128)", at);
        hasPageSize = (flags & 8) != 0;
        ulong minimum = ReadSize(ref reader);
        ulong maximum = (flags & 1) != 0 ? ReadSize(ref reader) : 0;
        return new Limits(minimum, maximum, HasMaximum: (flags & 1) != 0, Is64: (flags & 4) != 0, IsShared: (flags & 2) != 0);
    }

    private ulong ReadSize(ref WasmReader reader) => (_features & WasmFeatures.Memory64) != 0 ? reader.ReadVarU64() : reader.ReadVarU32();

    internal CoreMemoryType ReadMemoryType(ref WasmReader reader)
    {
        Limits limits = ReadLimits(ref reader, isMemory: true, out bool hasPageSize);
        int pageSizeLog2 = 16;
        if (hasPageSize)
        {
            int at = reader.Position;
            uint log2 = reader.ReadVarU32();
            if (log2 > 64)
                MalformedModuleException.Throw($"invalid custom page size: 2 to the power of {log2}; only 1 and 65536 bytes are allowed", at);
            pageSizeLog2 = (int)log2;
        }

        return new CoreMemoryType(limits, pageSizeLog2);
    }

    internal CoreTableType ReadTableType(ref WasmReader reader)
    {
        ValType element = reader.ReadRefType();
        return new CoreTableType(element, ReadLimits(ref reader, isMemory: false, out _));
    }

    internal static CoreGlobalType ReadGlobalType(ref WasmReader reader)
    {
        ValType type = reader.ReadValType();
        return new CoreGlobalType(type, ReadMutability(ref reader));
    }

    internal static CoreTagType ReadTagType(ref WasmReader reader)
    {
        if (reader.PeekByte() != 0)
            reader.Fail("malformed tag attribute: zero byte expected");
        reader.ReadByte();
        return new CoreTagType(reader.ReadIndex());
    }
}

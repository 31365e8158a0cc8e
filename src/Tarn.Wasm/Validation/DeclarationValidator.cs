// Validates what lies outside of function bodies, once types are canonical: imports, index spaces, limits, constant expressions, segments, exports, start.
// Produces the context for bodies, with the set of functions that ref.func may name.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

/// <summary>Validation of declarations. Used once.</summary>
internal sealed class DeclarationValidator
{
    private readonly WasmModule _module;
    private readonly ValidationContext? _context;
    private readonly FunctionValidator<NullSink>? _expressions;
    private readonly TypeRegistry _registry;
    private readonly int[] _canonical;

    public DeclarationValidator(WasmModule module, TypeRegistry registry, int[] canonical)
    {
        _module = module;
        _registry = registry;
        _canonical = canonical;
        CheckIndexSpaces();
        _context = new ValidationContext(module, registry, canonical);
        _expressions = new FunctionValidator<NullSink>(_context, default);
    }

    public ValidationContext Validate()
    {
        // What element segments and exports mention counts as declared for all of the module, constant expressions included; those add what they name themselves.
        CheckExports();
        CheckStart();
        CheckInitializers();
        CheckElements();
        CheckData();
        return _context!;
    }

    private InvalidModuleException Invalid(SectionId section, string rule) => new(rule, _module.SectionOffset(section));

    private void CheckType(ValType type, SectionId section)
    {
        if (type.IsConcrete && type.Heap.TypeIndex >= _module.TypeArray.Length)
            throw Invalid(section, $"unknown type {type.Heap.TypeIndex}: the module has {_module.TypeArray.Length}");
    }

    private FunctionType RequireFunctionType(int index, SectionId section)
    {
        if (index >= _module.TypeArray.Length)
            throw Invalid(section, $"unknown type {index}: the module has {_module.TypeArray.Length}");
        return _module.TypeArray[index].Composite as FunctionType
            ?? throw Invalid(section, $"type mismatch: type {index} is {_module.TypeArray[index].Composite}, but a function type is needed");
    }

    // Imported items stand first in each space and are told by their section.
    private void CheckIndexSpaces()
    {
        for (int i = 0; i < _module.FunctionArray.Length; i++)
            RequireFunctionType(_module.FunctionArray[i], i < _module.ImportedFunctionCount ? SectionId.Import : SectionId.Function);
        for (int i = 0; i < _module.TableArray.Length; i++)
            CheckTable(_module.TableArray[i], i, i < _module.ImportedTableCount ? SectionId.Import : SectionId.Table);
        for (int i = 0; i < _module.MemoryArray.Length; i++)
            CheckMemory(_module.MemoryArray[i], i, i < _module.ImportedMemoryCount ? SectionId.Import : SectionId.Memory);
        for (int i = 0; i < _module.GlobalArray.Length; i++)
            CheckType(_module.GlobalArray[i].Type, i < _module.ImportedGlobalCount ? SectionId.Import : SectionId.Global);
        for (int i = 0; i < _module.TagArray.Length; i++)
        {
            SectionId section = i < _module.ImportedTagCount ? SectionId.Import : SectionId.Tag;
            if (RequireFunctionType(_module.TagArray[i].TypeIndex, section).ResultCount > 0)
                throw Invalid(section, $"non-empty tag result type: the type of tag {i} must have no results");
        }

        if (_module.TableArray.Length > 1 && (_module.Features & WasmFeatures.ReferenceTypes) == 0)
            throw Invalid(SectionId.Table, "multiple tables need the feature ReferenceTypes, which is off");
        if (_module.MemoryArray.Length > 1 && (_module.Features & WasmFeatures.MultiMemory) == 0)
            throw Invalid(SectionId.Memory, "multiple memories need the feature MultiMemory, which is off");
        if ((_module.Features & WasmFeatures.MutableGlobals) == 0)
        {
            for (int i = 0; i < _module.ImportedGlobalCount; i++)
            {
                if (_module.GlobalArray[i].IsMutable)
                    throw Invalid(SectionId.Import, "mutable globals cannot be imported: the feature MutableGlobals is off");
            }
        }
    }

    private void CheckTable(TableType table, int index, SectionId section)
    {
        CheckType(table.Element, section);
        CheckRange(table.Limits, table.Limits.Is64 ? ulong.MaxValue : uint.MaxValue, $"table size must be at most 2^32-1 elements (table {index})", section);
        if (section == SectionId.Table && !table.Element.IsDefaultable && !_module.TableInitializerArray[index - _module.ImportedTableCount].IsPresent)
            throw Invalid(section, $"type mismatch: table {index} holds the non-null type {table.Element}, so it needs an initial element");
    }

    private void CheckMemory(MemoryType memory, int index, SectionId section)
    {
        if (memory.PageSizeLog2 is not (0 or 16))
            throw Invalid(section, $"invalid custom page size: memory {index} has pages of 2^{memory.PageSizeLog2} bytes; only 1 and 65536 are allowed");

        // All of the address space, less a byte where a count of pages could not say so.
        int addressBits = memory.Limits.Is64 ? 64 : 32;
        ulong most = memory.PageSizeLog2 == 0 ? ulong.MaxValue >> (64 - addressBits) : 1UL << (addressBits - 16);
        string size = (memory.Limits.Is64, memory.PageSizeLog2) switch
        {
            (false, 16) => "65536 pages (4GiB)",
            (true, 16) => "2^48 pages",
            (false, _) => "2^32-1 bytes",
            _ => "2^64-1 bytes",
        };
        CheckRange(memory.Limits, most, $"memory size must be at most {size} (memory {index})", section);
        if (memory.Limits is { IsShared: true, HasMaximum: false })
            throw Invalid(section, $"shared memory must have maximum: memory {index} declares none");
    }

    private void CheckRange(Limits limits, ulong most, string rule, SectionId section)
    {
        if (limits.Minimum > most || (limits.HasMaximum && limits.Maximum > most))
            throw Invalid(section, rule);
        if (limits.HasMaximum && limits.Minimum > limits.Maximum)
            throw Invalid(section, $"size minimum must not be greater than maximum: {limits}");
    }

    private void CheckExports()
    {
        HashSet<string> names = new(_module.ExportArray.Length);
        foreach (Export export in _module.ExportArray)
        {
            int count = export.Kind switch
            {
                ExternalKind.Function => _module.FunctionArray.Length,
                ExternalKind.Table => _module.TableArray.Length,
                ExternalKind.Memory => _module.MemoryArray.Length,
                ExternalKind.Global => _module.GlobalArray.Length,
                _ => _module.TagArray.Length,
            };
            if (export.Index >= count)
                throw Invalid(SectionId.Export, $"unknown {Name(export.Kind)} {export.Index}: export \"{export.Name}\" names it, the module has {count}");
            if (!names.Add(export.Name))
                throw Invalid(SectionId.Export, $"duplicate export name \"{export.Name}\"");
            if (export.Kind == ExternalKind.Function)
                _context!.Declare(export.Index);
            if (export.Kind == ExternalKind.Global && _module.GlobalArray[export.Index].IsMutable && (_module.Features & WasmFeatures.MutableGlobals) == 0)
                throw Invalid(SectionId.Export, "mutable globals cannot be exported: the feature MutableGlobals is off");
        }
    }

    private static string Name(ExternalKind kind) => kind switch
    {
        ExternalKind.Function => "function",
        ExternalKind.Table => "table",
        ExternalKind.Memory => "memory",
        ExternalKind.Global => "global",
        _ => "tag",
    };

    private void CheckStart()
    {
        int start = _module.StartFunction;
        if (start < 0)
            return;
        if (start >= _module.FunctionArray.Length)
            throw Invalid(SectionId.Start, $"unknown function {start}: it is to be the start function, the module has {_module.FunctionArray.Length}");
        FunctionType type = _module.FunctionTypeOf(start);
        if (type.ParameterCount + type.ResultCount > 0)
            throw Invalid(SectionId.Start, $"start function must have type [] -> [], but function {start} has {type}");
    }

    private void CheckInitializers()
    {
        for (int i = 0; i < _module.TableInitializerArray.Length; i++)
        {
            if (_module.TableInitializerArray[i].IsPresent)
                CheckExpression(_module.TableInitializerArray[i], _module.TableArray[_module.ImportedTableCount + i].Element, _module.ImportedGlobalCount);
        }

        // A global sees those before it.
        for (int i = 0; i < _module.GlobalInitializerArray.Length; i++)
        {
            int index = _module.ImportedGlobalCount + i;
            CheckExpression(_module.GlobalInitializerArray[i], _module.GlobalArray[index].Type, index);
        }
    }

    private void CheckElements()
    {
        for (int i = 0; i < _module.ElementArray.Length; i++)
        {
            ElementSegment segment = _module.ElementArray[i];
            CheckType(segment.Type, SectionId.Element);
            if (segment.Mode == SegmentMode.Active)
            {
                if (segment.Table >= _module.TableArray.Length)
                    throw Invalid(SectionId.Element, $"unknown table {segment.Table}: element segment {i} goes there, the module has {_module.TableArray.Length}");
                TableType table = _module.TableArray[segment.Table];
                if (!Subtyping.IsSubtype(segment.Type, table.Element, _registry, _canonical))
                    throw Invalid(SectionId.Element, $"type mismatch: element segment {i} holds {segment.Type}, but table {segment.Table} takes {table.Element}");
                CheckExpression(segment.Start, table.Limits.AddressType, _module.GlobalArray.Length);
            }

            CheckItems(segment, i);
        }
    }

    private void CheckItems(in ElementSegment segment, int index)
    {
        WasmReader reader = _module.Read(segment);
        for (int i = 0; i < segment.Count; i++)
        {
            if (segment.HasExpressions)
            {
                int start = reader.Position;
                InstructionSkipper.SkipExpression(ref reader);
                CheckExpression(new ConstantExpression(start, reader.Position - start), segment.Type, _module.GlobalArray.Length);
                continue;
            }

            int function = reader.ReadIndex();
            if (function >= _module.FunctionArray.Length)
                throw Invalid(SectionId.Element, $"unknown function {function}: item {i} of element segment {index} names it, the module has {_module.FunctionArray.Length}");
            _context!.Declare(function);
        }
    }

    private void CheckData()
    {
        for (int i = 0; i < _module.DataArray.Length; i++)
        {
            DataSegment segment = _module.DataArray[i];
            if (segment.Mode != SegmentMode.Active)
                continue;
            if (segment.Memory >= _module.MemoryArray.Length)
                throw Invalid(SectionId.Data, $"unknown memory {segment.Memory}: data segment {i} goes there, the module has {_module.MemoryArray.Length}");
            CheckExpression(segment.Start, _module.MemoryArray[segment.Memory].Limits.AddressType, _module.GlobalArray.Length);
        }
    }

    // First that only constant instructions occur, then their types, by the validator of function bodies.
    private void CheckExpression(ConstantExpression expression, ValType expected, int visibleGlobals)
    {
        WasmReader reader = _module.Read(expression);
        if (InstructionSkipper.TrySkipConstant(ref reader, out ValType type) && type == expected)
            return;
        reader = _module.Read(expression);
        while (!reader.IsAtEnd)
        {
            int at = reader.Position;
            Opcode opcode = reader.ReadOpcode();
            if (!Opcodes.IsConstant(opcode) || (Opcodes.Category(opcode) == OpcodeCategory.Binary && (_module.Features & WasmFeatures.ExtendedConstants) == 0))
                throw new InvalidModuleException($"constant expression required: {Opcodes.Name(opcode)} is not constant", at, instruction: Opcodes.Name(opcode));
            if (opcode == Opcode.GlobalGet)
            {
                int global = reader.ReadIndex();
                if (global >= visibleGlobals)
                    throw new InvalidModuleException($"unknown global {global}: {visibleGlobals} can be seen from here", at, instruction: Opcodes.Name(opcode));
                if (_module.GlobalArray[global].IsMutable)
                    throw new InvalidModuleException($"constant expression required: global {global} is mutable", at, instruction: Opcodes.Name(opcode));
            }
            else if (opcode == Opcode.RefFunc)
            {
                int function = reader.ReadIndex();
                if (function < _module.FunctionArray.Length)
                    _context!.Declare(function);
            }
            else
            {
                InstructionSkipper.SkipImmediates(ref reader, opcode);
            }
        }

        _expressions!.ValidateExpression(expression, expected);
    }
}

// Validates what is outside of function bodies, once types are canonical: imports, index spaces, limits, constant expressions, segments, exports, start.
// Produces the context for bodies, with the set of functions that ref.func may name.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Validation;

/// <summary>Validation of declarations. Used once.</summary>
internal sealed class DeclarationValidator
{
    private readonly WasmModule _module;
    private readonly ValidationContext? _context;
    private readonly FunctionValidator? _expressions;
    private readonly TypeRegistry _registry;
    private readonly int[] _canonical;

    public DeclarationValidator(WasmModule module, TypeRegistry registry, int[] canonical)
    {
        _module = module;
        _registry = registry;
        _canonical = canonical;
        CheckIndexSpaces();
        _context = new ValidationContext(module, registry, canonical);
        _expressions = new FunctionValidator(_context);
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

    // At an item of a section, by its number there.
    private InvalidModuleException Invalid(SectionId section, int item, string rule) => new(rule, ModuleDecoder.OffsetOf(_module, section, item));

    // At an item of an index space: imported ones stand in the import section.
    private InvalidModuleException Invalid(ExternalKind kind, int index, string rule)
    {
        (SectionId own, int imported) = kind switch
        {
            ExternalKind.Function => (SectionId.Function, _module.ImportedFunctionCount),
            ExternalKind.Table => (SectionId.Table, _module.ImportedTableCount),
            ExternalKind.Memory => (SectionId.Memory, _module.ImportedMemoryCount),
            ExternalKind.Global => (SectionId.Global, _module.ImportedGlobalCount),
            _ => (SectionId.Tag, _module.ImportedTagCount),
        };
        int at = index < imported
            ? ModuleDecoder.OffsetOf(_module, SectionId.Import, Array.FindIndex(_module.ImportArray, import => import.Kind == kind && import.Index == index))
            : ModuleDecoder.OffsetOf(_module, own, index - imported);
        return kind == ExternalKind.Function ? new(rule, at, index, _module.Names.Functions.Find(index)) : new(rule, at);
    }

    private void CheckType(ValType type, ExternalKind kind, int of)
    {
        if (type.IsConcrete && type.Heap.TypeIndex >= _module.TypeArray.Length)
            throw Invalid(kind, of, $"unknown type {type.Heap.TypeIndex}: the module has {_module.TypeArray.Length}");
    }

    private CoreFunctionType RequireFunctionType(int index, ExternalKind kind, int of)
    {
        if (index >= _module.TypeArray.Length)
            throw Invalid(kind, of, $"unknown type {index}: the module has {_module.TypeArray.Length}");
        return _module.TypeArray[index].Composite as CoreFunctionType
            ?? throw Invalid(kind, of, $"type mismatch: type {index} is {_module.TypeArray[index].Composite}, but a function type is needed");
    }

    // Imported items stand first in each space and are told by their section.
    private void CheckIndexSpaces()
    {
        for (int i = 0; i < _module.FunctionArray.Length; i++)
            RequireFunctionType(_module.FunctionArray[i], ExternalKind.Function, i);
        for (int i = 0; i < _module.TableArray.Length; i++)
            CheckTable(_module.TableArray[i], i);
        for (int i = 0; i < _module.MemoryArray.Length; i++)
            CheckMemory(_module.MemoryArray[i], i);
        for (int i = 0; i < _module.GlobalArray.Length; i++)
            CheckType(_module.GlobalArray[i].Type, ExternalKind.Global, i);
        for (int i = 0; i < _module.TagArray.Length; i++)
        {
            if (RequireFunctionType(_module.TagArray[i].TypeIndex, ExternalKind.Tag, i).ResultCount > 0)
                throw Invalid(ExternalKind.Tag, i, $"non-empty tag result type: the type of tag {i} must have no results");
        }

        if (_module.TableArray.Length > 1 && (_module.Features & WasmFeatures.ReferenceTypes) == 0)
            throw Invalid(ExternalKind.Table, 1, "multiple tables need the feature ReferenceTypes, which is off");
        if (_module.MemoryArray.Length > 1 && (_module.Features & WasmFeatures.MultiMemory) == 0)
            throw Invalid(ExternalKind.Memory, 1, "multiple memories need the feature MultiMemory, which is off");
        if ((_module.Features & WasmFeatures.MutableGlobals) == 0)
        {
            for (int i = 0; i < _module.ImportedGlobalCount; i++)
            {
                if (_module.GlobalArray[i].IsMutable)
                    throw Invalid(ExternalKind.Global, i, "mutable globals cannot be imported: the feature MutableGlobals is off");
            }
        }
    }

    private void CheckTable(CoreTableType table, int index)
    {
        CheckType(table.Element, ExternalKind.Table, index);
        CheckRange(table.Limits, table.Limits.Is64 ? ulong.MaxValue : uint.MaxValue, $"table size must be at most 2^32-1 elements (table {index})", ExternalKind.Table, index);
        if (index >= _module.ImportedTableCount && !table.Element.IsDefaultable && !_module.TableInitializerArray[index - _module.ImportedTableCount].IsPresent)
            throw Invalid(ExternalKind.Table, index, $"type mismatch: table {index} holds the non-null type {table.Element}, so it needs an initial element");
    }

    private void CheckMemory(CoreMemoryType memory, int index)
    {
        if (memory.PageSizeLog2 is not (0 or 16))
            throw Invalid(ExternalKind.Memory, index, $"invalid custom page size: memory {index} has pages of 2^{memory.PageSizeLog2} bytes; only 1 and 65536 are allowed");

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
        CheckRange(memory.Limits, most, $"memory size must be at most {size} (memory {index})", ExternalKind.Memory, index);
        if (memory.Limits is { IsShared: true, HasMaximum: false })
            throw Invalid(ExternalKind.Memory, index, $"shared memory must have maximum: memory {index} declares none");
    }

    private void CheckRange(Limits limits, ulong most, string rule, ExternalKind kind, int index)
    {
        if (limits.Minimum > most || (limits.HasMaximum && limits.Maximum > most))
            throw Invalid(kind, index, rule);
        if (limits.HasMaximum && limits.Minimum > limits.Maximum)
            throw Invalid(kind, index, $"size minimum must not be greater than maximum: {limits}");
    }

    private void CheckExports()
    {
        HashSet<string> names = new(_module.ExportArray.Length);
        for (int i = 0; i < _module.ExportArray.Length; i++)
        {
            Export export = _module.ExportArray[i];
            int count = export.Kind switch
            {
                ExternalKind.Function => _module.FunctionArray.Length,
                ExternalKind.Table => _module.TableArray.Length,
                ExternalKind.Memory => _module.MemoryArray.Length,
                ExternalKind.Global => _module.GlobalArray.Length,
                _ => _module.TagArray.Length,
            };
            if (export.Index >= count)
                throw Invalid(SectionId.Export, i, $"unknown {Name(export.Kind)} {export.Index}: export \"{export.Name}\" names it, the module has {count}");
            if (!names.Add(export.Name))
                throw Invalid(SectionId.Export, i, $"duplicate export name \"{export.Name}\"");
            if (export.Kind == ExternalKind.Function)
                _context!.Declare(export.Index);
            if (export.Kind == ExternalKind.Global && _module.GlobalArray[export.Index].IsMutable && (_module.Features & WasmFeatures.MutableGlobals) == 0)
                throw Invalid(SectionId.Export, i, "mutable globals cannot be exported: the feature MutableGlobals is off");
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
            throw Invalid(SectionId.Start, 0, $"unknown function {start}: it is to be the start function, the module has {_module.FunctionArray.Length}");
        CoreFunctionType type = _module.FunctionTypeOf(start);
        if (type.ParameterCount + type.ResultCount > 0)
            throw Invalid(SectionId.Start, 0, $"start function must have type [] -> [], but function {start} has {type}");
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
            if (segment.Type.IsConcrete && segment.Type.Heap.TypeIndex >= _module.TypeArray.Length)
                throw Invalid(SectionId.Element, i, $"unknown type {segment.Type.Heap.TypeIndex}: the module has {_module.TypeArray.Length}");
            if (segment.Mode == SegmentMode.Active)
            {
                if (segment.Table >= _module.TableArray.Length)
                    throw Invalid(SectionId.Element, i, $"unknown table {segment.Table}: element segment {i} goes there, the module has {_module.TableArray.Length}");
                CoreTableType table = _module.TableArray[segment.Table];
                if (!Subtyping.IsSubtype(segment.Type, table.Element, _registry, _canonical))
                    throw Invalid(SectionId.Element, i, $"type mismatch: element segment {i} holds {segment.Type}, but table {segment.Table} takes {table.Element}");
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

            int at = reader.Position;
            int function = reader.ReadIndex();
            if (function >= _module.FunctionArray.Length)
                throw new InvalidModuleException($"unknown function {function}: item {i} of element segment {index} names it, the module has {_module.FunctionArray.Length}", at);
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
                throw Invalid(SectionId.Data, i, $"unknown memory {segment.Memory}: data segment {i} goes there, the module has {_module.MemoryArray.Length}");
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

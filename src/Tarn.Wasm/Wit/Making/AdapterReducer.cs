// Reduces an adapter to what a component needs of it: the exports that are named, and everything they reach. What an adapter imports decides what its component imports, so a function that
// is never called must not be there.
//
// An adapter shares the memory of the main module and has no data of its own, so that it needs a stack in that memory: a global named `__stack_pointer` is set before the adapter's code runs,
// to the end of a page that the main module's allocator returns, or that `memory.grow` does if there is no such allocator. The allocator may itself call the adapter, before there is a stack;
// a global named `allocation_state` (0 none, 1 being allocated, 2 allocated) guards against that, and an adapter without one gets its page from `memory.grow` in a start function.
//
// Indices change and code is otherwise copied byte by byte. That is possible since an adapter has no tables, segments, tags and managed types: an instruction that refers to one is refused.
using Tarn.Wasm.Binary;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Wit;

/// <summary>Removes from an adapter what is not used.</summary>
internal sealed class AdapterReducer
{
    public const string Main = "__main_module__";
    private const int PageSize = 65536;

    private static readonly string[] s_allocators = ["cabi_realloc", "cabi_import_realloc", "cabi_export_realloc"];
    private static readonly ValType[] s_allocatorParameters = [ValType.I32, ValType.I32, ValType.I32, ValType.I32];

    private readonly string _name;
    private readonly WasmModule _module;
    private readonly string? _mainAllocator;
    private readonly bool[] _types;
    private readonly bool[] _functions;
    private readonly bool[] _globals;
    private readonly int[] _newTypes;
    private readonly int[] _newFunctions;
    private readonly int[] _newGlobals;
    private readonly Stack<(bool IsFunction, int Index)> _work = [];
    private readonly ByteBuffer _typeSection = new();
    private int _typeCount;
    private bool _memory;

    private AdapterReducer(string name, WasmModule module, string? mainAllocator)
    {
        _name = name;
        _module = module;
        _mainAllocator = mainAllocator;
        _types = new bool[module.Types.Length];
        _functions = new bool[module.Functions.Length];
        _globals = new bool[module.Globals.Length];
        _newTypes = new int[_types.Length];
        _newFunctions = new int[_functions.Length];
        _newGlobals = new int[_globals.Length];
    }

    /// <summary>Reduces an adapter.</summary>
    /// <param name="name">The adapter's name, for messages.</param>
    /// <param name="module">The adapter. It need not be valid, since what is not used of it may refer to a memory that it does not import; what is returned has to be validated.</param>
    /// <param name="required">Decides whether an export is needed.</param>
    /// <param name="mainAllocator">The export of the main module that allocates memory for adapters, or null.</param>
    /// <exception cref="TextFormatException">The adapter has what adapters cannot have.</exception>
    public static byte[] Reduce(string name, WasmModule module, Predicate<string> required, string? mainAllocator) => new AdapterReducer(name, module, mainAllocator).Run(required);

    /// <summary>Whether an import is the main module's allocator, by its name of today or of old.</summary>
    public static bool IsMainAllocator(string module, string name) => module == Main && name is "cabi_realloc" or "canonical_abi_realloc";

    private byte[] Run(Predicate<string> required)
    {
        if (_module.Elements.Length != 0 || _module.Data.Length != 0 || _module.StartFunction >= 0 || _module.Tags.Length != 0)
            throw Error("has segments, tags or a start function");
        if (_module.Memories.Length > 1 || _module.Memories.Length != _module.ImportedMemoryCount)
            throw Error("has a memory other than the one that it imports from the main module");
        List<Export> exports = [];
        foreach (ref readonly Export export in _module.Exports)
        {
            if (!required(export.Name) && !s_allocators.Contains(export.Name))
                continue;
            exports.Add(export);
            switch (export.Kind)
            {
                case ExternalKind.Function:
                    Function(export.Index);
                    break;
                case ExternalKind.Global:
                    Global(export.Index);
                    break;
                case ExternalKind.Memory:
                    _memory = true;
                    break;
                default:
                    throw Error($"exports `{export.Name}`, which is neither a function, a global nor a memory");
            }
        }

        while (_work.TryPop(out (bool IsFunction, int Index) item))
        {
            if (item.IsFunction)
                Visit(Body(item.Index, out _));
            else
                Visit(_module.Read(_module.GlobalInitializers[item.Index - _module.ImportedGlobalCount]));
        }

        // Functions that allocate pages themselves need the memory even if nothing else does.
        for (int i = 0; i < _module.ImportedFunctionCount && _mainAllocator is null; i++)
        {
            Import import = Find(ExternalKind.Function, i);
            if (!_functions[i] || !IsMainAllocator(import.Module, import.Name))
                continue;
            if (_module.Memories.Length == 0)
                throw Error("needs an allocator, which the main module does not export, and imports no memory to grow instead");
            _memory = true;
        }

        return Write(exports);
    }

    private void Function(int index)
    {
        if (IsKnown(_functions, index))
            return;
        _functions[index] = true;
        Type(_module.Functions[index]);
        if (index >= _module.ImportedFunctionCount)
            _work.Push((true, index));
    }

    private void Global(int index)
    {
        if (IsKnown(_globals, index))
            return;
        _globals[index] = true;
        if (index >= _module.ImportedGlobalCount)
            _work.Push((false, index));
    }

    private void Type(int index)
    {
        if (!IsKnown(_types, index))
            _types[index] = true;
    }

    private bool IsKnown(bool[] items, int index) => (uint)index < (uint)items.Length ? items[index] : throw Error($"refers to an item {index}, of which it has {items.Length}");

    // The instructions of a function, behind its locals.
    private WasmReader Body(int function, out (int Offset, int Length) locals)
    {
        WasmReader reader = _module.ReadBody(function - _module.ImportedFunctionCount);
        int start = reader.Position;
        for (int groups = reader.ReadCount(ImplementationLimits.Locals, "local groups"); groups > 0; groups--)
        {
            reader.ReadLocalGroup(out ValType type);
            CheckType(type);
        }

        locals = (start, reader.Position - start);
        return reader;
    }

    private void Visit(WasmReader reader)
    {
        while (!reader.IsAtEnd)
        {
            Opcode opcode = reader.ReadOpcode();
            switch (Opcodes.Immediate(opcode))
            {
                case ImmediateKind.Block:
                    BlockType type = reader.ReadBlockType();
                    if (type.HasTypeIndex)
                        Type(type.TypeIndex);
                    else if (!type.IsEmpty)
                        CheckType(type.Result);
                    continue;
                case ImmediateKind.Function when opcode is Opcode.Call or Opcode.ReturnCall:
                    Function((int)reader.ReadVarU32());
                    continue;
                case ImmediateKind.Global:
                    Global((int)reader.ReadVarU32());
                    continue;
                case ImmediateKind.Memory or ImmediateKind.MemoryMemory or ImmediateKind.Memarg or ImmediateKind.MemargLane:
                    _memory = true;
                    break;
                case ImmediateKind.None when opcode is not (Opcode.ThrowRef or Opcode.CallRef):
                case ImmediateKind.Label or ImmediateKind.Labels or ImmediateKind.Local or ImmediateKind.Lane or ImmediateKind.Fence or ImmediateKind.Shuffle
                    or ImmediateKind.I32 or ImmediateKind.I64 or ImmediateKind.F32 or ImmediateKind.F64 or ImmediateKind.V128:
                    break;
                case ImmediateKind.SelectTypes:
                    break;
                default:
                    throw Error($"uses `{Opcodes.Name(opcode)}`, which adapters cannot");
            }

            InstructionSkipper.SkipImmediates(ref reader, opcode);
        }
    }

    private byte[] Write(List<Export> exports)
    {
        ByteBuffer imports = new(), functions = new(), globals = new(), code = new();
        int importCount = 0, functionCount = 0, globalCount = 0, importedFunctions = 0;
        int emptyType = -1;
        for (int i = 0; i < _types.Length; i++)
        {
            if (!_types[i])
                continue;
            if (_module.Types[i].Composite is not CoreFunctionType function)
                throw Error("uses a type that is not a function type");
            _newTypes[i] = AddType(function.Parameters, function.Results);
            if (function.Parameters.Length == 0 && function.Results.Length == 0)
                emptyType = _newTypes[i];
        }

        if (_memory)
        {
            Import memory = Find(ExternalKind.Memory, 0);
            CoreMemoryType type = _module.Memories[0];
            if (type.Limits.Is64 || type.Limits.IsShared || type.PageSizeLog2 != 16)
                throw Error("imports a memory that is shared, or has 64-bit addresses or pages of another size");
            ImportHead(imports, memory.Module, memory.Name, ExternalKind.Memory);
            imports.Byte(type.Limits.HasMaximum ? (byte)1 : (byte)0);
            imports.U64(type.Limits.Minimum);
            if (type.Limits.HasMaximum)
                imports.U64(type.Limits.Maximum);
            importCount++;
        }

        int newGlobals = 0;
        for (int i = 0; i < _globals.Length; i++)
        {
            if (!_globals[i])
                continue;
            _newGlobals[i] = newGlobals++;
            CoreGlobalType type = _module.Globals[i];
            CheckType(type.Type);
            bool isImport = i < _module.ImportedGlobalCount;
            ByteBuffer target = isImport ? imports : globals;
            if (isImport)
            {
                Import import = Find(ExternalKind.Global, i);
                ImportHead(imports, import.Module, import.Name, ExternalKind.Global);
                importCount++;
            }

            target.Byte((byte)type.Type.Bits);
            target.Byte(type.IsMutable ? (byte)1 : (byte)0);
            if (isImport)
                continue;
            globalCount++;
            Copy(_module.Read(_module.GlobalInitializers[i - _module.ImportedGlobalCount]), globals);
        }

        int next = 0;
        int allocator = -1;
        List<(int Index, string Name)> functionNames = [];
        List<int> defined = [];
        for (int i = 0; i < _functions.Length; i++)
        {
            if (!_functions[i])
                continue;
            if (i >= _module.ImportedFunctionCount)
            {
                defined.Add(i);
                continue;
            }

            Import import = Find(ExternalKind.Function, i);
            bool isAllocator = IsMainAllocator(import.Module, import.Name);
            if (isAllocator && _mainAllocator is null)
            {
                // There is no allocator: the import becomes a function.
                defined.Add(i);
                continue;
            }

            if (isAllocator)
                allocator = next;
            ImportHead(imports, import.Module, isAllocator ? _mainAllocator! : import.Name, ExternalKind.Function);
            imports.U32((uint)_newTypes[_module.Functions[i]]);
            importCount++;
            _newFunctions[i] = next++;
        }

        int stack = FindGlobal("__stack_pointer"), state = FindGlobal("allocation_state");
        if (_mainAllocator is not null && stack >= 0 && allocator < 0)
        {
            ImportHead(imports, Main, _mainAllocator, ExternalKind.Function);
            imports.U32((uint)AddType(s_allocatorParameters, [ValType.I32]));
            importCount++;
            allocator = next++;
            functionNames.Add((allocator, _mainAllocator));
        }

        importedFunctions = next;
        defined.Sort();
        foreach (int i in defined)
        {
            _newFunctions[i] = next++;
            functions.U32((uint)_newTypes[_module.Functions[i]]);
            functionCount++;
        }

        // The stack is allocated at the first call of an export where the main module's allocator can be asked and reentrance is guarded against.
        bool isLazy = stack >= 0 && state >= 0 && _mainAllocator is not null;
        int stackFunction = -1;
        if (isLazy)
        {
            stackFunction = next++;
            functions.U32((uint)AddType([], []));
            functionCount++;
        }

        HashSet<int> exported = [.. exports.Where(export => export.Kind == ExternalKind.Function).Select(export => export.Index)];
        foreach (int i in defined)
        {
            if (i < _module.ImportedFunctionCount)
            {
                allocator = _newFunctions[i];
                code.Counted(AllocatePage());
                continue;
            }

            WasmReader reader = Body(i, out (int Offset, int Length) locals);
            ByteBuffer body = new();
            body.Bytes(_module.Bytes.Span.Slice(locals.Offset, locals.Length));
            if (isLazy && exported.Contains(i))
            {
                body.Byte((byte)Opcode.Call);
                body.U32((uint)stackFunction);
            }

            Copy(reader, body);
            code.Counted(body.Span);
        }

        if (isLazy)
            code.Counted(AllocateStack(allocator, stack, state));
        bool growsForStack = stack >= 0 && _memory && (allocator < 0 || state < 0);
        if (growsForStack)
        {
            allocator = next++;
            functions.U32((uint)AddType(s_allocatorParameters, [ValType.I32]));
            functionCount++;
            code.Counted(AllocatePage());
        }

        int start = -1;
        if (stack >= 0 && !isLazy && _memory)
        {
            start = stackFunction = next++;
            functions.U32((uint)(emptyType >= 0 ? emptyType : AddType([], [])));
            functionCount++;
            code.Counted(AllocateStack(allocator, stack, state));
        }

        if (allocator >= importedFunctions)
            functionNames.Add((allocator, "realloc_via_memory_grow"));
        if (stackFunction >= 0)
            functionNames.Add((stackFunction, "allocate_stack"));
        ByteBuffer module = new();
        module.Bytes([0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00]);
        CoreModuleBuilder.Section(module, SectionId.Type, _typeCount, _typeSection);
        CoreModuleBuilder.Section(module, SectionId.Import, importCount, imports);
        CoreModuleBuilder.Section(module, SectionId.Function, functionCount, functions);
        CoreModuleBuilder.Section(module, SectionId.Global, globalCount, globals);
        ByteBuffer exportSection = new();
        foreach (Export export in exports)
            CoreModuleBuilder.Export(exportSection, export.Name, export.Kind, export.Kind switch { ExternalKind.Function => _newFunctions[export.Index], ExternalKind.Global => _newGlobals[export.Index], _ => 0 });
        CoreModuleBuilder.Section(module, SectionId.Export, exports.Count, exportSection);
        if (start >= 0)
        {
            module.Byte((byte)SectionId.Start);
            ByteBuffer index = new();
            index.U32((uint)start);
            module.Counted(index.Span);
        }

        CoreModuleBuilder.Section(module, SectionId.Code, functionCount, code);
        return Finish(module, functionNames);
    }

    private byte[] Finish(ByteBuffer module, List<(int Index, string Name)> functionNames)
    {
        List<(int Index, string Name)> globalNames = [];
        for (int i = 0; i < _functions.Length; i++)
        {
            if (_functions[i] && _module.Names.Functions.Find(i) is string name && !functionNames.Exists(other => other.Index == _newFunctions[i]))
                functionNames.Add((_newFunctions[i], name));
        }

        for (int i = 0; i < _globals.Length; i++)
        {
            if (_globals[i] && _module.Names.Globals.Find(i) is string name)
                globalNames.Add((_newGlobals[i], name));
        }

        ByteBuffer names = new();
        foreach ((byte id, List<(int Index, string Name)> list) in new[] { ((byte)1, functionNames), ((byte)7, globalNames) })
        {
            if (list.Count == 0)
                continue;
            ByteBuffer part = new();
            part.U32((uint)list.Count);
            foreach ((int index, string name) in list.OrderBy(item => item.Index))
            {
                part.U32((uint)index);
                CoreModuleBuilder.Name(part, name);
            }

            names.Byte(id);
            names.Counted(part.Span);
        }

        byte[] result = names.Count == 0 ? module.ToArray() : ModuleMetadata.Append(module.Span, "name", names.Span);
        return _module.TryGetCustomSection(Producers.SectionName, out CustomSection producers) ? ModuleMetadata.Append(result, Producers.SectionName, _module.Read(producers)) : result;
    }

    // Copies instructions under their new indices.
    private void Copy(WasmReader reader, ByteBuffer target)
    {
        ReadOnlySpan<byte> bytes = _module.Bytes.Span;
        while (!reader.IsAtEnd)
        {
            int start = reader.Position;
            Opcode opcode = reader.ReadOpcode();
            int immediates = reader.Position;
            switch (Opcodes.Immediate(opcode))
            {
                case ImmediateKind.Function:
                    target.Bytes(bytes[start..immediates]);
                    target.U32((uint)_newFunctions[(int)reader.ReadVarU32()]);
                    continue;
                case ImmediateKind.Global:
                    target.Bytes(bytes[start..immediates]);
                    target.U32((uint)_newGlobals[(int)reader.ReadVarU32()]);
                    continue;
                case ImmediateKind.Block when reader.ReadBlockType() is { HasTypeIndex: true } type:
                    target.Bytes(bytes[start..immediates]);
                    target.Signed(_newTypes[type.TypeIndex]);
                    continue;
                case ImmediateKind.Block:
                    break;
                default:
                    InstructionSkipper.SkipImmediates(ref reader, opcode);
                    break;
            }

            target.Bytes(bytes[start..reader.Position]);
        }
    }

    private int AddType(ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results)
    {
        _typeSection.Byte(0x60);
        _typeSection.U32((uint)parameters.Length);
        foreach (ValType type in parameters)
            _typeSection.Byte(CheckType(type));
        _typeSection.U32((uint)results.Length);
        foreach (ValType type in results)
            _typeSection.Byte(CheckType(type));
        return _typeCount++;
    }

    private byte CheckType(ValType type) => type.IsNumeric || type.IsVector ? (byte)type.Bits : throw Error($"uses values of the type {type}, which adapters cannot");

    private Import Find(ExternalKind kind, int index)
    {
        foreach (ref readonly Import import in _module.Imports)
        {
            if (import.Kind == kind && index-- == 0)
                return import;
        }

        throw new InvalidOperationException("An import of a decoded module was not found.");
    }

    // The new index of a mutable global by its name for people, which is how toolchains mark these.
    private int FindGlobal(string name)
    {
        int found = -1;
        for (int i = 0; i < _globals.Length; i++)
        {
            if (!_globals[i] || !_module.Globals[i].IsMutable || _module.Globals[i].Type != ValType.I32 || _module.Names.Globals.Find(i) != name)
                continue;
            if (found >= 0)
                throw Error($"has several globals named `{name}`");
            found = _newGlobals[i];
        }

        return found;
    }

    private TextFormatException Error(string reason) => TextFormatException.WithoutPlace($"The adapter `{_name}` {reason}.", null);

    // An allocator that returns a new page, and nothing else.
    private static byte[] AllocatePage()
    {
        ByteBuffer body = new();
        body.Bytes([1, 1, 0x7F]);
        foreach ((int parameter, int expected) in new[] { (0, 0), (1, 0), (3, PageSize) })
        {
            Constant(body, expected);
            Indexed(body, Opcode.LocalGet, parameter);
            body.Byte((byte)Opcode.I32Ne);
            Trap(body);
        }

        Constant(body, 1);
        Indexed(body, Opcode.MemoryGrow, 0);
        Indexed(body, Opcode.LocalTee, 4);
        Constant(body, -1);
        body.Byte((byte)Opcode.I32Eq);
        Trap(body);
        Indexed(body, Opcode.LocalGet, 4);
        Constant(body, 16);
        body.Byte((byte)Opcode.I32Shl);
        body.Byte((byte)Opcode.End);
        return body.ToArray();
    }

    private static byte[] AllocateStack(int allocator, int stack, int state)
    {
        ByteBuffer body = new();
        body.U32(0);
        if (state >= 0)
        {
            Indexed(body, Opcode.GlobalGet, state);
            Constant(body, 0);
            body.Byte((byte)Opcode.I32Eq);
            body.Bytes([(byte)Opcode.If, 0x40]);
            Constant(body, 1);
            Indexed(body, Opcode.GlobalSet, state);
        }

        Constant(body, 0);
        Constant(body, 0);
        Constant(body, 8);
        Constant(body, PageSize);
        Indexed(body, Opcode.Call, allocator);
        Constant(body, PageSize);
        body.Byte((byte)Opcode.I32Add);
        Indexed(body, Opcode.GlobalSet, stack);
        if (state >= 0)
        {
            Constant(body, 2);
            Indexed(body, Opcode.GlobalSet, state);
            body.Byte((byte)Opcode.End);
        }

        body.Byte((byte)Opcode.End);
        return body.ToArray();
    }

    private static void Constant(ByteBuffer body, int value)
    {
        body.Byte((byte)Opcode.I32Const);
        body.Signed(value);
    }

    private static void Indexed(ByteBuffer body, Opcode opcode, int index)
    {
        body.Byte((byte)opcode);
        body.U32((uint)index);
    }

    private static void Trap(ByteBuffer body) => body.Bytes([(byte)Opcode.If, 0x40, (byte)Opcode.Unreachable, (byte)Opcode.End]);

    private static void ImportHead(ByteBuffer target, string module, string name, ExternalKind kind)
    {
        CoreModuleBuilder.Name(target, module);
        CoreModuleBuilder.Name(target, name);
        target.Byte((byte)kind);
    }
}

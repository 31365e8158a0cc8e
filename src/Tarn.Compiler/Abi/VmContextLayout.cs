// Where everything is in an instance's VM context, computed from the module and from nothing else, so that all instances of a module share its
// code. Compiler and runtime both use this type; were they to compute offsets separately, guests would follow stray pointers.
//
// Sections in order, each aligned to 16 (docs/abi.md): memories, tables, globals, imported functions, function references, segment states (elements, then
// data), and what an exception in flight brings, which only modules with exceptions have. Function references exist for those defined functions that escape: exported, the start function, or named by ref.func; the specification
// lets a body name only functions that occur outside of bodies, so looking at exports, segments and initialisers finds them all.
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Abi;

internal sealed class VmContextLayout
{
    /// <summary>Size of a memory's, table's and global's entry.</summary>
    public const int EntrySize = 16;

    /// <summary>In a memory's or table's entry: where it starts; never changes.</summary>
    public const int EntryBase = 0;

    /// <summary>In the entry of a defined memory or table, and in the owner's entry that an imported one points to: bytes, or elements.</summary>
    public const int EntryLength = 8;

    /// <summary>In the entry of an imported memory or table: address of the owner's entry; never changes.</summary>
    public const int EntryRecord = 8;

    /// <summary>In the exception's section: number of the clause that has caught it.</summary>
    public const int ExceptionClause = 0;

    /// <summary>In the exception's section: its reference, where the clause takes one.</summary>
    public const int ExceptionReference = 8;

    /// <summary>In the exception's section: its payload, <see cref="PayloadValueSize"/> bytes for each value.</summary>
    public const int ExceptionPayload = 16;

    /// <summary>Bytes of a value of a payload.</summary>
    public const int PayloadValueSize = 16;

    private readonly int[] _references;
    private readonly int[] _escaping;
    private readonly int _memories;
    private readonly int _tables;
    private readonly int _globals;
    private readonly int _importedFunctions;
    private readonly int _functionReferences;
    private readonly int _elementStates;
    private readonly int _dataStates;

    /// <summary>Lays out the VM context of a validated module.</summary>
    public VmContextLayout(WasmModule module)
    {
        _references = new int[module.Functions.Length];
        Array.Fill(_references, -1);
        _escaping = FindEscaping(module);
        _memories = VmContextHeader.Size;
        _tables = _memories + (module.Memories.Length * EntrySize);
        _globals = _tables + (module.Tables.Length * EntrySize);
        _importedFunctions = _globals + (module.Globals.Length * EntrySize);
        _functionReferences = _importedFunctions + (module.ImportedFunctionCount * FunctionReferenceRecord.Size);
        _elementStates = _functionReferences + (_escaping.Length * FunctionReferenceRecord.Size);
        _dataStates = _elementStates + (module.Elements.Length * sizeof(ulong));
        var end = (_dataStates + (module.Data.Length * sizeof(ulong)) + 15) & ~15;
        Exception = -1;
        if (module.Tags.Length > 0 || (module.Facts & ModuleFacts.UsesExceptions) != 0)
        {
            Exception = end;
            end += ExceptionPayload + (LargestPayload(module) * PayloadValueSize);
        }

        Size = end;
        for (var i = 0; i < module.ImportedFunctionCount; i++)
            _references[i] = _importedFunctions + (i * FunctionReferenceRecord.Size);
        for (var i = 0; i < _escaping.Length; i++)
            _references[_escaping[i]] = _functionReferences + (i * FunctionReferenceRecord.Size);
    }

    /// <summary>Bytes of the whole VM context, a multiple of 16.</summary>
    public int Size { get; }

    /// <summary>Indices of the defined functions that have a reference record, ascending; their records follow each other from <see cref="FunctionReferences"/>.</summary>
    public ReadOnlySpan<int> EscapingFunctions => _escaping;

    /// <summary>Offset of the first defined function's reference record.</summary>
    public int FunctionReferences => _functionReferences;

    /// <summary>Offset of a memory's entry.</summary>
    public int Memory(int index) => _memories + (index * EntrySize);

    /// <summary>Offset of a table's entry.</summary>
    public int Table(int index) => _tables + (index * EntrySize);

    /// <summary>Offset of a global's cell, or of the pointer to the owner's cell for an imported mutable one.</summary>
    public int Global(int index) => _globals + (index * EntrySize);

    /// <summary>Offset of a function's reference record, or −1 if it has none.</summary>
    public int FunctionReference(int functionIndex) => _references[functionIndex];

    /// <summary>Offset of an element segment's remaining length.</summary>
    public int ElementState(int index) => _elementStates + (index * sizeof(ulong));

    /// <summary>Offset of a data segment's remaining length.</summary>
    public int DataState(int index) => _dataStates + (index * sizeof(ulong));

    /// <summary>Offset of what an exception in flight brings, −1 in modules without exceptions: clause, reference, then the values of the payload.</summary>
    public int Exception { get; }

    /// <summary>Values of the largest payload that an exception with a tag of the module has.</summary>
    public static int LargestPayload(WasmModule module)
    {
        var most = 0;
        foreach (ref readonly var tag in module.Tags)
            most = Math.Max(most, ((CoreFunctionType)module.TypeArray[tag.TypeIndex].Composite).ParameterCount);
        return most;
    }

    private static int[] FindEscaping(WasmModule module)
    {
        var escapes = new bool[module.Functions.Length];
        foreach (ref readonly var export in module.Exports)
        {
            if (export.Kind == ExternalKind.Function)
                escapes[export.Index] = true;
        }

        if (module.StartFunction >= 0)
            escapes[module.StartFunction] = true;
        foreach (var initializer in module.GlobalInitializers)
            AddFrom(module.Read(initializer), escapes);
        foreach (var initializer in module.TableInitializers)
        {
            if (initializer.IsPresent)
                AddFrom(module.Read(initializer), escapes);
        }

        foreach (ref readonly var segment in module.Elements)
        {
            if (segment.Mode == SegmentMode.Active)
                AddFrom(module.Read(segment.Start), escapes);
            var reader = module.Read(in segment);
            if (segment.HasExpressions)
            {
                AddFrom(reader, escapes);
                continue;
            }

            for (var i = 0; i < segment.Count; i++)
                escapes[reader.ReadIndex()] = true;
        }

        var count = 0;
        for (var i = module.ImportedFunctionCount; i < escapes.Length; i++)
            count += escapes[i] ? 1 : 0;
        var result = new int[count];
        for (int i = module.ImportedFunctionCount, n = 0; i < escapes.Length; i++)
        {
            if (escapes[i])
                result[n++] = i;
        }

        return result;
    }

    // Reads constant expressions to the end of the window, one after the other.
    private static void AddFrom(WasmReader reader, bool[] escapes)
    {
        while (!reader.IsAtEnd)
        {
            var opcode = reader.ReadOpcode();
            if (opcode == Opcode.RefFunc)
                escapes[reader.ReadIndex()] = true;
            else
                InstructionSkipper.SkipImmediates(ref reader, opcode);
        }
    }
}

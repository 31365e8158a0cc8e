// A decoded module: index spaces as arrays, everything bulky as ranges of its bytes. Immutable after decoding but for three facts that are computed once:
// what validation learns (canonical type ids, declared functions), the name section and the hash. It keeps the bytes alive and relies on nobody changing them;
// whoever decodes memory that others may write must copy first.
//
// Index spaces hold imports first, as in the specification. Everything here may be inconsistent (an export of a missing function, say) until
// ModuleValidator has accepted the module; only ranges of bytes are always good.
using System.Security.Cryptography;
using Tarn.Wasm.Binary;

namespace Tarn.Wasm;

/// <summary>A WebAssembly module in decoded form.</summary>
internal sealed class WasmModule
{
    private readonly Lock _lock = new();
    private byte[]? _contentHash;
    private NameSection? _names;
    private int[] _canonicalIds = [];
    private int _facts;
    private int _usesTypes;

    internal WasmModule(ReadOnlyMemory<byte> bytes, WasmFeatures features)
    {
        Bytes = bytes;
        Features = features;
    }

    /// <summary>The module in the binary format.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The SHA-256 of the bytes. It is computed once: each state of an instance that is saved or restored names its module by it.</summary>
    public ReadOnlySpan<byte> ContentHash => _contentHash ??= SHA256.HashData(Bytes.Span);

    /// <summary>The features it was decoded with.</summary>
    public WasmFeatures Features { get; }

    /// <summary>Defined types; references in them are indices into this list.</summary>
    public ReadOnlySpan<SubType> Types => TypeArray;

    /// <summary>The groups that the types come in, in order.</summary>
    public ReadOnlySpan<RecursionGroup> RecursionGroups => RecursionGroupArray;

    /// <summary>Imports in the order of the module.</summary>
    public ReadOnlySpan<Import> Imports => ImportArray;

    /// <summary>Type index of each function, imports first.</summary>
    public ReadOnlySpan<int> Functions => FunctionArray;

    /// <summary>Tables, imports first.</summary>
    public ReadOnlySpan<CoreTableType> Tables => TableArray;

    /// <summary>Initial elements of the tables that are not imported (index 0 is the first of those).</summary>
    public ReadOnlySpan<ConstantExpression> TableInitializers => TableInitializerArray;

    /// <summary>Memories, imports first.</summary>
    public ReadOnlySpan<CoreMemoryType> Memories => MemoryArray;

    /// <summary>Globals, imports first.</summary>
    public ReadOnlySpan<CoreGlobalType> Globals => GlobalArray;

    /// <summary>Initial values of the globals that are not imported (index 0 is the first of those).</summary>
    public ReadOnlySpan<ConstantExpression> GlobalInitializers => GlobalInitializerArray;

    /// <summary>Exception tags, imports first.</summary>
    public ReadOnlySpan<CoreTagType> Tags => TagArray;

    /// <summary>Exports.</summary>
    public ReadOnlySpan<Export> Exports => ExportArray;

    /// <summary>Index of the start function, or -1.</summary>
    public int StartFunction { get; internal set; } = -1;

    /// <summary>Element segments.</summary>
    public ReadOnlySpan<ElementSegment> Elements => ElementArray;

    /// <summary>Data segments.</summary>
    public ReadOnlySpan<DataSegment> Data => DataArray;

    /// <summary>The number of data segments by the data count section, or -1 without one.</summary>
    public int DeclaredDataCount { get; internal set; } = -1;

    /// <summary>Bodies of the functions that are not imported (index 0 is the first of those).</summary>
    public ReadOnlySpan<FunctionBody> Bodies => BodyArray;

    /// <summary>Custom sections in order.</summary>
    public ReadOnlySpan<CustomSection> CustomSections => CustomSectionArray;

    public int ImportedFunctionCount { get; internal set; }

    public int ImportedTableCount { get; internal set; }

    public int ImportedMemoryCount { get; internal set; }

    public int ImportedGlobalCount { get; internal set; }

    public int ImportedTagCount { get; internal set; }

    /// <summary>Offset of a section's contents behind its size, where its vector's count stands; 0 for a section that is missing.</summary>
    public int SectionOffset(SectionId section) => SectionOffsets[(int)section];

    /// <summary>Names from the name section, parsed at first use; empty without one or where it is broken.</summary>
    public NameSection Names
    {
        get
        {
            if (_names is null)
            {
                lock (_lock)
                    _names ??= NameSection.Parse(this);
            }

            return _names;
        }
    }

    /// <summary>Whether the validator has accepted the module.</summary>
    public bool IsValidated { get; private set; }

    /// <summary>
    /// Whether some body has a tail call that may end in another instance (of an import, through a table or a reference), so that even calls within the
    /// module may return with another instance's context. Known once the module is validated.
    /// </summary>
    public bool TailCallsMayLeave => (Facts & ModuleFacts.TailCallsMayLeave) != 0;

    /// <summary>Whether some body stores to a table with <c>table.set</c>. Known once the module is validated.</summary>
    public bool WritesTables => (Facts & ModuleFacts.WritesTables) != 0;

    /// <summary>
    /// Everything that validation has learned of function bodies. One value: compiled code is kept together with it, whole, and a fact that is added
    /// cannot be forgotten there.
    /// </summary>
    public ModuleFacts Facts => (ModuleFacts)Volatile.Read(ref _facts);

    /// <summary>The registry of the canonical ids; null before validation.</summary>
    public TypeRegistry? Registry { get; private set; }

    /// <summary>Canonical id of each type; empty before validation.</summary>
    public ReadOnlySpan<int> CanonicalIds => _canonicalIds;

    internal int[] SectionOffsets { get; } = new int[14];

    // For decoder and validator alone: arrays spare them a span on every access.
    internal SubType[] TypeArray { get; set; } = [];

    internal RecursionGroup[] RecursionGroupArray { get; set; } = [];

    internal Import[] ImportArray { get; set; } = [];

    /// <summary>Gets or sets which of the imports are written as groups, in order.</summary>
    internal ImportGroup[] ImportGroups { get; set; } = [];

    internal int[] FunctionArray { get; set; } = [];

    internal CoreTableType[] TableArray { get; set; } = [];

    internal ConstantExpression[] TableInitializerArray { get; set; } = [];

    internal CoreMemoryType[] MemoryArray { get; set; } = [];

    internal CoreGlobalType[] GlobalArray { get; set; } = [];

    internal ConstantExpression[] GlobalInitializerArray { get; set; } = [];

    internal CoreTagType[] TagArray { get; set; } = [];

    internal Export[] ExportArray { get; set; } = [];

    internal ElementSegment[] ElementArray { get; set; } = [];

    internal DataSegment[] DataArray { get; set; } = [];

    internal FunctionBody[] BodyArray { get; set; } = [];

    internal CustomSection[] CustomSectionArray { get; set; } = [];

    /// <summary>Decodes a module: everything but function bodies, which are decoded as they are validated.</summary>
    /// <param name="bytes">The binary; kept, not copied.</param>
    /// <param name="features">What the module may use.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a module.</exception>
    public static WasmModule Decode(ReadOnlyMemory<byte> bytes, WasmFeatures features = WasmFeatures.Wasm3) => new ModuleDecoder(bytes, features).Decode();

    /// <summary>The type of a function. Only in a validated module (or where the indices are known to be good).</summary>
    public CoreFunctionType FunctionTypeOf(int functionIndex) => (CoreFunctionType)TypeArray[FunctionArray[functionIndex]].Composite;

    /// <summary>A reader at the local declarations of a body: a count (LEB128) of <see cref="WasmReader.ReadLocalGroup"/>, then instructions.</summary>
    /// <param name="definedIndex">Function index less the imported functions.</param>
    public WasmReader ReadBody(int definedIndex)
    {
        FunctionBody body = BodyArray[definedIndex];
        return new WasmReader(Bytes.Span, body.Offset, body.End, Features);
    }

    /// <summary>A reader of a constant expression.</summary>
    public WasmReader Read(ConstantExpression expression) => new(Bytes.Span, expression.Offset, expression.Offset + expression.Length, Features);

    /// <summary>A reader of an element segment's items: function indices or constant expressions.</summary>
    public WasmReader Read(in ElementSegment segment) => new(Bytes.Span, segment.ItemsOffset, segment.ItemsEnd, Features);

    /// <summary>The bytes of a data segment.</summary>
    public ReadOnlySpan<byte> Read(in DataSegment segment) => Bytes.Span.Slice(segment.Offset, segment.Length);

    /// <summary>The contents of a custom section.</summary>
    public ReadOnlySpan<byte> Read(in CustomSection section) => Bytes.Span.Slice(section.Offset, section.Length);

    /// <summary>A type of the module with references by canonical id, comparable with those of other modules of the same registry.</summary>
    public ValType Canonicalize(ValType type) => TypeRegistry.Canonicalize(type, _canonicalIds);

    /// <summary>Finds a custom section by its name; the first, if there are several.</summary>
    public bool TryGetCustomSection(string name, out CustomSection section)
    {
        foreach (ref readonly CustomSection candidate in CustomSections)
        {
            if (candidate.Name == name)
            {
                section = candidate;
                return true;
            }
        }

        section = default;
        return false;
    }

    // Types first, before anything can ask for a canonical id; the rest once the module is accepted.
    internal void SetCanonicalIds(TypeRegistry registry, int[] ids)
    {
        Registry = registry;
        _canonicalIds = ids;
        Volatile.Write(ref _usesTypes, 1);
    }

    /// <summary>Ends the use of the registry's types. The canonical ids no longer mean anything: nothing that was made of the module may be left.</summary>
    internal void ReleaseTypes()
    {
        if (Interlocked.Exchange(ref _usesTypes, 0) == 0)
            return;
        foreach (RecursionGroup group in RecursionGroupArray)
            Registry!.Release(group, _canonicalIds);
    }

    // Called by workers in parallel; all of them write the same.
    internal void SetTailCallsLeave() => SetFacts(ModuleFacts.TailCallsMayLeave);

    internal void SetWritesTables() => SetFacts(ModuleFacts.WritesTables);

    internal void SetFacts(ModuleFacts facts) => Interlocked.Or(ref _facts, (int)facts);

    internal void SetValidated() => IsValidated = true;
}

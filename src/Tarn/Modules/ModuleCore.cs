// A module: its parsed form, where its instances keep things, and its code. Immutable and thread-safe. Code is freed when the
// last reference is released, those of the embedder's view, of templates and of instances, never earlier: a stack may hold return addresses into it.
using Tarn.Compiler.Abi;
using Tarn.Engines;
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Symbols;

namespace Tarn.Modules;

internal sealed unsafe class ModuleCore
{
    private readonly Dictionary<string, Export> _exports;
    private readonly ModuleCode _code;
    // In bytes or characters: what fits a line.
    private const int LongestName = 200;

    private string? _shortName;
    private volatile int[]? _exportOfFunction;
    private int _references = 1;
    private readonly FunctionExport?[] _recentFunctions = new FunctionExport?[16];

    /// <summary>Makes a module of its parts, which are its own from now on.</summary>
    public ModuleCore(EngineCore engine, WasmModule wasm, ModuleCode code)
    {
        Engine = engine;
        Wasm = wasm;
        Layout = code.Layout;
        ElementItems = Tarn.Modules.ElementItems.Decode(wasm);
        NeedsHeap = TypeDescriptors.IsNeededBy(wasm);
        AllocatingElements = NeedsHeap ? Tarn.Modules.ElementItems.FindAllocating(wasm, ElementItems) : [];
        ManagedGlobals = TypeShape.ManagedGlobals(wasm);
        if (NeedsHeap)
            engine.TypeDescriptors.Add(wasm);
        _exports = new Dictionary<string, Export>(wasm.Exports.Length, StringComparer.Ordinal);
        foreach (ref readonly Export export in wasm.Exports)
        {
            _exports.Add(export.Name, export);
            if (export.Kind == ExternalKind.Memory && (DefaultMemory < 0 || export.Name == "memory"))
                DefaultMemory = export.Index;
        }
        HasStart = wasm.StartFunction >= 0;
        Symbols = new ModuleSymbols(wasm);
        _code = code;
        code.SetModule(this);
    }

    public EngineCore Engine { get; }

    /// <summary>The embedder's view of the module, once there is one.</summary>
    public object? Facade { get; set; }

    /// <summary>The module's name from its name section.</summary>
    public string? Name => Wasm.Names.ModuleName;

    public WasmModule Wasm { get; }

    /// <summary>What backtraces say of the source.</summary>
    public ModuleSymbols Symbols { get; }

    public VmContextLayout Layout { get; }

    public int[][] ElementItems { get; }

    /// <summary>Whether instances need a heap of managed objects.</summary>
    public bool NeedsHeap { get; }

    /// <summary>Element segments with items that make objects.</summary>
    public int[] AllocatingElements { get; }

    /// <summary>Globals whose cell in the VM context holds a managed reference.</summary>
    public int[] ManagedGlobals { get; }

    /// <summary>Whether instances run a function before they are handed out.</summary>
    public bool HasStart { get; }

    /// <summary>The memory exported as <c>memory</c>, or else the one that is exported first; −1 where none is.</summary>
    public int DefaultMemory { get; } = -1;

    /// <summary>What instances begin with, as the artifact has it: not checked yet. Empty where they begin as the module says.</summary>
    public byte[] Snapshot { get; init; } = [];

    /// <summary>What a pool keeps for the module: its idle slots. The allocator's own.</summary>
    public object? PoolState { get; set; }

    /// <summary>Whether a function of the module stores to a table in compiled code, which the pool would not notice.</summary>
    public bool WritesTableElements => Wasm.WritesTables;

    /// <summary>Keeps the code until <see cref="ReleaseReference"/> is called.</summary>
    /// <exception cref="ObjectDisposedException">There was no reference left: the code is freed.</exception>
    public void AddReference()
    {
        // From zero there is no way back: the code is gone.
        int count;
        do
        {
            count = Volatile.Read(ref _references);
            ObjectDisposedException.ThrowIf(count == 0, Facade ?? this);
        }
        while (Interlocked.CompareExchange(ref _references, count + 1, count) != count);
    }

    public void ReleaseReference()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            _code.Dispose();
            Wasm.ReleaseTypes();
        }
    }

    /// <summary>Finds an exported function. Names that were asked for lately are found without hashing.</summary>
    public FunctionExport? FindFunction(string name)
    {
        if (name.Length == 0)
            return FindFunctionSlow(name, 0);
        int place = (name.Length ^ name[0] ^ (name[^1] << 2)) & (_recentFunctions.Length - 1);
        FunctionExport? recent = _recentFunctions[place];
        return recent is not null && recent.Name == name ? recent : FindFunctionSlow(name, place);
    }

    private FunctionExport? FindFunctionSlow(string name, int place)
    {
        if (!_exports.TryGetValue(name, out Export export) || export.Kind != ExternalKind.Function)
            return null;
        var found = new FunctionExport(name, export.Index, Layout.FunctionReference(export.Index));
        // Immutable, so that a race is harmless.
        Volatile.Write(ref _recentFunctions[place], found);
        return found;
    }

    /// <summary>The names of the first exports of a kind, cut off where they are long; for messages.</summary>
    public List<string> ExportNames(ExternalKind kind, int atMost)
    {
        var names = new List<string>();
        foreach (ref readonly Export export in Wasm.Exports)
        {
            if (names.Count == atMost)
                break;
            if (export.Kind == kind)
                names.Add(Shorten(export.Name)!);
        }
        return names;
    }

    public bool TryGetExport(string name, out Export export) => _exports.TryGetValue(name, out export);

    /// <summary>The canonical type of a function, imports counted.</summary>
    public int FunctionTypeId(int functionIndex) => Wasm.CanonicalIds[Wasm.Functions[functionIndex]];

    /// <summary>The module's name for people, cut off where it is long.</summary>
    public string? ShortName => _shortName ??= Shorten(Wasm.Names.ModuleName);

    /// <summary>
    /// A function's name for people, from the name section or from its first export, cut off where it is long. A trap asks for a hundred, and a guest decides how often it
    /// traps, how many exports there are and how long names are: none of the three may matter.
    /// </summary>
    public string? FunctionName(int functionIndex)
    {
        if (Wasm.Names.Functions.Find(0, functionIndex, LongestName) is string name)
            return name;
        int export = (_exportOfFunction ?? FindExports())[functionIndex];
        return export == 0 ? null : Shorten(Wasm.Exports[export - 1].Name);
    }

    /// <summary>How often all exports were gone through for names; for tests.</summary>
    public int ExportSearches { get; private set; }

    private static string? Shorten(string? name) => name is null || name.Length <= LongestName ? name : name[..(LongestName - 1)] + "…";

    // For each function: the number of its first export, counted from 1; 0 where there is none. Made by the first trap; a race makes it twice.
    private int[] FindExports()
    {
        ExportSearches++;
        int[] first = new int[Wasm.Functions.Length];
        ReadOnlySpan<Export> exports = Wasm.Exports;
        for (int i = exports.Length - 1; i >= 0; i--)
        {
            if (exports[i].Kind == ExternalKind.Function)
                first[exports[i].Index] = i + 1;
        }
        return _exportOfFunction = first;
    }

    /// <summary>Fills the reference record of a defined function.</summary>
    public void WriteFunctionReference(FunctionReference* record, int functionIndex, VmContext* context)
    {
        record->Code = _code.Entry(functionIndex - Wasm.ImportedFunctionCount);
        record->VmContext = context;
        record->TypeId = (uint)FunctionTypeId(functionIndex);
        record->HostFunction = FunctionReferenceRecord.NotAHostFunction;
    }

    /// <summary>Whether a function has been compiled: all have where that was not put off.</summary>
    public bool IsCompiled(int definedIndex) => _code.IsCompiled(definedIndex);

    /// <summary>What a guest pays in fuel for the compilation of a function that it calls first.</summary>
    public long CompilationFuel(int definedIndex) => FunctionCompiler.FuelPerFunction + (FunctionCompiler.FuelPerByte * Wasm.Bodies[definedIndex].Length);

    /// <summary>Blocks of the arena that its code takes, thunks aside; for tests.</summary>
    public int CodeBlockCount => _code.BlockCount;

    /// <summary>Compiles a function that was called for the first time; gives its address.</summary>
    public nint CompileOnFirstCall(int definedIndex) => _code.CompileOnFirstCall(definedIndex);

    /// <summary>The compiled module as an artifact.</summary>
    /// <param name="snapshot">What instances begin with, encoded; or nothing.</param>
    /// <exception cref="ObjectDisposedException">The code is freed.</exception>
    public byte[] Serialize(ReadOnlyMemory<byte> snapshot)
    {
        // The code is read where it is loaded, which another thread's Dispose must not free meanwhile.
        AddReference();
        try
        {
            return ModuleArtifact.Write(Engine, Wasm, _code.ToCompiled(), snapshot);
        }
        finally
        {
            ReleaseReference();
        }
    }
}

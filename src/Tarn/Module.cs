// A module: its parsed form, where its instances keep things, and its code. Immutable and thread-safe. Code is freed when the
// module is disposed and no template and no instance of it is left, never earlier: a stack may hold return addresses into it.
using System.Diagnostics;
using System.Text;
using Tarn.Compiler.Abi;
using Tarn.Diagnostics;
using Tarn.Diagnostics.Symbols;
using Tarn.Execution;
using Tarn.Modules;
using Tarn.Pooling;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn;

/// <summary>A compiled WebAssembly module. Thread-safe; make it once and instantiate it often.</summary>
public sealed unsafe partial class Module : IDisposable
{
    private readonly Dictionary<string, Export> _exports;
    private readonly ModuleCode _code;
    // In bytes or characters: what fits a line.
    private const int LongestName = 200;

    private string? _shortName;
    private volatile int[]? _exportOfFunction;
    private int _references = 1;
    private int _disposed;
    private readonly FunctionExport?[] _recentFunctions = new FunctionExport?[16];
    private IReadOnlyList<ModuleImport>? _importList;
    private IReadOnlyList<ModuleExport>? _exportList;

    private Module(Engine engine, WasmModule wasm, ModuleCode code)
    {
        Engine = engine;
        Wasm = wasm;
        Layout = code.Layout;
        ElementItems = Modules.ElementItems.Decode(wasm);
        _exports = new Dictionary<string, Export>(wasm.Exports.Length, StringComparer.Ordinal);
        foreach (ref readonly Export export in wasm.Exports)
            _exports.Add(export.Name, export);
        HasStart = wasm.StartFunction >= 0;
        Symbols = new ModuleSymbols(wasm);
        _code = code;
        code.SetModule(this);
    }

    /// <summary>The engine that compiled it.</summary>
    public Engine Engine { get; }

    /// <summary>The module's name from its name section, or <see langword="null"/>.</summary>
    public string? Name => Wasm.Names.ModuleName;

    /// <summary>Gets what instances require from outside, in the order of the module.</summary>
    /// <exception cref="ObjectDisposedException">The module has been disposed, and nothing of it is left.</exception>
    public IReadOnlyList<ModuleImport> Imports => _importList ?? Describe(ref _importList, static wasm =>
    {
        var imports = new ModuleImport[wasm.Imports.Length];
        for (int i = 0; i < imports.Length; i++)
        {
            Import import = wasm.Imports[i];
            imports[i] = new ModuleImport(import.Module, import.Name, TypeDescriptions.Of(wasm, import.Kind, import.Index));
        }
        return imports;
    });

    /// <summary>Gets what instances offer, in the order of the module.</summary>
    /// <exception cref="ObjectDisposedException">The module has been disposed, and nothing of it is left.</exception>
    public IReadOnlyList<ModuleExport> Exports => _exportList ?? Describe(ref _exportList, static wasm =>
    {
        var exports = new ModuleExport[wasm.Exports.Length];
        for (int i = 0; i < exports.Length; i++)
        {
            Export export = wasm.Exports[i];
            exports[i] = new ModuleExport(export.Name, TypeDescriptions.Of(wasm, export.Kind, export.Index));
        }
        return exports;
    });

    internal WasmModule Wasm { get; }

    /// <summary>What backtraces say of the source.</summary>
    internal ModuleSymbols Symbols { get; }

    internal VmContextLayout Layout { get; }

    internal int[][] ElementItems { get; }

    /// <summary>Whether instances run a function before they are handed out.</summary>
    internal bool HasStart { get; }

    /// <summary>The pool's idle slots that are bound to this module.</summary>
    internal WarmList? WarmList { get; set; }

    /// <summary>Whether a function of the module stores to a table in compiled code, which the pool would not notice.</summary>
    internal bool WritesTableElements => Wasm.WritesTables;

    /// <summary>Compiles a module from the binary format, or from the text format if that is what the bytes are.</summary>
    /// <exception cref="MalformedModuleException">The bytes are no module.</exception>
    /// <exception cref="InvalidModuleException">The module breaks a rule of validation.</exception>
    public static Module FromBytes(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        if (ForeignBytes.Describe(bytes) is string what)
            throw new MalformedModuleException($"the module {what}", 0);
        return LooksLikeText(bytes) ? CompileText(engine, bytes, null) : Compile(engine, bytes.ToArray());
    }

    /// <summary>Compiles a module from a file in the binary or the text format.</summary>
    /// <inheritdoc cref="FromBytes"/>
    public static Module FromFile(Engine engine, string path)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(path);
        byte[] bytes = File.ReadAllBytes(path);
        if (ForeignBytes.Describe(bytes) is string what)
            throw new MalformedModuleException($"{path} {what}", 0);
        return LooksLikeText(bytes) ? CompileText(engine, bytes, path) : Compile(engine, bytes);
    }

    /// <summary>Compiles a module from the text format.</summary>
    /// <inheritdoc cref="FromBytes"/>
    public static Module FromText(Engine engine, string text)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(text);
        return CompileText(engine, Encoding.UTF8.GetBytes(text), null);
    }

    /// <summary>Frees the module's code once no template and no instance of it is left.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        Engine.Allocator.Forget(this);
        ReleaseReference();
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    internal void AddReference()
    {
        // From zero there is no way back: the code is gone.
        int count;
        do
        {
            count = Volatile.Read(ref _references);
            ObjectDisposedException.ThrowIf(count == 0, this);
        }
        while (Interlocked.CompareExchange(ref _references, count + 1, count) != count);
    }

    internal void ReleaseReference()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            _code.Dispose();
            Wasm.ReleaseTypes();
        }
    }

    // Made on first use; a race makes them twice. The types that are looked at are there for as long as the module is used.
    private IReadOnlyList<T> Describe<T>(ref IReadOnlyList<T>? list, Func<WasmModule, T[]> describe)
    {
        AddReference();
        try
        {
            return list = Array.AsReadOnly(describe(Wasm));
        }
        finally
        {
            ReleaseReference();
        }
    }

    /// <summary>Finds an exported function. Names that were asked for lately are found without hashing.</summary>
    internal FunctionExport? FindFunction(string name)
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
    internal List<string> ExportNames(ExternalKind kind, int atMost)
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

    internal bool TryGetExport(string name, out Export export) => _exports.TryGetValue(name, out export);

    /// <summary>The canonical type of a function, imports counted.</summary>
    internal int FunctionTypeId(int functionIndex) => Wasm.CanonicalIds[Wasm.Functions[functionIndex]];

    /// <summary>The module's name for people, cut off where it is long.</summary>
    internal string? ShortName => _shortName ??= Shorten(Wasm.Names.ModuleName);

    /// <summary>
    /// A function's name for people, from the name section or from its first export, cut off where it is long. A trap asks for a hundred, and a guest decides how often it
    /// traps, how many exports there are and how long names are: none of the three may matter.
    /// </summary>
    internal string? FunctionName(int functionIndex)
    {
        if (Wasm.Names.Functions.Find(0, functionIndex, LongestName) is string name)
            return name;
        int export = (_exportOfFunction ?? FindExports())[functionIndex];
        return export == 0 ? null : Shorten(Wasm.Exports[export - 1].Name);
    }

    /// <summary>How often all exports were gone through for names; for tests.</summary>
    internal int ExportSearches { get; private set; }

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
    internal void WriteFunctionReference(FunctionReference* record, int functionIndex, VmContext* context)
    {
        record->Code = _code.Entry(functionIndex - Wasm.ImportedFunctionCount);
        record->VmContext = context;
        record->TypeId = (uint)FunctionTypeId(functionIndex);
        record->HostFunction = FunctionReferenceRecord.NotAHostFunction;
    }

    /// <summary>Whether a function has been compiled: all have where that was not put off.</summary>
    internal bool IsCompiled(int definedIndex) => _code.IsCompiled(definedIndex);

    /// <summary>What a guest pays in fuel for the compilation of a function that it calls first.</summary>
    internal long CompilationFuel(int definedIndex) => FunctionCompiler.FuelPerFunction + (FunctionCompiler.FuelPerByte * Wasm.Bodies[definedIndex].Length);

    /// <summary>Blocks of the arena that its code takes, thunks aside; for tests.</summary>
    internal int CodeBlockCount => _code.BlockCount;

    /// <summary>Compiles a function that was called for the first time; gives its address.</summary>
    internal nint CompileOnFirstCall(int definedIndex) => _code.CompileOnFirstCall(definedIndex);

    /// <summary>Compiles text. What is wrong with the module is said of the text's lines.</summary>
    internal static Module CompileText(Engine engine, ReadOnlySpan<byte> text, string? fileName)
    {
        try
        {
            return Compile(engine, WatParser.Parse(text, fileName));
        }
        catch (WasmException e) when (e is InvalidModuleException or MalformedModuleException or UnsupportedInstructionException)
        {
            throw TextLocation.Locate(e, text, fileName);
        }
    }

    private static Module Compile(Engine engine, byte[] bytes)
    {
        engine.ThrowIfDisposed();
        using Activity? activity = TarnMetrics.Activities.StartActivity("Tarn.Compile");
        activity?.SetTag("tarn.module.bytes", bytes.Length);
        long start = TarnMetrics.Now(isWait: false);
        WasmModule wasm = WasmModule.Decode(bytes, engine.Options.Features);
        ModuleValidator.Validate(wasm, engine.Types, engine.Options.CompilationThreads);
        try
        {
            var module = new Module(engine, wasm, ModuleCode.Compile(engine, wasm));
            TarnMetrics.Record(isWait: false, start);
            return module;
        }
        catch
        {
            wasm.ReleaseTypes();
            throw;
        }
    }

    // The binary format opens with a zero byte; text never holds one.
    private static bool LooksLikeText(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && bytes[0] != 0;
}

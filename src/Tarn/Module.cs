// A module: its parsed form, where its instances keep things, and its code. Immutable and thread-safe. Code is freed when the
// module is disposed and no template and no instance of it is left, never earlier: a stack may hold return addresses into it.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Modules;
using Tarn.Pooling;
using Tarn.Symbols;

namespace Tarn;

/// <summary>A compiled WebAssembly module. Thread-safe; make it once and instantiate it often.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
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

    /// <summary>Makes a module of its parts, which are its own from now on.</summary>
    internal Module(Engine engine, WasmModule wasm, ModuleCode code)
    {
        Engine = engine;
        Wasm = wasm;
        Layout = code.Layout;
        ElementItems = Modules.ElementItems.Decode(wasm);
        NeedsHeap = Heaps.TypeDescriptors.IsNeededBy(wasm);
        AllocatingElements = NeedsHeap ? Modules.ElementItems.FindAllocating(wasm, ElementItems) : [];
        ManagedGlobals = Heaps.TypeShape.ManagedGlobals(wasm);
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

    /// <summary>Whether instances need a heap of managed objects.</summary>
    internal bool NeedsHeap { get; }

    /// <summary>Element segments with items that make objects.</summary>
    internal int[] AllocatingElements { get; }

    /// <summary>Globals whose cell in the VM context holds a managed reference.</summary>
    internal int[] ManagedGlobals { get; }

    /// <summary>Whether instances run a function before they are handed out.</summary>
    internal bool HasStart { get; }

    /// <summary>The memory exported as <c>memory</c>, or else the one that is exported first; −1 where none is.</summary>
    internal int DefaultMemory { get; } = -1;

    /// <summary>The pool's idle slots that are bound to this module.</summary>
    internal WarmList? WarmList { get; set; }

    /// <summary>Whether a function of the module stores to a table in compiled code, which the pool would not notice.</summary>
    internal bool WritesTableElements => Wasm.WritesTables;

    /// <summary>Compiles a module from the binary format, or from the text format if that is what the bytes are. The bytes are copied.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="bytes">The module.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a module.</exception>
    /// <exception cref="TextFormatException">The text is not a module.</exception>
    /// <exception cref="InvalidModuleException">The module breaks a rule of validation, or a function is too complex to be compiled.</exception>
    /// <exception cref="UnsupportedModuleException">The module has an instruction that this version of Tarn cannot execute.</exception>
    public static Module FromBytes(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return ModuleMaker.Make(engine, bytes.ToArray());
    }

    /// <summary>
    /// Compiles a module from the binary format, or from the text format if that is what the bytes are. The bytes are not copied: they must not change for as long as the module
    /// or an instance of it is in use, since what has been validated is relied upon.
    /// </summary>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromBytes(Engine engine, ReadOnlyMemory<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return ModuleMaker.Make(engine, bytes);
    }

    /// <summary>Compiles a module from a file in the binary or the text format.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromFile(Engine engine, string path)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(path);
        return ModuleMaker.Make(engine, File.ReadAllBytes(path), path);
    }

    /// <summary>Compiles a module from a stream in the binary or the text format, which is read to its end.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="stream">The stream. It is not closed.</param>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromStream(Engine engine, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(stream);
        using var all = new MemoryStream();
        stream.CopyTo(all);
        return ModuleMaker.Make(engine, all.GetBuffer().AsMemory(0, (int)all.Length));
    }

    /// <summary>Compiles a module from a stream in the binary or the text format, which is read to its end. Compiling is done on the thread pool.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="stream">The stream. It is not closed.</param>
    /// <param name="progress">Receives how far the compilation is, on the threads that compile.</param>
    /// <param name="cancellationToken">Ends reading and compiling; looked at before each function.</param>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Task<Module> FromStreamAsync(
        Engine engine, Stream stream, IProgress<CompilationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(stream);
        return ModuleMaker.MakeAsync(engine, stream, progress, cancellationToken);
    }

    /// <summary>
    /// Compiles a module on the thread pool. The bytes are not copied: they must not change for as long as the module or an instance of it is in use, since what has been validated is
    /// relied upon.
    /// </summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    /// <param name="progress">Receives how far the compilation is, on the threads that compile.</param>
    /// <param name="cancellationToken">Ends compiling; looked at before each function.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Task<Module> CompileAsync(
        Engine engine, ReadOnlyMemory<byte> bytes, IProgress<CompilationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return Task.Run(() => ModuleMaker.Make(engine, bytes, progress: progress, cancellationToken: cancellationToken), cancellationToken);
    }

    /// <summary>Compiles a module from the text format.</summary>
    /// <param name="engine">The engine that compiles the module and will run it.</param>
    /// <param name="text">The module.</param>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte})"/>
    public static Module FromText(Engine engine, string text)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(text);
        return ModuleMaker.MakeOfText(engine, Encoding.UTF8.GetBytes(text), null);
    }

    /// <summary>Validates a module without compiling it, with the features that the engine's options allow.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    /// <exception cref="MalformedModuleException">The bytes are not a module.</exception>
    /// <exception cref="TextFormatException">The text is not a module.</exception>
    /// <exception cref="InvalidModuleException">The module breaks a rule of validation.</exception>
    /// <exception cref="UnsupportedModuleException">The module has an instruction that this version of Tarn cannot execute.</exception>
    public static void Validate(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ModuleMaker.Validate(engine, bytes.ToArray());
    }

    /// <summary>Validates a module without compiling it, with the features that the engine's options allow.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="bytes">The module, in the binary or the text format.</param>
    /// <param name="error">The exception that <see cref="Validate"/> would throw, if the module is not valid.</param>
    /// <returns>Whether the module is valid and this version of Tarn can execute it.</returns>
    public static bool TryValidate(Engine engine, ReadOnlySpan<byte> bytes, [NotNullWhen(false)] out WasmException? error)
    {
        try
        {
            Validate(engine, bytes);
            error = null;
            return true;
        }
        catch (WasmException e)
        {
            error = e;
            return false;
        }
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

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => $"Module {Name ?? "without a name"}, {Wasm.Imports.Length} imports, {Wasm.Exports.Length} exports";
}

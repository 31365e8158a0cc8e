// The machine code of one module in the arena. Compiled ahead or loaded, all functions share one block; compiled on first call, they share pages and calls go
// through thunks (LazyCode).
//
// Invariants: there is at least one byte between functions, so that a return address after a function's last call is not
// the next function's start; code is published before any record or thunk leads to it; nothing is freed while the module has references, and a module that was
// forgotten with everything that was made of it frees its code when it is collected. A function is compiled once: what is serialised is lifted from memory.
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Engines;
using Tarn.Platform;

namespace Tarn.Modules;

internal sealed unsafe class ModuleCode : IDisposable
{
    private readonly EngineCore _engine;
    private readonly WasmModule _wasm;
    private readonly Lock _lock = new();
    private readonly FunctionCompiler? _compiler;
    private readonly LazyCode? _lazy;
    private readonly WeakReference<ModuleCore> _module = new(null!);
    private readonly nint[] _entries;
    private CodeBlock? _block;
    private CodeTables? _tables;
    private CodeRelocations? _relocations;
    private bool _disposed;

    private ModuleCode(EngineCore engine, WasmModule wasm, CompilationMode? mode)
    {
        _engine = engine;
        _wasm = wasm;
        Layout = new VmContextLayout(wasm);
        _compiler = mode is null ? null : new FunctionCompiler(engine, wasm, Layout);
        _entries = new nint[wasm.Bodies.Length];
        if (mode == CompilationMode.Lazy && _entries.Length > 0)
        {
            _lazy = new LazyCode(_engine.Machine, _entries.Length);
            for (int i = 0; i < _entries.Length; i++)
                _entries[i] = _lazy.Thunk(i);
        }
    }

    /// <summary>Frees code and types that were forgotten: while anything can run it, something reaches the module and so this.</summary>
    ~ModuleCode()
    {
        Free();
        _wasm.ReleaseTypes();
    }

    public VmContextLayout Layout { get; }

    /// <summary>Blocks of the arena that it takes, thunks aside.</summary>
    public int BlockCount => _lazy?.BlockCount ?? (_block is null ? 0 : 1);

    /// <summary>Compiles, or gets ready to compile.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ModuleCode Compile(EngineCore engine, WasmModule wasm, CompilationCounter? counter, CancellationToken cancellationToken)
    {
        var code = new ModuleCode(engine, wasm, engine.Options.CompilationMode);
        try
        {
            if (code._lazy is null && wasm.Bodies.Length > 0)
                code.Load(CompiledModule.Of(engine.CodeTarget, wasm, code._compiler!.CompileAll(counter, cancellationToken)));
        }
        catch
        {
            code.Dispose();
            throw;
        }
        return code;
    }

    /// <summary>Loads code that was compiled earlier, all of it: there is nothing left to put off.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="wasm">The module, which is no longer read.</param>
    /// <param name="artifact">Where code and tables come from, at its machine code.</param>
    /// <exception cref="IncompatibleArtifactException">The artifact is damaged or ends early.</exception>
    public static ModuleCode FromArtifact(EngineCore engine, WasmModule wasm, ArtifactReader artifact)
    {
        var code = new ModuleCode(engine, wasm, mode: null);
        try
        {
            if (wasm.Bodies.Length > 0)
                code.Load(artifact);
        }
        catch
        {
            code.Dispose();
            throw;
        }
        return code;
    }

    /// <summary>Says whose code it is, for backtraces.</summary>
    public void SetModule(ModuleCore module) => _module.SetTarget(module);

    /// <summary>Where to call a defined function.</summary>
    public nint Entry(int definedIndex) => _entries[definedIndex];

    /// <summary>The code as the compiler made it. Functions that have not been called yet are compiled now, for good.</summary>
    public CompiledModule ToCompiled()
    {
        if (_lazy is not null)
            return CompiledModule.Of(_engine.CodeTarget, _wasm, _compiler!.ForAll(i => Lift(_lazy.GetOrAdd(i, _compiler.Compile, Prepare))));
        if (_block is null)
            return CompiledModule.Of(_engine.CodeTarget, _wasm, []);
        byte[] code = _block.Bytes.ToArray();
        _relocations!.Undo(_engine.CodeTarget, code);
        return new CompiledModule { Facts = _wasm.Facts, Code = code, Tables = _tables!, Relocations = _relocations };
    }

    /// <summary>Whether a function that is compiled on first call has been compiled.</summary>
    public bool IsCompiled(int definedIndex) => _lazy is null || _lazy.Find(definedIndex) != 0;

    /// <summary>Compiles a function whose thunk was called, unless another thread has done so meanwhile.</summary>
    /// <returns>Where the function is.</returns>
    public nint CompileOnFirstCall(int definedIndex) => (nint)_lazy!.GetOrAdd(definedIndex, _compiler!.Compile, Prepare).Address;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static CompiledFunction Lift(CodePiece piece) => ((LoadedFunction)piece.Owner!).ToCompiled(new ReadOnlySpan<byte>(piece.Address, piece.Length));

    private void Free()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_block is not null)
                _engine.Machine.Arena.Free(_block);
            _block = null;
            _lazy?.Dispose();
        }
    }

    // Lays compiled functions out in one block, patches and publishes it.
    private void Load(CompiledModule compiled)
    {
        CodeBlock block = _engine.Machine.Arena.Allocate(compiled.Code.Length);
        try
        {
            compiled.Code.Span.CopyTo(block.Bytes);
            Publish(block, compiled.Tables, compiled.Relocations);
        }
        catch
        {
            _engine.Machine.Arena.Free(block);
            throw;
        }
    }

    // The same for a block that was laid out when the artifact was written. Code goes from the file to where it will run, without a stop between.
    private void Load(ArtifactReader artifact)
    {
        CodeBlock block = _engine.Machine.Arena.Allocate((int)artifact.LengthOf(ArtifactSection.Code));
        try
        {
            artifact.Read(ArtifactSection.Code, block.Bytes);
            CodeTables tables = artifact.ReadTables(block.Length);
            CodeRelocations relocations = artifact.ReadRelocations();
            if (tables.Starts.Length != _entries.Length)
                throw new IncompatibleArtifactException("The compiled module is damaged: its tables do not fit together.");
            Publish(block, tables, relocations);
        }
        catch
        {
            _engine.Machine.Arena.Free(block);
            throw;
        }
    }

    private void Publish(CodeBlock block, CodeTables tables, CodeRelocations relocations)
    {
        // Before anything is patched: functions call each other in both directions.
        for (int i = 0; i < tables.Starts.Length; i++)
            _entries[i] = (nint)block.Address + tables.Starts[i];
        Span<byte> code = block.Bytes;
        for (int i = 0; i < relocations.Offsets.Length; i++)
            Patch(code, (nint)block.Address, relocations.Offsets[i], (SymbolKind)relocations.Kinds[i], relocations.Targets[i]);
        _engine.Machine.Arena.Publish(block, new ModuleCodeOwner(_module, _wasm.ImportedFunctionCount, tables));
        _block = block;
        _tables = tables;
        _relocations = relocations;
        if (_engine.Options.WritePerfMap)
            PerfMap.Write(_wasm, (nint)block.Address, _wasm.ImportedFunctionCount, tables.Starts, tables.Lengths);
    }

    private LoadedFunction Prepare(int definedIndex, CompiledFunction function, byte[] code, nint address)
    {
        foreach (ref readonly Relocation relocation in function.Relocations.AsSpan())
            Patch(code, address, relocation.Offset, relocation.Kind, relocation.Target);
        int functionIndex = definedIndex + _wasm.ImportedFunctionCount;
        if (_engine.Options.WritePerfMap)
            PerfMap.Write(_wasm, address, functionIndex, [0], [code.Length]);
        return new LoadedFunction(_module, functionIndex, function);
    }

    // The code will run at the address.
    private void Patch(Span<byte> code, nint address, int offset, SymbolKind kind, int symbol)
    {
        nint value = kind switch
        {
            SymbolKind.TypeId => _wasm.CanonicalIds[symbol],
            SymbolKind.Function => _entries[symbol - _wasm.ImportedFunctionCount],
            SymbolKind.Builtin => _engine.Machine.Stubs.Builtin((BuiltinId)symbol),
            SymbolKind.Trap => _engine.Machine.Stubs.Trap,
            _ => throw new InvalidOperationException($"A relocation of kind {kind} cannot be loaded."),
        };
        _engine.CodeTarget.Relocate(code, offset, kind, address, value);
    }
}

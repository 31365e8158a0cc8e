// The machine code of one module in the arena, and the answers to questions about program counters in it. Eagerly compiled, all
// functions share one block; lazily compiled, each has its own, and calls go through thunks.
//
// Invariants: between functions lies at least one byte, so that a return address after a function's last call is not
// the next function's start; blocks are published before any record or thunk leads to them; nothing is freed while the module has references.
using Tarn.Compiler;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Modules;

internal sealed unsafe class ModuleCode : IDisposable
{
    private readonly Engine _engine;
    private readonly WasmModule _wasm;
    private readonly FunctionCompiler _compiler;
    private readonly Lock _lock = new();
    private readonly LazyThunks? _thunks;
    private readonly List<CodeBlock> _blocks = [];
    private readonly nint[] _entries;
    private bool _disposed;

    private ModuleCode(Engine engine, WasmModule wasm, bool lazy)
    {
        _engine = engine;
        _wasm = wasm;
        Layout = new VmContextLayout(wasm);
        _compiler = new FunctionCompiler(engine, wasm, Layout);
        _entries = new nint[wasm.Bodies.Length];
        if (lazy && _entries.Length > 0)
        {
            _thunks = Machine.Current.Stubs.CreateLazyThunks(_entries.Length);
            for (int i = 0; i < _entries.Length; i++)
                _entries[i] = _thunks.Thunk(i);
        }
    }

    public VmContextLayout Layout { get; }

    /// <summary>The module whose code it is; for backtraces.</summary>
    public Module? Module { get; set; }

    /// <summary>Compiles, or gets ready to compile.</summary>
    public static ModuleCode Compile(Engine engine, WasmModule wasm)
    {
        var code = new ModuleCode(engine, wasm, engine.Options.Compilation == CompilationMode.Lazy);
        try
        {
            if (code._thunks is null && wasm.Bodies.Length > 0)
                code.Load(0, code._compiler.CompileAll());
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
    /// <param name="wasm">The module, which is not read any more.</param>
    /// <param name="artifact">Where code and tables come from, at its machine code.</param>
    /// <exception cref="IncompatibleArtifactException">The artifact is damaged or ends early.</exception>
    public static ModuleCode FromArtifact(Engine engine, WasmModule wasm, ArtifactReader artifact)
    {
        var code = new ModuleCode(engine, wasm, lazy: false);
        if (wasm.Bodies.Length > 0)
            code.Load(artifact);
        return code;
    }

    /// <summary>Where to call a defined function.</summary>
    public nint Entry(int definedIndex) => _entries[definedIndex];

    /// <summary>All functions as the compiler makes them.</summary>
    public CompiledFunction[] CompileAll() => _compiler.CompileAll();

    /// <summary>Compiles a function whose thunk was called, unless another thread has done so meanwhile.</summary>
    /// <returns>Where the function is.</returns>
    public nint CompileOnFirstCall(int definedIndex)
    {
        lock (_lock)
        {
            nint target = _thunks!.GetTarget(definedIndex);
            if (_blocks.Exists(b => target >= (nint)b.Address && target < (nint)b.Address + b.Length))
                return target;
            Load(definedIndex, [_compiler.Compile(definedIndex)]);
            return _thunks.GetTarget(definedIndex);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (CodeBlock block in _blocks)
                Machine.Current.Arena.Free(block);
            _blocks.Clear();
            _thunks?.Dispose();
        }
    }

    // Lays functions out in one block, patches and publishes it.
    private void Load(int firstIndex, CompiledFunction[] functions)
    {
        CodeTables tables = CodeTables.Of(functions);
        CodeArena arena = Machine.Current.Arena;
        CodeBlock block = arena.Allocate(tables.Size);
        try
        {
            block.Bytes.Fill(ModuleArtifact.Filler);
            for (int i = 0; i < functions.Length; i++)
                functions[i].Code.CopyTo(block.Bytes[tables.Starts[i]..]);
            SetEntries(block, firstIndex, tables);
            for (int i = 0; i < functions.Length; i++)
            {
                foreach (ref readonly Relocation relocation in functions[i].Relocations.AsSpan())
                    Patch(block.Address + tables.Starts[i] + relocation.Offset, relocation.Kind, relocation.Target);
            }
            arena.Publish(block, new ModuleCodeOwner(this, firstIndex + _wasm.ImportedFunctionCount, tables));
        }
        catch
        {
            arena.Free(block);
            throw;
        }
        Add(block, firstIndex, tables);
    }

    // The same for a block that was laid out when the artifact was written. Code goes from the file to where it will run, without a stop between.
    private void Load(ArtifactReader artifact)
    {
        CodeArena arena = Machine.Current.Arena;
        CodeBlock block = arena.Allocate((int)artifact.LengthOf(ArtifactSection.Code));
        CodeTables tables;
        try
        {
            artifact.Read(ArtifactSection.Code, block.Bytes);
            tables = new CodeTables
            {
                Size = block.Length,
                Starts = artifact.ReadNumbers(ArtifactSection.Starts),
                Lengths = artifact.ReadNumbers(ArtifactSection.Lengths),
                FrameSizes = artifact.ReadNumbers(ArtifactSection.FrameSizes),
                StackArgumentBytes = artifact.ReadNumbers(ArtifactSection.StackArgumentBytes),
                TrapOffsets = artifact.ReadNumbers(ArtifactSection.TrapOffsets),
                TrapWasmOffsets = artifact.ReadNumbers(ArtifactSection.TrapWasmOffsets),
                TrapCodes = artifact.ReadBytes(ArtifactSection.TrapCodes),
                CallOffsets = artifact.ReadNumbers(ArtifactSection.CallOffsets),
                CallWasmOffsets = artifact.ReadNumbers(ArtifactSection.CallWasmOffsets),
            };
            int[] offsets = artifact.ReadNumbers(ArtifactSection.RelocationOffsets);
            byte[] kinds = artifact.ReadBytes(ArtifactSection.RelocationKinds);
            int[] targets = artifact.ReadNumbers(ArtifactSection.RelocationTargets);
            if (tables.Starts.Length != _entries.Length || kinds.Length != offsets.Length || targets.Length != offsets.Length)
                throw new IncompatibleArtifactException("the compiled module is damaged: its tables do not fit together");
            SetEntries(block, 0, tables);
            for (int i = 0; i < offsets.Length; i++)
                Patch(block.Address + offsets[i], (SymbolKind)kinds[i], targets[i]);
            arena.Publish(block, new ModuleCodeOwner(this, _wasm.ImportedFunctionCount, tables));
        }
        catch
        {
            arena.Free(block);
            throw;
        }
        Add(block, 0, tables);
    }

    // Before anything is patched: functions call each other in both directions.
    private void SetEntries(CodeBlock block, int firstIndex, CodeTables tables)
    {
        if (_thunks is not null)
            return;
        for (int i = 0; i < tables.Starts.Length; i++)
            _entries[firstIndex + i] = (nint)block.Address + tables.Starts[i];
    }

    private void Add(CodeBlock block, int firstIndex, CodeTables tables)
    {
        _blocks.Add(block);
        if (_thunks is not null)
        {
            for (int i = 0; i < tables.Starts.Length; i++)
                _thunks.SetTarget(firstIndex + i, (nint)block.Address + tables.Starts[i]);
        }
        if (_engine.Options.PerfMap)
            PerfMap.Write(_wasm, block, firstIndex + _wasm.ImportedFunctionCount, tables);
    }

    private void Patch(byte* field, SymbolKind kind, int symbol)
    {
        if (kind == SymbolKind.TypeId)
        {
            *(int*)field = _wasm.CanonicalIds[symbol];
            return;
        }
        nint target = kind switch
        {
            SymbolKind.Function => _entries[symbol - _wasm.ImportedFunctionCount],
            SymbolKind.Builtin => Machine.Current.Stubs.Builtin((BuiltinId)symbol),
            SymbolKind.Trap => Machine.Current.Stubs.Trap,
            _ => throw new InvalidOperationException($"a relocation of kind {kind} cannot be loaded"),
        };
        *(int*)field = checked((int)(target - (nint)(field + sizeof(int))));
    }
}

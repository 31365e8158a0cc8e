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
    private const int FunctionAlignment = 32;

    private readonly Engine _engine;
    private readonly WasmModule _wasm;
    private readonly IFunctionCompiler _compiler;
    private readonly Lock _lock = new();
    private readonly LazyThunks? _thunks;
    private readonly List<CodeBlock> _blocks = [];
    private readonly nint[] _entries;
    private bool _disposed;

    private ModuleCode(Engine engine, WasmModule wasm, VmContextLayout layout, IFunctionCompiler compiler)
    {
        _engine = engine;
        _wasm = wasm;
        Layout = layout;
        _compiler = compiler;
        _entries = new nint[wasm.Bodies.Length];
        if (engine.Options.Compilation == CompilationMode.Lazy && _entries.Length > 0)
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
        var layout = new VmContextLayout(wasm);
        var code = new ModuleCode(engine, wasm, layout, new FunctionCompiler(engine, wasm, layout));
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

    /// <summary>Loads code that was compiled earlier.</summary>
    public static ModuleCode FromCompiled(Engine engine, WasmModule wasm, CompiledFunction[] functions)
    {
        var layout = new VmContextLayout(wasm);
        var code = new ModuleCode(engine, wasm, layout, new PrecompiledFunctions(functions));
        if (code._thunks is null && functions.Length > 0)
            code.Load(0, functions);
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
        var starts = new int[functions.Length];
        int size = 0;
        for (int i = 0; i < functions.Length; i++)
        {
            starts[i] = size;
            size = checked((size + functions[i].Code.Length + FunctionAlignment) & ~(FunctionAlignment - 1));
        }
        CodeArena arena = Machine.Current.Arena;
        CodeBlock block = arena.Allocate(size);
        try
        {
            block.Bytes.Fill(0xCC);
            for (int i = 0; i < functions.Length; i++)
                functions[i].Code.CopyTo(block.Bytes[starts[i]..]);
            if (_thunks is null)
            {
                for (int i = 0; i < functions.Length; i++)
                    _entries[firstIndex + i] = (nint)block.Address + starts[i];
            }
            for (int i = 0; i < functions.Length; i++)
            {
                foreach (ref readonly Relocation relocation in functions[i].Relocations.AsSpan())
                    Patch(block.Address + starts[i] + relocation.Offset, relocation);
            }
            arena.Publish(block, new ModuleCodeOwner(this, firstIndex + _wasm.ImportedFunctionCount, starts, functions));
        }
        catch
        {
            arena.Free(block);
            throw;
        }
        _blocks.Add(block);
        if (_thunks is not null)
        {
            for (int i = 0; i < functions.Length; i++)
                _thunks.SetTarget(firstIndex + i, (nint)block.Address + starts[i]);
        }
        if (_engine.Options.PerfMap)
            PerfMap.Write(_wasm, block, firstIndex + _wasm.ImportedFunctionCount, starts, functions);
    }

    private void Patch(byte* field, in Relocation relocation)
    {
        if (relocation.Kind == SymbolKind.TypeId)
        {
            *(int*)field = _wasm.CanonicalIds[relocation.Target];
            return;
        }
        nint target = relocation.Kind switch
        {
            SymbolKind.Function => _entries[relocation.Target - _wasm.ImportedFunctionCount],
            SymbolKind.Builtin => Machine.Current.Stubs.Builtin((BuiltinId)relocation.Target),
            SymbolKind.Trap => Machine.Current.Stubs.Trap,
            _ => throw new InvalidOperationException($"a relocation of kind {relocation.Kind} cannot be loaded"),
        };
        *(int*)field = checked((int)(target - (nint)(field + sizeof(int))));
    }
}

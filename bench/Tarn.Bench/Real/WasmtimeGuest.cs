// A real program in Wasmtime, through its .NET package.
namespace Tarn.Bench.Real;

internal sealed class WasmtimeGuest : RealGuest
{
    private readonly Wasmtime.Engine _engine = new();
    private readonly Wasmtime.Module _module;
    private readonly Wasmtime.Store _store;
    private readonly Wasmtime.Linker _linker;
    private readonly Wasmtime.Instance _instance;
    private readonly Wasmtime.Memory _memory;
    private readonly Dictionary<string, Wasmtime.Function> _functions = [];

    public WasmtimeGuest(Recipe recipe)
        : base(recipe)
    {
        _module = Wasmtime.Module.FromBytes(_engine, recipe.Name, recipe.Module);
        _store = new Wasmtime.Store(_engine);
        _linker = new Wasmtime.Linker(_engine);
        foreach (Wasmtime.Import import in _module.Imports)
        {
            if (import is Wasmtime.FunctionImport function)
            {
                Wasmtime.Function nothing = Wasmtime.Function.FromCallback(
                    _store, (caller, arguments, results) => throw new InvalidOperationException($"{import.Name} was called."), function.Parameters, function.Results);
                _linker.Define(import.ModuleName, import.Name, nothing);
            }
        }

        _instance = _linker.Instantiate(_store, _module);
        _memory = _instance.GetMemory("memory") ?? throw new InvalidDataException($"{recipe.Name} exports no memory.");
    }

    public override void Dispose()
    {
        _linker.Dispose();
        _store.Dispose();
        _module.Dispose();
        _engine.Dispose();
    }

    protected override uint Call(string export, ReadOnlySpan<int> arguments)
    {
        if (!_functions.TryGetValue(export, out Wasmtime.Function? function))
            _functions[export] = function = _instance.GetFunction(export) ?? throw new InvalidDataException($"There is no export {export}.");
        Wasmtime.ValueBox[] values = new Wasmtime.ValueBox[arguments.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = arguments[i];
        return function.Invoke(values) is int result ? (uint)result : 0;
    }

    protected override Span<byte> Memory(uint address, int length) => _memory.GetSpan(address, length);

    protected override void Grow(int pages) => _memory.Grow(pages);
}

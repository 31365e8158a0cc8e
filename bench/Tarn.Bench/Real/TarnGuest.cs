// A real program in Tarn. Imported functions do nothing: the recipes reach none that matters.
namespace Tarn.Bench.Real;

internal sealed class TarnGuest : RealGuest
{
    // Programs want more memory than a slot of the default pools has.
    private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
    private readonly Module _module;
    private readonly Instance _instance;
    private readonly Dictionary<string, Function> _functions = [];

    public TarnGuest(Recipe recipe)
        : base(recipe)
    {
        _module = Module.FromBytes(_engine, recipe.Module);
        _instance = new Linker(_engine).DefineUnknownImportsAsTraps().Prepare(_module).Instantiate();
    }

    public override void Dispose()
    {
        _instance.Dispose();
        _module.Dispose();
        _engine.Dispose();
    }

    protected override uint Call(string export, ReadOnlySpan<int> arguments)
    {
        if (!_functions.TryGetValue(export, out Function function))
            _functions[export] = function = _instance.GetFunction(export);
        Value[] values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = Value.FromInt32(arguments[i]);
        Value[] results = function.Invoke(values);
        return results.Length == 0 ? 0 : (uint)results[0].AsInt32();
    }

    protected override Span<byte> Memory(uint address, int length) => _instance.Memory.AsSpan(address, length);

    protected override void Grow(int pages) => _instance.Memory.Grow(pages);
}

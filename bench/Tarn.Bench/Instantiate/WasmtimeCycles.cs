// Wasmtime through its .NET package: a store for each instance, a linker kept, the typed delegate that the package offers.
namespace Tarn.Bench.Instantiate;

internal sealed class WasmtimeCycles : CycleContender
{
    private readonly Wasmtime.Engine _engine;
    private readonly Wasmtime.Linker _linker;
    private Wasmtime.Module? _module;
    private int _argument;

    public WasmtimeCycles(string name, bool pooled, bool tuned)
        : base(name)
    {
        var config = new Wasmtime.Config();
        config.WithMemoryInitCopyOnWrite(true);
        if (pooled)
        {
            var pool = new Wasmtime.PoolingAllocationConfig();
            if (tuned)
            {
                pool.WithLinearMemoryKeepResidentBytes(64 << 10);
                pool.WithTableKeepResidentBytes(64 << 10);
                pool.WithMaxUnusedWarmSlots(1000);
            }
            config.WithPoolingAllocationStrategy(pool);
        }
        _engine = new Wasmtime.Engine(config);
        _linker = new Wasmtime.Linker(_engine);
    }

    public override void Load(InstantiateCase instantiateCase)
    {
        _module?.Dispose();
        _module = Wasmtime.Module.FromBytes(_engine, instantiateCase.Name, instantiateCase.Module);
        _argument = instantiateCase.Argument;
    }

    public override long Run(int cycles)
    {
        long sum = 0;
        for (int i = 0; i < cycles; i++)
        {
            using var store = new Wasmtime.Store(_engine);
            Wasmtime.Instance instance = _linker.Instantiate(store, _module!);
            sum += instance.GetFunction<int, long>("run")!(_argument);
        }
        return sum;
    }

    public override void Dispose()
    {
        _module?.Dispose();
        _linker.Dispose();
        _engine.Dispose();
    }
}

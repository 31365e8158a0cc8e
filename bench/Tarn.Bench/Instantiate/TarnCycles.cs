// Tarn as an embedder uses it. Nothing here that the README does not show.
namespace Tarn.Bench.Instantiate;

internal sealed class TarnCycles(string name, EngineOptions options) : CycleContender(name)
{
    private readonly Engine _engine = new(options);
    private Module? _module;
    private InstanceTemplate? _template;
    private int _argument;

    public override void Load(InstantiateCase instantiateCase)
    {
        Unload();
        _module = Module.FromBytes(_engine, instantiateCase.Module);
        _template = new Linker(_engine).Prepare(_module);
        _argument = instantiateCase.Argument;
    }

    public override long Run(int cycles)
    {
        InstanceTemplate template = _template!;
        int argument = _argument;
        long sum = 0;
        for (int i = 0; i < cycles; i++)
        {
            using Instance instance = template.Instantiate();
            sum += instance.GetFunction<int, long>("run").Invoke(argument);
        }
        return sum;
    }

    public override void Dispose()
    {
        Unload();
        _engine.Dispose();
    }

    private void Unload()
    {
        _template?.Dispose();
        _module?.Dispose();
    }
}

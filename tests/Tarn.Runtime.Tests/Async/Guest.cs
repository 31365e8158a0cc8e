// A module with one instance, for tests.
namespace Tarn.Runtime.Tests.Async;

internal sealed class Guest : IDisposable
{
    private readonly Module _module;
    private readonly InstanceTemplate _template;

    public Guest(Engine engine, string text, Linker linker)
    {
        _module = Module.FromText(engine, text);
        _template = linker.Prepare(_module);
        Instance = _template.Instantiate();
    }

    public Instance Instance { get; }

    public void Dispose()
    {
        Instance.Dispose();
        _template.Dispose();
        _module.Dispose();
    }
}

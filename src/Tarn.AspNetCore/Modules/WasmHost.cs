// What all endpoints share: the engine, the modules, the tenants, and the queue for slots.
using Microsoft.Extensions.Options;
using Tarn.AspNetCore.Requests;

namespace Tarn.AspNetCore.Modules;

internal sealed class WasmHost : IDisposable
{
    private readonly Dictionary<string, HostedModule> _modules = new(StringComparer.Ordinal);

    public WasmHost(Engine engine, IOptions<TarnOptions> options)
    {
        Engine = engine;
        Options = options.Value;
        foreach ((string name, WasmModuleOptions module) in Options.Modules)
            _modules.Add(name, new HostedModule(name, module, Options));
        Tenants = new TenantTable(Options);
    }

    public Engine Engine { get; }

    public TarnOptions Options { get; }

    public IReadOnlyCollection<HostedModule> Modules => _modules.Values;

    public TenantTable Tenants { get; }

    public SlotQueue Queue { get; } = new();

    /// <summary>The module of a name.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public HostedModule Find(string name) => _modules.TryGetValue(name, out HostedModule? module)
        ? module
        : throw new InvalidOperationException($"There is no module \"{name}\" in TarnOptions.Modules; there is {(_modules.Count == 0 ? "none" : string.Join(", ", _modules.Keys))}.");

    public void Dispose()
    {
        foreach (HostedModule module in _modules.Values)
            module.Unload();
    }
}

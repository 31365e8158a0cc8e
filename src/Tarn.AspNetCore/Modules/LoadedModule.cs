// One version of a module, with its template. Requests hold it by a reference, so that a version that has been replaced is disposed when the last of its requests has ended, and never before.
using Tarn.Components;
using Tarn.Wasi;

namespace Tarn.AspNetCore.Modules;

internal sealed class LoadedModule : IDisposable
{
    private readonly Module? _module;
    private readonly Component? _component;
    private readonly InstanceTemplate? _plain;
    private int _references = 1;

    private LoadedModule(Component component, ComponentTemplate template)
    {
        _component = component;
        Components = template;
    }

    private LoadedModule(Module module, InstanceTemplate plain, InstanceTemplate template)
    {
        _module = module;
        _plain = plain;
        Template = template;
    }

    /// <summary>The template of a module; null for a component.</summary>
    public InstanceTemplate? Template { get; }

    /// <summary>The template of a component; null for a module.</summary>
    public ComponentTemplate? Components { get; }

    /// <summary>Compiles a module or a component, and initializes it.</summary>
    public static LoadedModule Load(Engine engine, ReadOnlySpan<byte> bytes, WasmModuleOptions options, TarnOptions host)
    {
        if (Component.IsComponent(bytes))
        {
            if (options.Initialize is not null)
                throw new InvalidOperationException("A component cannot be initialized by a function of its own; remove Initialize.");
            Component component = Component.FromBytes(engine, bytes);
            try
            {
                ComponentLinker components = new ComponentLinker(engine).DefineWasi();
                host.ConfigureComponentLinker?.Invoke(components);
                return new LoadedModule(component, components.Prepare(component));
            }
            catch
            {
                component.Dispose();
                throw;
            }
        }
        Module module = bytes.StartsWith("TARNAOT\0"u8) ? Module.Deserialize(engine, bytes) : Module.FromBytes(engine, bytes);
        InstanceTemplate? plain = null;
        try
        {
            Linker linker = new Linker(engine).DefineWasi();
            host.ConfigureLinker?.Invoke(linker);
            plain = linker.Prepare(module);
            return new LoadedModule(module, plain, options.Initialize is null ? plain : Initialize(plain, module, options));
        }
        catch
        {
            plain?.Dispose();
            module.Dispose();
            throw;
        }
    }

    /// <summary>Takes a reference for a request.</summary>
    /// <returns>Whether it was taken; a version that has been disposed cannot be used.</returns>
    public bool TryAddReference()
    {
        int count;
        do
        {
            count = Volatile.Read(ref _references);
            if (count == 0)
                return false;
        }
        while (Interlocked.CompareExchange(ref _references, count + 1, count) != count);
        return true;
    }

    /// <summary>Ends the use by a request, or by the host.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;
        Template?.Dispose();
        _plain?.Dispose();
        _module?.Dispose();
        _component?.Dispose();
    }

    private static InstanceTemplate Initialize(InstanceTemplate plain, Module module, WasmModuleOptions options)
    {
        using var context = new WasiContext(new WasiOptions());
        return plain.Initialize(
            instance =>
            {
                if (!module.HasSnapshot && instance.TryGetFunction("_initialize", out Function reactor))
                    _ = reactor.Invoke();
                _ = instance.GetFunction(options.Initialize!).Invoke();
            },
            context,
            new StoreLimits { CallTimeout = options.InitializationTime, Fuel = options.InitializationFuel, MaximumMemoryBytes = options.InitializationMemoryBytes });
    }
}

// Names and what is behind them, for the imports of components. An interface is asked for by its name with its version; what is defined for a compatible version is taken, as semantic
// versions say: 1.2.0 for 1.x up to 1.2, 0.2.3 for 0.2.x up to 0.2.3, 0.0.1 only for itself.
using Tarn.Components.Linking;
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Provides components with their imports.</summary>
public sealed class ComponentLinker
{
    private readonly Dictionary<(string Interface, string Name), HostFunction> _functions = [];
    private readonly Dictionary<(string Interface, string Name), ResourceRuntime> _resources = [];
    private bool _trapUnknown;

    /// <summary>Initializes a new instance of the <see cref="ComponentLinker"/> class.</summary>
    public ComponentLinker(Engine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        Engine = engine;
    }

    /// <summary>Gets the engine whose components are linked.</summary>
    public Engine Engine { get; }

    /// <summary>Defines a function of an interface.</summary>
    /// <param name="interfaceName">The interface, such as <c>wasi:cli/stdout@0.2.0</c>; empty for a function that is imported by itself.</param>
    /// <param name="name">The function's name.</param>
    /// <param name="callback">The function.</param>
    /// <exception cref="ArgumentException">The name is defined already.</exception>
    public ComponentLinker DefineFunction(string interfaceName, string name, ComponentHostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Add(interfaceName, name, new HostFunction(name, callback, null));
    }

    /// <summary>Defines an asynchronous function of an interface.</summary>
    /// <param name="interfaceName">The interface; empty for a function that is imported by itself.</param>
    /// <param name="name">The function's name.</param>
    /// <param name="callback">The function.</param>
    /// <exception cref="ArgumentException">The name is defined already.</exception>
    public ComponentLinker DefineFunction(string interfaceName, string name, AsyncComponentHostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Add(interfaceName, name, new HostFunction(name, null, callback));
    }

    /// <summary>Defines a resource type of an interface.</summary>
    /// <param name="interfaceName">The interface; empty for a type that is imported by itself.</param>
    /// <param name="name">The type's name.</param>
    /// <param name="type">The type.</param>
    /// <exception cref="ArgumentException">The name is defined already.</exception>
    public ComponentLinker DefineResource(string interfaceName, string name, ComponentResourceType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return Add(interfaceName, name, type.Runtime);
    }

    /// <summary>Defines an interface as the exports of an instance. The instance has to live as long as those that use it, and be used by one thread at a time together with them.</summary>
    /// <param name="interfaceName">The interface under which components import it.</param>
    /// <param name="exports">What it consists of.</param>
    /// <exception cref="ArgumentException">A name is defined already.</exception>
    public ComponentLinker DefineInstance(string interfaceName, ComponentExports exports)
    {
        ArgumentNullException.ThrowIfNull(exports);
        foreach (ComponentFunction function in exports.Functions)
            Add(interfaceName, function.Name, new HostFunction(function.Name, call => function.Invoke([.. call.Arguments]), null));
        foreach ((string name, ResourceRuntime resource) in exports.Resources)
            Add(interfaceName, name, resource);
        return this;
    }

    /// <summary>Lets function imports that are not defined become functions that trap when they are called, and resource types that are not defined become types without resources.</summary>
    public ComponentLinker DefineUnknownImportsAsTraps()
    {
        _trapUnknown = true;
        return this;
    }

    /// <summary>Resolves the imports of a component.</summary>
    /// <returns>A template that can be instantiated any number of times.</returns>
    /// <exception cref="ComponentLinkException">An import is not defined.</exception>
    /// <exception cref="NotSupportedException">The component uses what is not supported: it imports core modules or components, or has a start function.</exception>
    public ComponentTemplate Prepare(Component component, ComponentOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(component);
        component.ThrowIfDisposed();
        if (component.Engine != Engine)
            throw new ArgumentException("The component belongs to another engine than the linker.", nameof(component));
        HostFunction[] functions = Array.ConvertAll(component.Plan.Imports, import => Find(_functions, import.Path, "function", UnknownFunction));
        // An import that is not defined is one type, however often it is asked for.
        Dictionary<string, ResourceRuntime> unknown = new(StringComparer.Ordinal);
        ResourceRuntime[] resources = [.. component.Plan.Steps.OfType<ImportResourceStep>().Select(step => Find(_resources, step.Path, "resource", path => UnknownResource(unknown, path)))];
        return new ComponentTemplate(component, functions, resources, options ?? new ComponentOptions());
    }

    /// <summary>Prepares a component and instantiates it.</summary>
    public ComponentInstance Instantiate(Component component, ComponentOptions? options = null) => Prepare(component, options).Instantiate();

    private T Find<T>(Dictionary<(string Interface, string Name), T> definitions, ImportPath path, string kind, Func<ImportPath, T> unknown)
        where T : class
    {
        // Instances within instances are one interface, whose name is their path.
        string interfaceName = string.Join('#', path.Names.AsSpan(0, path.Names.Length - 1)!);
        string name = path.Names[^1];
        if (definitions.TryGetValue((interfaceName, name), out T? found))
            return found;
        foreach (((string Interface, string Name) key, T definition) in definitions)
        {
            if (key.Name == name && InterfaceVersion.Provides(key.Interface, interfaceName))
                return definition;
        }

        return _trapUnknown ? unknown(path) : throw new ComponentLinkException(interfaceName, name, kind);
    }

    private static HostFunction UnknownFunction(ImportPath path)
    {
        ComponentHostCallback trap = _ => throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"the import '{path}' is not defined");
        return new HostFunction(path.Names[^1], trap, null);
    }

    private static ResourceRuntime UnknownResource(Dictionary<string, ResourceRuntime> known, ImportPath path)
    {
        if (!known.TryGetValue(path.ToString(), out ResourceRuntime? type))
            known.Add(path.ToString(), type = new ComponentResourceType(path.Names[^1]).Runtime);
        return type;
    }

    private ComponentLinker Add(string interfaceName, string name, HostFunction function)
    {
        ArgumentNullException.ThrowIfNull(interfaceName);
        ArgumentNullException.ThrowIfNull(name);
        if (!_functions.TryAdd((interfaceName, name), function))
            throw new ArgumentException($"The function '{name}' of '{interfaceName}' is defined already.", nameof(name));
        return this;
    }

    private ComponentLinker Add(string interfaceName, string name, ResourceRuntime resource)
    {
        ArgumentNullException.ThrowIfNull(interfaceName);
        ArgumentNullException.ThrowIfNull(name);
        if (!_resources.TryAdd((interfaceName, name), resource))
            throw new ArgumentException($"The resource '{name}' of '{interfaceName}' is defined already.", nameof(name));
        return this;
    }
}

// Items of an instance by name: its functions, its resource types, and instances in it.
using System.Diagnostics.CodeAnalysis;
using Tarn.Components.Linking;
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Represents the exports of an instance, or of an interface that it exports.</summary>
public class ComponentExports
{
    private readonly Dictionary<string, Item> _items;
    private readonly ComponentStore _root;
    private readonly Instantiator _instantiator;

    // Made when they are asked for: most callers need one function of many.
    private ComponentFunction? _first;
    private Dictionary<string, ComponentFunction>? _functions;
    private Dictionary<string, ComponentExports>? _instances;

    private protected ComponentExports(Dictionary<string, Item> items, ComponentStore root, Instantiator instantiator)
    {
        _items = items;
        _root = root;
        _instantiator = instantiator;
    }

    internal IEnumerable<ComponentFunction> Functions => FunctionNames.Select(GetFunction);

    internal IEnumerable<(string Name, ResourceRuntime Type)> Resources
    {
        get
        {
            foreach ((string name, Item item) in _items)
            {
                if (item is TypeItem { Resource: >= 0 } type)
                    yield return (name, _instantiator.Resources[type.Resource]!);
            }
        }
    }

    /// <summary>Gets the names of the functions that are exported.</summary>
    public IReadOnlyCollection<string> FunctionNames => NamesOf<LiftedItem>();

    /// <summary>Gets the names of the instances that are exported.</summary>
    public IReadOnlyCollection<string> InstanceNames => NamesOf<InstanceItem>();

    /// <summary>Returns an exported function.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public ComponentFunction GetFunction(string name) =>
        TryGetFunction(name, out ComponentFunction? function) ? function : throw new KeyNotFoundException($"There is no exported function named '{name}'.");

    /// <summary>Returns whether a function is exported, and the function.</summary>
    public bool TryGetFunction(string name, [NotNullWhen(true)] out ComponentFunction? function)
    {
        function = _first;
        if (function is not null && function.Name == name)
            return true;
        if (_functions?.TryGetValue(name, out function) == true)
            return true;
        function = null;
        if (!_items.TryGetValue(name, out Item? item) || item is not LiftedItem lifted)
            return false;
        function = new ComponentFunction(name, _root, _instantiator.Lifts[lifted.Slot]);
        if (_first is null)
            _first = function;
        else
            (_functions ??= new Dictionary<string, ComponentFunction>(StringComparer.Ordinal)).Add(name, function);
        return true;
    }

    /// <summary>Returns an exported instance, such as an interface.</summary>
    /// <param name="name">Its name, such as <c>wasi:cli/run@0.2.0</c>; where no export has this name, a compatible later version is taken.</param>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public ComponentExports GetInstance(string name) =>
        TryGetInstance(name, out ComponentExports? instance) ? instance : throw new KeyNotFoundException($"There is no exported instance named '{name}'.");

    /// <summary>Returns whether an instance is exported, and the instance.</summary>
    public bool TryGetInstance(string name, [NotNullWhen(true)] out ComponentExports? instance)
    {
        if (_items.TryGetValue(name, out Item? item) && item is InstanceItem exact)
        {
            instance = InstanceOf(name, exact);
            return true;
        }

        foreach ((string candidate, Item found) in _items)
        {
            if (found is not InstanceItem compatible || !InterfaceVersion.Provides(candidate, name))
                continue;
            instance = InstanceOf(candidate, compatible);
            return true;
        }

        instance = null;
        return false;
    }

    private ComponentExports InstanceOf(string name, InstanceItem item)
    {
        _instances ??= new Dictionary<string, ComponentExports>(StringComparer.Ordinal);
        if (!_instances.TryGetValue(name, out ComponentExports? instance))
            _instances.Add(name, instance = new ComponentExports(item.Exports, _root, _instantiator));
        return instance;
    }

    private string[] NamesOf<T>()
        where T : Item => [.. _items.Where(static item => item.Value is T).Select(static item => item.Key)];
}

// Items of an instance by name: its functions, its resource types, and instances in it.
using System.Diagnostics.CodeAnalysis;
using Tarn.Components.Linking;
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Represents the exports of an instance, or of an interface that it exports.</summary>
public class ComponentExports
{
    private readonly Dictionary<string, ComponentFunction> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ComponentExports> _instances = new(StringComparer.Ordinal);

    private protected ComponentExports()
    {
    }

    internal Dictionary<string, ComponentFunction> Functions => _functions;

    internal Dictionary<string, ResourceRuntime> Resources { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets the names of the functions that are exported.</summary>
    public IReadOnlyCollection<string> FunctionNames => _functions.Keys;

    /// <summary>Gets the names of the instances that are exported.</summary>
    public IReadOnlyCollection<string> InstanceNames => _instances.Keys;

    /// <summary>Returns an exported function.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public ComponentFunction GetFunction(string name) =>
        TryGetFunction(name, out ComponentFunction? function) ? function : throw new KeyNotFoundException($"There is no exported function named '{name}'.");

    /// <summary>Returns whether a function is exported, and the function.</summary>
    public bool TryGetFunction(string name, [NotNullWhen(true)] out ComponentFunction? function) => _functions.TryGetValue(name, out function);

    /// <summary>Returns an exported instance, such as an interface.</summary>
    /// <param name="name">Its name, such as <c>wasi:cli/run@0.2.0</c>; where no export has this name, a compatible later version is taken.</param>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public ComponentExports GetInstance(string name) =>
        TryGetInstance(name, out ComponentExports? instance) ? instance : throw new KeyNotFoundException($"There is no exported instance named '{name}'.");

    /// <summary>Returns whether an instance is exported, and the instance.</summary>
    public bool TryGetInstance(string name, [NotNullWhen(true)] out ComponentExports? instance)
    {
        if (_instances.TryGetValue(name, out instance))
            return true;
        foreach ((string candidate, ComponentExports found) in _instances)
        {
            if (!InterfaceVersion.Provides(candidate, name))
                continue;
            instance = found;
            return true;
        }

        return false;
    }

    internal void Fill(Dictionary<string, Item> items, ComponentStore root, Instantiator instantiator, Func<int, ComponentFunction?> imported)
    {
        foreach ((string name, Item item) in items)
        {
            switch (item)
            {
                case LiftedItem lifted:
                    _functions.Add(name, new ComponentFunction(name, root, instantiator.Lifts[lifted.Slot]));
                    break;
                case ImportedItem import when imported(import.Import) is ComponentFunction function:
                    _functions.Add(name, function);
                    break;
                case InstanceItem instance:
                    ComponentExports exports = new();
                    exports.Fill(instance.Exports, root, instantiator, imported);
                    _instances.Add(name, exports);
                    break;
                case TypeItem { Resource: >= 0 } type:
                    Resources.Add(name, instantiator.Resources[type.Resource]!);
                    break;
            }
        }
    }
}

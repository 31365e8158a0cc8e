// An import of a component that nothing provides.
namespace Tarn.Components;

/// <summary>The exception that is thrown when an import of a component is not defined.</summary>
public sealed class ComponentLinkException : WasmException
{
    internal ComponentLinkException(string interfaceName, string name, string kind)
        : base(interfaceName.Length == 0
            ? $"The component imports the {kind} '{name}', which is not defined."
            : $"The component imports the {kind} '{name}' of '{interfaceName}', which is not defined, nor is a later compatible version of it.")
    {
        Interface = interfaceName;
        Name = name;
    }

    /// <summary>Gets the interface, or an empty string for what is imported by itself.</summary>
    public string Interface { get; }

    /// <summary>Gets the name within the interface.</summary>
    public string Name { get; }
}

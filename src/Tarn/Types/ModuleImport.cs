// One import of a module, for inspection.
namespace Tarn;

/// <summary>Something that a module requires to be instantiated.</summary>
/// <param name="Module">The first part of the name.</param>
/// <param name="Name">The second part of the name.</param>
/// <param name="Type">The type that is required.</param>
public readonly record struct ModuleImport(string Module, string Name, ExternType Type)
{
    /// <summary>Gets what is imported.</summary>
    public ExternKind Kind => Type.Kind;

    /// <summary>Returns the import in the notation of the text format.</summary>
    public override string ToString() => $"(import \"{Module}\" \"{Name}\" {Type})";
}

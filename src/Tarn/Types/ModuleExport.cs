// One export of a module, for inspection.
namespace Tarn;

/// <summary>Something that instances of a module offer.</summary>
/// <param name="Name">The name, unique among the module's exports.</param>
/// <param name="Type">The type.</param>
public readonly record struct ModuleExport(string Name, ExternType Type)
{
    /// <summary>Gets what is exported.</summary>
    public ExternKind Kind => Type.Kind;

    /// <summary>Returns the export's name and type in the notation of the text format.</summary>
    public override string ToString() => $"(export \"{Name}\" {Type})";
}

// One import of a module, for inspection.
namespace Tarn;

/// <summary>Something that a module needs to be instantiated.</summary>
/// <param name="Module">The first part of the name.</param>
/// <param name="Name">The second part of the name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Type">Its type in the notation of the text format.</param>
public readonly record struct ModuleImport(string Module, string Name, ExternKind Kind, string Type);

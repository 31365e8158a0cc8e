// One export of a module, for inspection.
namespace Tarn;

/// <summary>Something that instances of a module offer.</summary>
/// <param name="Name">The name, unique among the module's exports.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Type">Its type in the notation of the text format.</param>
public readonly record struct ModuleExport(string Name, ExternKind Kind, string Type);

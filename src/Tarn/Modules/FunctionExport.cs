// An exported function as instances look it up: its name and where its reference record is in every VM context of the module.
namespace Tarn.Modules;

/// <param name="Name">The export's name.</param>
/// <param name="Index">The function's index, imports counted.</param>
/// <param name="RecordOffset">Offset of its reference record in the VM context; negative if it has none.</param>
internal sealed record FunctionExport(string Name, int Index, int RecordOffset);

// One line of bench/programs/programs.tsv.
namespace Tarn.Bench.Execute;

/// <summary>A program that exports <c>run(n)</c>.</summary>
/// <param name="Name">Name of its source, its module and its native library.</param>
/// <param name="N">Argument for roughly a tenth of a second.</param>
/// <param name="CountN">Argument for some millions of instructions, where each of them is counted.</param>
/// <param name="Group">Heading under which reports show it.</param>
/// <param name="WasmPath">Its module.</param>
internal sealed record BenchmarkProgram(string Name, uint N, uint CountN, string Group, string WasmPath);

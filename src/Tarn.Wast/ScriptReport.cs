// How a script went, directive by directive.
namespace Tarn.Wast;

/// <summary>A directive that did not hold, was skipped, or held with other words than the script expects.</summary>
internal readonly record struct ScriptNote(int Line, string Directive, string Text);

/// <summary>How a script went.</summary>
/// <param name="Passed">Directives that held.</param>
/// <param name="Failures">Those that did not.</param>
/// <param name="Skips">Those that could not be tried.</param>
/// <param name="Rewordings">Those that held, though the error's message does not contain the words that the script expects.</param>
internal sealed record ScriptReport(int Passed, IReadOnlyList<ScriptNote> Failures, IReadOnlyList<ScriptNote> Skips, IReadOnlyList<ScriptNote> Rewordings);

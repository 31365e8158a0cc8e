// What a generator returns: nothing is written by the generators themselves, so that checking and writing see the same text.
namespace Tarn.Generators;

/// <summary>A file as it should be, with its path relative to the repository's root.</summary>
internal sealed record GeneratedFile(string Path, string Text);

// A place in a program's source, as its compiler has noted it.
namespace Tarn;

/// <summary>A place in the source that a guest was built from.</summary>
/// <param name="FunctionName">The function there, decoded; <see langword="null"/> where the debug information does not say.</param>
/// <param name="File">The file, as the compiler was given it.</param>
/// <param name="Line">The line, counted from 1; 0 where it is not known.</param>
/// <param name="Column">The column, counted from 1; 0 where it is not known.</param>
public readonly record struct SourceLocation(string? FunctionName, string File, int Line, int Column)
{
    /// <summary>The place as <c>file:line:column</c>, as far as it is known.</summary>
    public override string ToString() => Line == 0 ? File : Column == 0 ? $"{File}:{Line}" : $"{File}:{Line}:{Column}";
}

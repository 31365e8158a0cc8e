// How far the compilation of a module is.
namespace Tarn;

/// <summary>The progress of the compilation of a module. It is reported when the module is validated, and then about once for each hundredth.</summary>
/// <param name="CompiledBytes">The bytes of function bodies that are compiled.</param>
/// <param name="TotalBytes">The bytes of all function bodies of the module.</param>
public readonly record struct CompilationProgress(long CompiledBytes, long TotalBytes)
{
    /// <summary>Gets the fraction of the function bodies that is compiled, from 0 to 1.</summary>
    public double Fraction => TotalBytes == 0 ? 1 : (double)CompiledBytes / TotalBytes;
}

// An implementation limit of the compiler (core specification, appendix "Implementation Limitations"): a valid function that would take an unreasonable amount of memory to compile.
namespace Tarn.Compiler;

/// <summary>A function is valid but too complex to be compiled (<see cref="ComplexityLimits"/>).</summary>
internal sealed class FunctionTooComplexException(int functionIndex, string what, long count)
    : Exception($"function {functionIndex} is too complex: it asks for {count} {what}, because of many branches between many values and local variables; split it up")
{
    /// <summary>Index of the function.</summary>
    public int FunctionIndex { get; } = functionIndex;
}

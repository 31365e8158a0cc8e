// An implementation limit of the compiler (core specification, appendix "Implementation Limitations"): a valid function that would take an unreasonable amount of memory to compile.
namespace Tarn.Compiler;

/// <summary>A function is valid but too complex to be compiled (<see cref="ComplexityLimits"/>).</summary>
internal sealed class FunctionTooComplexException(int functionIndex, int bodyLength, string what)
    : Exception($"Function {functionIndex} is too complex: with {what}, it asks for more than a body of {bodyLength} bytes may. Split the function up.")
{
    /// <summary>Index of the function.</summary>
    public int FunctionIndex { get; } = functionIndex;
}

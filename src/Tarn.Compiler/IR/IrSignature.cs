// A call's signature as the code generator needs it: types only, interned in the function so that the IR stands on its own.
namespace Tarn.Compiler.IR;

/// <summary>Ranges in <see cref="IrFunction.SignatureTypes"/>.</summary>
internal readonly struct IrSignature(int parameterStart, int parameterCount, int resultStart, int resultCount)
{
    /// <summary>Start of the parameter types.</summary>
    public int ParameterStart { get; } = parameterStart;

    /// <summary>Number of parameters.</summary>
    public int ParameterCount { get; } = parameterCount;

    /// <summary>Start of the result types.</summary>
    public int ResultStart { get; } = resultStart;

    /// <summary>Number of results.</summary>
    public int ResultCount { get; } = resultCount;
}

// Whether a typed handle fits a function: parameter for parameter, result for result. Done once, when the handle is made.

namespace Tarn.Functions;

internal static class SignatureCheck
{
    /// <exception cref="ArgumentException">The signature is another one; the message shows both.</exception>
    public static void Require(FunctionType type, ReadOnlySpan<ValType> parameters, ReadOnlySpan<ValType> results, string name)
    {
        if (!Fits(type.Parameters, parameters) || !Fits(type.Results, results))
        {
            throw new ArgumentException(
                $"the function \"{name}\" has the signature {type}, not {new FunctionType(parameters.ToArray(), results.ToArray())}; ask for matching type arguments");
        }
    }

    private static bool Fits(ReadOnlySpan<ValType> actual, ReadOnlySpan<ValType> wanted)
    {
        if (actual.Length != wanted.Length)
            return false;
        for (int i = 0; i < actual.Length; i++)
        {
            if (actual[i] != wanted[i])
                return false;
        }
        return true;
    }
}

// The root of the exceptions that a module or a guest can cause. Embedders catch this one to mean "the guest's fault, not mine".
namespace Tarn;

/// <summary>Base of the errors that a WebAssembly module can cause.</summary>
public abstract class WasmException : Exception
{
    /// <summary>Creates the exception.</summary>
    private protected WasmException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with what caused it.</summary>
    private protected WasmException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}

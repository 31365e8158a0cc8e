// Raised for bytes that are not a saved state, or not one of this module: nothing of them has been used.
namespace Tarn;

/// <summary>Bytes are not the saved state of an instance, are damaged or cut off, or belong to another module or another template.</summary>
public sealed class InvalidSnapshotException : WasmException
{
    internal InvalidSnapshotException(string message)
        : base(message)
    {
    }
}

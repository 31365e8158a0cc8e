// Raised by Module.Deserialize. Compiled code is executed as it is, so every doubt about where it comes from is an error.
namespace Tarn;

/// <summary>A serialized module was made by another version of Tarn, for another target, with other options, or is damaged.</summary>
public sealed class IncompatibleArtifactException : WasmException
{
    internal IncompatibleArtifactException(string message)
        : base(message)
    {
    }
}

// Raised where the state of an instance holds something that bytes cannot: the caller learns what it is and where it was found.
namespace Tarn;

/// <summary>The state of an instance cannot be taken, because it refers to something outside of it. The message says what and where.</summary>
public sealed class SnapshotException : WasmException
{
    internal SnapshotException(string message)
        : base(message)
    {
    }
}

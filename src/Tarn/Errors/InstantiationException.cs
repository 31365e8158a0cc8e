// Raised when a module could not become an instance for want of room: limits of a store or a pool, or memory that the
// system refuses. Traps while instantiating (segments out of bounds, start functions) are TrapExceptions.
namespace Tarn;

/// <summary>A module cannot be instantiated: it asks for more than the engine's limits or the system allow.</summary>
public class InstantiationException : WasmException
{
    internal InstantiationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

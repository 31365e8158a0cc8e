// Raised where a guest would have to be suspended and cannot be, because the code that called it waits for it on its own stack.
namespace Tarn;

/// <summary>
/// A guest called an asynchronous host function that did not complete at once, in a call that cannot be suspended. Call the guest with
/// <c>InvokeAsync</c>, or let threads be blocked by <see cref="EngineOptions.BlockOnPendingHostFunctions"/>.
/// </summary>
public sealed class SuspensionException : WasmException
{
    internal SuspensionException(string message)
        : base(message)
    {
    }
}

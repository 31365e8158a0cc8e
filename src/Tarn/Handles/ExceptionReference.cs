// An exnref as the host holds it: what keeps the exception, and so its handle, while a Value or a GuestException has it.
namespace Tarn.Handles;

internal sealed class ExceptionReference : GuestReference
{
    public ExceptionReference(StoreCore store, ulong raw)
        : base(store, (uint)raw)
    {
    }
}

// What a slot of the instance pool is doing, as displays show it.
namespace Tarn.Pooling;

internal enum SlotState : byte
{
    Free,
    Warm,
    InUse,
    Suspended,
}

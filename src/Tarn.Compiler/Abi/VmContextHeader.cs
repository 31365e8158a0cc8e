// Why: the first 64 bytes of each instance's VM context, as emitted code addresses them. These constants are the only definition; the
// struct in Tarn/Execution that managed code reads the same bytes through is compared with them at start-up. If the two ever
// disagreed, guests would follow stray pointers.
//
//   0x00  StackLimit            u64   a guest stack pointer below it is stack exhaustion
//   0x08  InterruptRequested    u32   not zero: stop at the next check
//   0x0C  reserved              u32
//   0x10  Execution             u64   address of the store's execution record; never changes while guest code may run
//   0x18  Owner                 u64   opaque to code
//   0x20  HeapBase              u64   address of the store's heap of managed objects; 0 if the module has no use for one. Never changes
//   0x28  TypeDescriptors       u64   address of the engine's descriptors of types, by id; 0 likewise. Never changes
//   0x30  reserved              16 bytes
//   0x40  sections
namespace Tarn.Compiler.Abi;

internal static class VmContextHeader
{
    public const int StackLimit = 0x00;
    public const int InterruptRequested = 0x08;
    public const int Execution = 0x10;
    public const int Owner = 0x18;
    public const int HeapBase = 0x20;
    public const int TypeDescriptors = 0x28;

    /// <summary>Size of the header: where the first section starts.</summary>
    public const int Size = 0x40;
}

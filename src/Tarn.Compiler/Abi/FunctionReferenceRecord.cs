// Why: what a funcref points to, as emitted code addresses it. 32 bytes; a null funcref is 0.
//
//   0x00  Code           u64   where to call, with the record's address in the function reference register
//   0x08  VmContext      u64   what Code expects in the VM context register
//   0x10  TypeId         u32   canonical type, engine-wide
//   0x14  HostFunction   u32   index of the host function, or 0xFFFFFFFF for a guest function
//   0x18  opaque         u64   the runtime's own; of a host function that is called directly the weak handle of its delegate
namespace Tarn.Compiler.Abi;

internal static class FunctionReferenceRecord
{
    public const int Code = 0x00;
    public const int VmContext = 0x08;
    public const int TypeId = 0x10;
    public const int HostFunction = 0x14;
    public const int Opaque = 0x18;

    public const int Size = 0x20;

    /// <summary>Value of <see cref="HostFunction"/> in the record of a guest function.</summary>
    public const uint NotAHostFunction = 0xFFFFFFFF;
}

// A value as compiled code and the host hand it to each other: sixteen bytes of memory on a guest stack or in a buffer.
//
//   0x00  Low   i32 (zero-extended), i64, the bits of f32 and f64, a reference, or the low half of a v128
//   0x08  High  the high half of a v128, otherwise undefined
using System.Runtime.InteropServices;

namespace Tarn;

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct RawValue
{
    public ulong Low;
    public ulong High;
}

// struct iovec: address at 0, length at 8.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    public byte* Address;
    public nuint Length;
}

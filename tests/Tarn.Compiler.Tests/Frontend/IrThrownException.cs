// An exception of WebAssembly on its way through interpreted IR.
namespace Tarn.Compiler.Tests.Frontend;

internal sealed class IrThrownException(object tag, UInt128[] payload) : Exception("an exception was thrown")
{
    public object Tag { get; } = tag;

    public UInt128[] Payload { get; } = payload;

    public ulong Handle { get; set; }
}

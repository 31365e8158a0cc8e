// The name of an import or export as text has it, with its attributes.
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>A name with attributes.</summary>
internal readonly record struct ExternNameText(string Name, string? Implements, string? VersionSuffix, string? ExternalId)
{
    public void Write(ByteBuffer target)
    {
        uint count = 0;
        ByteBuffer options = new();
        Option(options, 0, Implements, ref count);
        Option(options, 1, VersionSuffix, ref count);
        Option(options, 2, ExternalId, ref count);
        target.Byte(count == 0 ? (byte)0 : (byte)2);
        target.Counted(Encoding.UTF8.GetBytes(Name));
        if (count == 0)
            return;
        target.U32(count);
        target.Bytes(options);
    }

    private static void Option(ByteBuffer target, byte code, string? value, ref uint count)
    {
        if (value is null)
            return;
        target.Byte(code);
        target.Counted(Encoding.UTF8.GetBytes(value));
        count++;
    }
}

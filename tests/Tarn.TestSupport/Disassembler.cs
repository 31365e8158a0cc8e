// Machine code as text, for golden tests and failure messages. The decoder and formatter are Iced's, so that our encoder is never checked against
// itself.
using System.Globalization;
using System.Text;
using Iced.Intel;

namespace Tarn.TestSupport;

/// <summary>Formats x86-64 machine code.</summary>
public static class Disassembler
{
    /// <summary>One instruction a line: address counted from <paramref name="ip"/>, bytes, text.</summary>
    public static string Format(ReadOnlySpan<byte> code, ulong ip = 0, bool withBytes = true)
    {
        var text = new StringBuilder();
        byte[] bytes = code.ToArray();
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(bytes), ip);
        var formatter = NewFormatter();
        var output = new StringOutput();
        while (decoder.IP < ip + (ulong)bytes.Length)
        {
            decoder.Decode(out Instruction instruction);
            formatter.Format(instruction, output);
            int start = (int)(instruction.IP - ip);
            _ = text.Append(CultureInfo.InvariantCulture, $"{instruction.IP:X4}  ");
            if (withBytes)
                _ = text.Append(CultureInfo.InvariantCulture, $"{SpacedHex(bytes.AsSpan(start, instruction.Length)),-31}");
            _ = text.Append(output.ToStringAndReset()).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>The first instruction alone, without address and bytes.</summary>
    public static string FormatOne(ReadOnlySpan<byte> code, ulong ip = 0)
    {
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(code.ToArray()), ip);
        decoder.Decode(out Instruction instruction);
        var output = new StringOutput();
        NewFormatter().Format(instruction, output);
        return output.ToString();
    }

    private static IntelFormatter NewFormatter()
    {
        var formatter = new IntelFormatter();
        formatter.Options.SpaceAfterOperandSeparator = true;
        formatter.Options.HexPrefix = "0x";
        formatter.Options.HexSuffix = "";
        formatter.Options.SmallHexNumbersInDecimal = true;
        formatter.Options.ShowBranchSize = false;
        formatter.Options.UsePseudoOps = false;
        formatter.Options.BranchLeadingZeros = false;
        formatter.Options.RipRelativeAddresses = true;
        return formatter;
    }

    private static string SpacedHex(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (byte b in bytes)
            _ = text.Append(CultureInfo.InvariantCulture, $"{b:X2} ");
        return text.ToString();
    }
}

// One line of opcodes.tsv, checked: everything downstream may rely on a row being well-formed, so a slip in the table stops the generator with its line.
using System.Globalization;

namespace Tarn.Generators;

/// <summary>An instruction as the table describes it.</summary>
internal sealed record OpcodeRow(string Name, int Value, string Encoding, string Immediate, string? Signature, int? Alignment, string? Feature, string Category, bool IsConstant, bool IsLegacy, string Id)
{
    // The numbering scheme of the enum: each prefix has a page; 0xFD comes last because its sub-opcodes pass 0xFF (relaxed SIMD).
    private static readonly Dictionary<string, int> s_pages = new()
    {
        ["--"] = 0x000,
        ["fb"] = 0x100,
        ["fc"] = 0x200,
        ["fe"] = 0x300,
        ["fd"] = 0x400,
    };

    public static OpcodeRow Parse(string line, int number)
    {
        string[] columns = line.Split('\t');
        if (columns.Length != 10 || !s_pages.TryGetValue(columns[1], out int page))
            throw new InvalidDataException($"opcodes.tsv, line {number}: ten columns and a known prefix expected in: {line}");
        string[] flags = columns[8] == "-" ? [] : columns[8].Split(',');
        return new OpcodeRow(
            columns[0],
            page + int.Parse(columns[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            columns[1] == "--" ? $"0x{columns[2].ToUpperInvariant()}" : $"0x{columns[1].ToUpperInvariant()} 0x{columns[2].ToUpperInvariant()}",
            columns[3],
            columns[4] == "*" ? null : columns[4],
            columns[5] == "-" ? null : int.Parse(columns[5], CultureInfo.InvariantCulture),
            columns[6] == "-" ? null : columns[6],
            columns[7],
            flags.Contains("const"),
            flags.Contains("legacy"),
            columns[9] == "-" ? Pascal(columns[0]) : columns[9]);
    }

    /// <summary>Capitalises the parts of a name: i32.trunc_sat_f32_s becomes I32TruncSatF32S.</summary>
    public static string Pascal(string name) => string.Concat(name.Split('.', '_').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}

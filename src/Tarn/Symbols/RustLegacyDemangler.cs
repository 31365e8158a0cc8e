// Rust's names before v0: a C++ nested name whose last component is 17h and sixteen hexadecimal digits, with what C++ has no letters for spelt $LT$, $u20$ and the like.
using System.Globalization;
using System.Text;

namespace Tarn.Symbols;

internal static class RustLegacyDemangler
{
    private const int HashLength = 17;

    /// <summary>Whether a name is one of these, whatever may hang on it.</summary>
    public static bool IsMangled(string name) => Parts(name) is not null;

    /// <summary>The path, without its hash; null if the name is of another scheme.</summary>
    public static string? Demangle(string name)
    {
        if (Parts(name) is not List<string> parts)
            return null;
        var text = new StringBuilder();
        foreach (string part in parts)
        {
            if (text.Length > 0)
                text.Append("::");
            if (!Append(text, part) || text.Length > Demangler.LongestName)
                return null;
        }
        return text.ToString();
    }

    private static List<string>? Parts(string name)
    {
        if (!name.StartsWith("_ZN", StringComparison.Ordinal))
            return null;
        List<string> parts = [];
        int at = 3;
        while (at < name.Length && char.IsAsciiDigit(name[at]))
        {
            int length = 0;
            while (at < name.Length && char.IsAsciiDigit(name[at]) && length < name.Length)
                length = (length * 10) + name[at++] - '0';
            if (length == 0 || length > name.Length - at)
                return null;
            parts.Add(name.Substring(at, length));
            at += length;
        }
        if (at >= name.Length || name[at] != 'E' || parts.Count < 2)
            return null;
        string hash = parts[^1];
        if (hash.Length != HashLength || hash[0] != 'h' || !hash.AsSpan(1).ContainsOnlyHexadecimal())
            return null;
        parts.RemoveAt(parts.Count - 1);
        return parts;
    }

    private static bool ContainsOnlyHexadecimal(this ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigitLower(c))
                return false;
        }
        return true;
    }

    private static bool Append(StringBuilder text, string part)
    {
        int at = part.StartsWith("_$", StringComparison.Ordinal) ? 1 : 0;
        while (at < part.Length)
        {
            if (part[at] == '.' && at + 1 < part.Length && part[at + 1] == '.')
            {
                text.Append("::");
                at += 2;
                continue;
            }
            if (part[at] != '$')
            {
                text.Append(part[at++]);
                continue;
            }
            int end = part.IndexOf('$', at + 1);
            if (end < 0)
                return false;
            string? meaning = part[(at + 1)..end] switch
            {
                "SP" => "@",
                "BP" => "*",
                "RF" => "&",
                "LT" => "<",
                "GT" => ">",
                "LP" => "(",
                "RP" => ")",
                "C" => ",",
                ['u', .. string digits] when int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && Rune.IsValid(value) => new Rune(value).ToString(),
                _ => null,
            };
            if (meaning is null)
                return false;
            text.Append(meaning);
            at = end + 1;
        }
        return true;
    }
}

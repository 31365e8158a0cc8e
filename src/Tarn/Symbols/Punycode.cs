// Identifiers beyond ASCII in Rust's names (RFC 3492, with an underscore as the delimiter).
using System.Text;

namespace Tarn.Symbols;

internal static class Punycode
{
    private const int Base = 36;

    /// <summary>The text; null if it is not Punycode.</summary>
    public static string? Decode(string text)
    {
        int delimiter = text.LastIndexOf('_');
        List<int> points = [.. (delimiter > 0 ? text[..delimiter] : "").Select(c => (int)c)];
        int at = delimiter >= 0 ? delimiter + 1 : 0;
        int bias = 72, point = 128;
        long index = 0;
        bool first = true;
        while (at < text.Length)
        {
            long before = index, weight = 1;
            for (int k = Base; ; k += Base)
            {
                if (at >= text.Length || weight > int.MaxValue)
                    return null;
                char c = text[at++];
                int digit = c is >= 'a' and <= 'z' ? c - 'a' : c is >= '0' and <= '9' ? c - '0' + 26 : -1;
                if (digit < 0)
                    return null;
                index += digit * weight;
                int threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
                if (digit < threshold)
                    break;
                weight *= Base - threshold;
            }
            int count = points.Count + 1;
            long delta = (index - before) / (first ? 700 : 2);
            first = false;
            delta += delta / count;
            int steps = 0;
            for (; delta > 455; steps += Base)
                delta /= 35;
            bias = steps + (int)(36 * delta / (delta + 38));
            long next = point + (index / count);
            if (next > 0x10FFFF || !Rune.IsValid((int)next) || points.Count > Demangler.LongestName)
                return null;
            point = (int)next;
            index %= count;
            points.Insert((int)index++, point);
        }
        var result = new StringBuilder();
        foreach (int value in points)
            result.Append(new Rune(value).ToString());
        return result.ToString();
    }
}

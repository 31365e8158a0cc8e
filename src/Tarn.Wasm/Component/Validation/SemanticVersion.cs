// The grammar of semantic versions (semver.org, 2.0.0), which interface names carry. What a version means is the linker's business.
namespace Tarn.Wasm.Component;

/// <summary>A semantic version.</summary>
internal readonly record struct SemanticVersion(ulong Major, ulong Minor, ulong Patch, string Prerelease, string Build) : IComparable<SemanticVersion>
{
    /// <summary>The order of precedence (section 11); versions that differ only in their build are equal in it.</summary>
    public int CompareTo(SemanticVersion other)
    {
        int order = (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));
        if (order != 0 || Prerelease == other.Prerelease)
            return order;
        if (Prerelease.Length == 0 || other.Prerelease.Length == 0)
            return Prerelease.Length == 0 ? 1 : -1;
        string[] mine = Prerelease.Split('.'), others = other.Prerelease.Split('.');
        for (int i = 0; i < mine.Length && i < others.Length; i++)
        {
            bool isNumber = mine[i].All(char.IsAsciiDigit), isOtherNumber = others[i].All(char.IsAsciiDigit);
            order = (isNumber, isOtherNumber) switch
            {
                (true, true) => mine[i].Length != others[i].Length ? mine[i].Length.CompareTo(others[i].Length) : string.CompareOrdinal(mine[i], others[i]),
                (true, false) => -1,
                (false, true) => 1,
                _ => string.CompareOrdinal(mine[i], others[i]),
            };
            if (order != 0)
                return order;
        }

        return mine.Length.CompareTo(others.Length);
    }

    /// <summary>The part of a version that compatible versions share (Explainer.md, "Canonical Interface Name"), or null for one that is compatible with itself alone.</summary>
    public string? Track => Prerelease.Length > 0 ? null : Major > 0 ? $"{Major}" : Minor > 0 ? $"0.{Minor}" : null;

    /// <summary>What is wrong with the text of a version, or null.</summary>
    public static string? Parse(ReadOnlySpan<char> text, out SemanticVersion version)
    {
        version = default;
        if (text.IsEmpty)
            return "empty string, expected a semver version";
        Span<ulong> numbers = stackalloc ulong[3];
        int at = 0;
        for (int i = 0; i < 3; i++)
        {
            if (i > 0)
            {
                if (at == text.Length)
                    return "unexpected end of input";
                if (text[at] != '.')
                    return $"unexpected character '{text[at]}' in a version number";
                at++;
            }

            int start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            if (at == start)
                return at == text.Length ? "unexpected end of input" : $"unexpected character '{text[at]}' in a version number";
            if ((text[start] == '0' && at - start > 1) || !ulong.TryParse(text[start..at], out numbers[i]))
                return "invalid number in a version: it has leading zeros or is too large";
        }

        string prerelease = "", build = "";
        if (at < text.Length && text[at] == '-')
        {
            int end = text[at..].IndexOf('+');
            end = end < 0 ? text.Length : at + end;
            prerelease = text[(at + 1)..end].ToString();
            if (CheckSegments(prerelease, isPrerelease: true) is string problem)
                return problem;
            at = end;
        }

        if (at < text.Length && text[at] == '+')
        {
            build = text[(at + 1)..].ToString();
            if (CheckSegments(build, isPrerelease: false) is string problem)
                return problem;
            at = text.Length;
        }

        if (at < text.Length)
            return $"unexpected character '{text[at]}' after patch version number";
        version = new SemanticVersion(numbers[0], numbers[1], numbers[2], prerelease, build);
        return null;
    }

    private static string? CheckSegments(string text, bool isPrerelease)
    {
        foreach (string segment in text.Split('.'))
        {
            if (segment.Length == 0)
                return "empty identifier segment";
            bool digits = true;
            foreach (char c in segment)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                    return $"unexpected character '{c}' in a version's identifier";
                digits &= char.IsAsciiDigit(c);
            }

            if (isPrerelease && digits && segment.Length > 1 && segment[0] == '0')
                return "invalid leading zero in a pre-release identifier";
        }

        return null;
    }
}

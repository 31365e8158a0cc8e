// The names of imported dependencies: unlocked-dep=<…>, locked-dep=<…>, url=<…>, integrity=<…>. Tarn resolves none of them; they are checked so that a component is accepted or refused
// as elsewhere.
namespace Tarn.Wasm.Component;

internal static class DependencyName
{
    /// <summary>What is wrong with a dependency's name, or null.</summary>
    public static string? Check(string name, bool nested)
    {
        int equals = name.IndexOf('=', StringComparison.Ordinal);
        string word = name[..equals];
        if (word is not ("unlocked-dep" or "locked-dep" or "url" or "integrity"))
            return $"`{name}` is not in kebab case";
        string rest = name[(equals + 1)..];
        if (!TryBracketed(ref rest, out string content))
            return $"expected `<` and `>` around the value in `{name}`";
        string? problem = word switch
        {
            "unlocked-dep" => CheckPackage(content, nested, CheckRange),
            "locked-dep" => CheckPackage(content, nested, text => SemanticVersion.Parse(text, out _)),
            "url" => content.Contains('<', StringComparison.Ordinal) ? "url cannot contain `<`" : null,
            _ => CheckIntegrity(content),
        };
        if (problem is not null || rest.Length == 0)
            return problem;
        if (word is not ("locked-dep" or "url") || !rest.StartsWith(",integrity=", StringComparison.Ordinal))
            return word is "unlocked-dep" or "integrity" ? $"trailing characters found: `{rest}`" : $"expected `,integrity=<…>` instead of `{rest}`";
        rest = rest[",integrity=".Length..];
        if (!TryBracketed(ref rest, out content))
            return "expected `<` and `>` around the integrity";
        return rest.Length > 0 ? $"trailing characters found: `{rest}`" : CheckIntegrity(content);
    }

    // A version range has angle brackets of its own, but only in braces.
    private static bool TryBracketed(ref string text, out string content)
    {
        content = "";
        if (!text.StartsWith('<'))
            return false;
        bool inBraces = false;
        for (int i = 1; i < text.Length; i++)
        {
            inBraces = text[i] == '{' || (inBraces && text[i] != '}');
            if (text[i] == '>' && !inBraces)
            {
                content = text[1..i];
                text = text[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private static string? CheckPackage(string content, bool nested, Func<string, string?> version)
    {
        int at = content.IndexOf('@', StringComparison.Ordinal);
        string path = at < 0 ? content : content[..at];
        return ComponentName.CheckPath(path, nested, needsProjection: false) ?? (at < 0 ? null : version(content[(at + 1)..]));
    }

    private static string? CheckRange(string text)
    {
        if (text == "*")
            return null;
        if (!text.StartsWith('{') || !text.EndsWith('}'))
            return "expected `{` and `}` around a version range";
        string range = text[1..^1];
        string? lower = null, upper = null;
        if (range.StartsWith(">=", StringComparison.Ordinal))
        {
            int space = range.IndexOf(' ', StringComparison.Ordinal);
            lower = space < 0 ? range[2..] : range[2..space];
            range = space < 0 ? "" : range[(space + 1)..];
            if (space >= 0 && !range.StartsWith('<'))
                return "expected `<` at start of version range";
        }

        if (range.StartsWith('<'))
            upper = range[1..];
        else if (lower is null)
            return "expected `>=` or `<` at start of version range";
        return (lower is null ? null : SemanticVersion.Parse(lower, out _)) ?? (upper is null ? null : SemanticVersion.Parse(upper, out _));
    }

    private static string? CheckIntegrity(string text)
    {
        string[] hashes = text.Split([' ', '\t', '\n', '\r', '\f'], StringSplitOptions.RemoveEmptyEntries);
        if (hashes.Length == 0)
            return "integrity hash cannot be empty";
        foreach (string hash in hashes)
        {
            int dash = hash.IndexOf('-', StringComparison.Ordinal);
            if (dash < 0)
                return "expected `-` after hash algorithm";
            if (hash[..dash] is not ("sha256" or "sha384" or "sha512"))
                return $"unrecognized hash algorithm: `{hash[..dash]}`";
            string value = hash[(dash + 1)..].Split('?')[0];
            if (!IsBase64(value))
                return "not valid base64";
        }

        return null;
    }

    private static bool IsBase64(string value)
    {
        string digits = value.TrimEnd('=');
        if (digits.Length == 0 || value.Length - digits.Length > 2)
            return false;
        foreach (char c in digits)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '/'))
                return false;
        }

        return true;
    }
}

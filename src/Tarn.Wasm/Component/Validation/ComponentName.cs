// The grammar of import and export names (Explainer.md, "Import and Export Definitions"): plain names in kebab case with their annotations, interface names with versions, and the names
// of dependencies, which only imports have.
namespace Tarn.Wasm.Component;

/// <summary>Kinds of names.</summary>
internal enum ComponentNameKind : byte
{
    Label,
    Constructor,
    Method,
    Static,
    Interface,
    Dependency,
}

/// <summary>A name that follows the grammar.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Key">Equal for names that are not strongly unique.</param>
/// <param name="Resource">The resource of a constructor, method or static function.</param>
/// <param name="Version">The version of an interface name, null without one.</param>
internal readonly record struct ComponentName(ComponentNameKind Kind, string Key, string Resource, string? Version)
{
    /// <summary>What is wrong with a name, or null.</summary>
    public static string? Parse(string name, WasmFeatures features, out ComponentName result)
    {
        result = default;
        if (name.StartsWith('['))
            return ParseAnnotated(name, out result);
        if (name.Contains('=', StringComparison.Ordinal))
        {
            result = new ComponentName(ComponentNameKind.Dependency, name, "", null);
            return DependencyName.Check(name, (features & WasmFeatures.ComponentNestedNames) != 0);
        }

        if (name.Contains(':', StringComparison.Ordinal))
            return ParseInterface(name, features, out result);
        result = new ComponentName(ComponentNameKind.Label, name.ToLowerInvariant(), "", null);
        return IsKebab(name) ? null : $"`{name}` is not in kebab case";
    }

    private static string? ParseAnnotated(string name, out ComponentName result)
    {
        result = default;
        int end = name.IndexOf(']', StringComparison.Ordinal);
        string annotation = end < 0 ? name : name[..(end + 1)];
        string rest = end < 0 ? "" : name[(end + 1)..];
        string key = rest.ToLowerInvariant();
        switch (annotation)
        {
            case "[constructor]":
                result = new ComponentName(ComponentNameKind.Constructor, "[constructor]" + key, rest, null);
                return IsKebab(rest) ? null : $"`{rest}` is not in kebab case";
            case "[method]" or "[static]":
                int dot = rest.IndexOf('.', StringComparison.Ordinal);
                if (dot < 0)
                    return $"failed to find `.` character in `{rest}`";
                string resource = rest[..dot], label = rest[(dot + 1)..];
                if (!IsKebab(resource))
                    return $"`{resource}` is not in kebab case";
                if (!IsKebab(label))
                    return $"`{label}` is not in kebab case";
                if (string.Equals(resource, label, StringComparison.OrdinalIgnoreCase))
                    key = resource.ToLowerInvariant();
                result = new ComponentName(annotation == "[method]" ? ComponentNameKind.Method : ComponentNameKind.Static, key, resource, null);
                return null;
            default:
                return $"`{name}` is not in kebab case: the annotation is not known";
        }
    }

    private static string? ParseInterface(string name, WasmFeatures features, out ComponentName result)
    {
        result = default;
        int at = name.IndexOf('@', StringComparison.Ordinal);
        string path = at < 0 ? name : name[..at];
        string? version = at < 0 ? null : name[(at + 1)..];
        if (CheckPath(path, (features & WasmFeatures.ComponentNestedNames) != 0, needsProjection: true) is string problem)
            return problem;
        result = new ComponentName(ComponentNameKind.Interface, name, "", version);
        return null;
    }

    /// <summary>What is wrong with namespaces, package and projections, or null.</summary>
    internal static string? CheckPath(string path, bool nested, bool needsProjection)
    {
        string[] parts = path.Split('/');
        string[] package = parts[0].Split(':');
        if (package.Length < 2)
            return $"expected `:` after the namespace of `{path}`";
        for (int i = 0; i < package.Length; i++)
        {
            if (!IsKebab(package[i]))
                return $"`{package[i]}` is not in kebab case";
            foreach (char c in package[i])
            {
                if (char.IsAsciiLetterUpper(c))
                    return $"character `{c}` is not lowercase in package name/namespace";
            }

            if (i > 1 && !nested)
                return "expected `/` after package name";
        }

        if (parts.Length == 1 && needsProjection)
            return "expected `/` after package name";
        for (int i = 1; i < parts.Length; i++)
        {
            if (i > 1 && !nested)
                return $"trailing characters found: `/{string.Join('/', parts[i..])}`";
            if (!IsKebab(parts[i]))
                return $"`{parts[i]}` is not in kebab case";
        }

        return null;
    }

    /// <summary>Whether a label is in kebab case: words of one case, joined by hyphens, of which the first begins with a letter.</summary>
    public static bool IsKebab(ReadOnlySpan<char> label)
    {
        if (label.IsEmpty || !char.IsAsciiLetter(label[0]))
            return false;
        bool atStart = true, lower = false, upper = false;
        foreach (char c in label)
        {
            if (c == '-')
            {
                if (atStart)
                    return false;
                (atStart, lower, upper) = (true, false, false);
                continue;
            }

            lower |= char.IsAsciiLetterLower(c);
            upper |= char.IsAsciiLetterUpper(c);
            if (!char.IsAsciiLetterOrDigit(c) || (lower && upper))
                return false;
            atStart = false;
        }

        return !atStart;
    }
}

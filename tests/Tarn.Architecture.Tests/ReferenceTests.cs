// Comments and documents refer to what exists. Safety arguments lean on names ("see X.Verify"), and a name outlives what it named.
//
// What is looked at: in documents, names in backticks that begin with a capital, and paths; in comments, names of two words and more in one, dotted names whose first
// part is one of our types, and file names. A name exists if it occurs in code, wherever that is; a member, if it occurs in a file that declares its type.
using System.Text.RegularExpressions;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

public sealed partial class ReferenceTests
{
    // Names that documents use for what is not in our code: of other systems, of the specification, and patterns.
    private static readonly HashSet<string> s_foreign = new(StringComparer.Ordinal)
    {
        "Iced", "Wasmtime", "OpenTelemetry", "NaNs", "NuGet", "AssemblyScript", "JavaScript", "StarlingMonkey",
    };

    // Documents of other people's specifications: the conventions' on core dumps, the component model's.
    private static readonly HashSet<string> s_foreignDocuments = new(StringComparer.Ordinal)
    {
        "Coredump.md", "Explainer.md", "WIT.md", "BuildTargets.md", "Binary.md", "CanonicalABI.md", "Subtyping.md",
    };

    private static readonly string[] s_folders = ["src", "tests", "tools", "bench", "samples"];

    [Fact]
    public void Comments_and_documents_refer_to_what_exists()
    {
        HashSet<string> files = new(StringComparer.Ordinal);
        HashSet<string> identifiers = new(StringComparer.Ordinal);
        Dictionary<string, HashSet<string>> types = new(StringComparer.Ordinal);
        List<(string File, string Comments)> comments = [];
        foreach (string path in s_folders.SelectMany(folder => Directory.EnumerateFiles(Repository.PathOf(folder), "*", SearchOption.AllDirectories)))
        {
            files.Add(Path.GetFileName(path));
            if (!path.EndsWith(".cs", StringComparison.Ordinal))
                continue;
            (string code, string text) = Split(File.ReadAllText(path));
            foreach (Match identifier in Identifier().Matches(code))
                identifiers.Add(identifier.Value);
            foreach (Match type in TypeDeclaration().Matches(code))
            {
                if (!types.TryGetValue(type.Groups[1].Value, out HashSet<string>? members))
                    types.Add(type.Groups[1].Value, members = new HashSet<string>(StringComparer.Ordinal));
                members.UnionWith(Identifier().Matches(code).Select(m => m.Value));
            }
            comments.Add((Path.GetRelativePath(Repository.PathOf("."), path), text));
        }
        List<string> dead = [];
        foreach ((string file, string text) in comments)
        {
            foreach (Match name in DottedName().Matches(text))
            {
                string[] parts = name.Value.Split('.');
                if (parts[^1] is "cs" or "md")
                {
                    if (!s_foreignDocuments.Contains(name.Value) && !files.Contains(name.Value) && !File.Exists(Repository.PathOf("docs", name.Value)) && !files.Contains(name.Value.Replace(".cs", ".g.cs", StringComparison.Ordinal)))
                        dead.Add($"{file}: {name.Value}");
                }
                else if (types.TryGetValue(parts[0], out HashSet<string>? members) && !members.Contains(parts[1]) && !files.Contains(name.Value + ".cs"))
                {
                    dead.Add($"{file}: {name.Value}");
                }
            }
            foreach (Match name in CompoundName().Matches(text))
            {
                if (!identifiers.Contains(name.Value) && !s_foreign.Contains(name.Value) && !files.Contains(name.Value + ".cs"))
                    dead.Add($"{file}: {name.Value}");
            }
        }
        foreach (string path in Directory.GetFiles(Repository.PathOf("docs"), "*.md").Append(Repository.PathOf("README.md")))
        {
            foreach (Match quoted in Backticks().Matches(File.ReadAllText(path)))
            {
                string name = quoted.Groups[1].Value;
                if (!DocumentName().IsMatch(name) || s_foreign.Contains(name))
                    continue;
                bool exists = name.EndsWith(".cs", StringComparison.Ordinal)
                    ? files.Contains(name)
                    : name.Split('.').All(identifiers.Contains) || files.Contains(name) || files.Contains(name + ".cs") || s_folders.Any(f => Directory.Exists(Repository.PathOf(f, name)));
                if (!exists)
                    dead.Add($"{Path.GetFileName(path)}: {name}");
            }
        }
        Assert.True(dead.Count == 0, $"{dead.Count} references to what does not exist:\n{string.Join('\n', dead.Distinct())}");
    }

    [Fact]
    public void No_heading_stands_twice_in_a_document()
    {
        foreach (string path in Directory.GetFiles(Repository.PathOf("docs"), "*.md").Append(Repository.PathOf("README.md")))
        {
            string[] headings = [.. File.ReadAllLines(path).Where(line => line.StartsWith("## ", StringComparison.Ordinal))];
            Assert.Equal(headings.Distinct(), headings);
        }
    }

    // Comments are lines that begin with slashes or follow code after two of them; strings with slashes in them do no harm here.
    private static (string Code, string Comments) Split(string source)
    {
        var code = new System.Text.StringBuilder();
        var comments = new System.Text.StringBuilder();
        foreach (string line in source.Split('\n'))
        {
            int at = line.IndexOf("//", StringComparison.Ordinal);
            bool isComment = at >= 0 && (at == 0 || line[at - 1] == ' ');
            code.Append(isComment ? line[..at] : line).Append('\n');
            if (isComment)
                comments.Append(line[at..]).Append('\n');
        }
        return (code.ToString(), comments.ToString());
    }

    [GeneratedRegex(@"\b[A-Za-z_]\w*")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record)\s+(?:struct\s+|class\s+)?([A-Z]\w*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"(?<![\w./<""])[A-Z]\w+(?:\.[A-Za-z]\w*)+")]
    private static partial Regex DottedName();

    [GeneratedRegex(@"(?<![\w./<""-])[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+\b(?![./])")]
    private static partial Regex CompoundName();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Backticks();

    [GeneratedRegex(@"^[A-Z][a-z]\w*(\.[A-Za-z]\w*)*$")]
    private static partial Regex DocumentName();
}

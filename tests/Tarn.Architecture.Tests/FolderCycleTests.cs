// Folders of the runtime are layers: what a lower one knows of a higher one is a cycle, and a change in either may break the other. There is none, and
// none is excused. What a lower layer has to hand back of a higher one (the embedder's view of an engine, a module or a store) it holds as an object.
using System.Reflection;
using System.Text.RegularExpressions;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

/// <summary>The folders of src/Tarn depend on each other in one direction, without exception.</summary>
public sealed partial class FolderCycleTests
{
    [Fact]
    public void Folders_form_no_cycle()
    {
        Dictionary<string, string> folders = FoldersOfTypes();
        Dictionary<string, Dictionary<string, SortedSet<string>>> edges = new(StringComparer.Ordinal);
        foreach ((Type user, HashSet<Type> used) in TypeReferences.Of(Assembly.Load("Tarn")))
        {
            if (!folders.TryGetValue(Plain(user), out string? from))
                continue;
            foreach (Type type in used)
            {
                if (!folders.TryGetValue(Plain(type), out string? to) || to == from)
                    continue;
                if (!edges.TryGetValue(from, out Dictionary<string, SortedSet<string>>? targets))
                    edges.Add(from, targets = new(StringComparer.Ordinal));
                if (!targets.TryGetValue(to, out SortedSet<string>? because))
                    targets.Add(to, because = new(StringComparer.Ordinal));
                because.Add($"{Plain(user)} -> {Plain(type)}");
            }
        }
        Assert.True(folders.Values.Distinct().Count() > 10, "The folders were not found.");
        Assert.True(edges.Values.Sum(e => e.Count) > 20, "The references were not found.");
        string[] cyclic = [.. folders.Values.Distinct().Where(f => Reaches(f, f, edges)).Order(StringComparer.Ordinal)];
        string why = string.Join('\n', cyclic.SelectMany(from => edges[from].Where(to => cyclic.Contains(to.Key)).Select(to => $"{from} -> {to.Key}: {string.Join(", ", to.Value)}")));
        Assert.True(cyclic.Length == 0, $"Folders on cycles: {string.Join(", ", cyclic)}.\n{why}");
    }

    private static bool Reaches(string from, string goal, Dictionary<string, Dictionary<string, SortedSet<string>>> edges)
    {
        HashSet<string> seen = [];
        Stack<string> pending = new([from]);
        while (pending.TryPop(out string? at))
        {
            if (!edges.TryGetValue(at, out Dictionary<string, SortedSet<string>>? targets))
                continue;
            foreach (string next in targets.Keys)
            {
                if (next == goal)
                    return true;
                if (seen.Add(next))
                    pending.Push(next);
            }
        }
        return false;
    }

    // The first folder under src/Tarn of the file that declares a type; "." for files that are in none.
    private static Dictionary<string, string> FoldersOfTypes()
    {
        Dictionary<string, string> folders = new(StringComparer.Ordinal);
        string root = Repository.PathOf("src/Tarn");
        foreach (string path in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Where(p => !p.Contains("/obj/", StringComparison.Ordinal)))
        {
            string relative = Path.GetRelativePath(root, path).Replace('\\', '/');
            string folder = relative.Contains('/', StringComparison.Ordinal) ? relative.Split('/')[0] : ".";
            foreach (Match declaration in Declaration().Matches(File.ReadAllText(path)))
                folders[declaration.Groups[1].Value] = folder;
        }
        return folders;
    }

    private static string Plain(Type type) => type.Name.Split('`')[0];

    // Types that are not nested begin a line.
    [GeneratedRegex(@"^(?:(?:public|internal|file|abstract|sealed|static|readonly|ref|unsafe|partial)\s+)*(?:class|struct|interface|enum|record(?:\s+struct|\s+class)?|delegate\s+[\w<>.?\[\]]+)\s+([A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}

// What stands behind the verb: words in order, and --name=value pairs. All verbs share --rounds and --markdown.
namespace Tarn.Bench;

internal sealed class BenchmarkArguments
{
    private readonly Dictionary<string, string> _options = [];
    private readonly List<string> _words = [];

    /// <summary>The arguments that are no options.</summary>
    public IReadOnlyList<string> Words => _words;

    /// <summary>All of it as it was given.</summary>
    public IReadOnlyList<string> Given { get; private init; } = [];

    /// <summary>Rounds to run; <paramref name="otherwise"/> unless told.</summary>
    public int Rounds(int otherwise) => Number("rounds", otherwise);

    /// <summary>The file that the Markdown table is written to as well, or null.</summary>
    public string? Markdown => Text("markdown");

    /// <summary>The report that results are added to, where one is being made.</summary>
    public ReportCollector? Collector { get; init; }

    /// <summary>The words as module files, or the large modules of <see cref="Compile.LargeModules"/> where there are none; says so if those cannot be had.</summary>
    public bool TryGetModules(string verb, out IReadOnlyList<(string Name, string Path)> modules)
    {
        modules = _words.Count > 0 ? [.. _words.Select(w => (Path.GetFileName(w), Path.GetFullPath(w)))] : Compile.LargeModules.Fetch();
        if (modules.Count == 0)
            Console.Error.WriteLine($"{verb} needs module files, or npm and its registry to fetch some.");
        return modules.Count > 0;
    }

    public string? Text(string name) => _options.GetValueOrDefault(name);

    public int Number(string name, int otherwise) => _options.TryGetValue(name, out string? text) ? int.Parse(text) : otherwise;

    /// <summary>Those of <paramref name="keys"/> that --only names; all of them where it is not given.</summary>
    /// <exception cref="ArgumentException">It names none, or another.</exception>
    public string[] Only(params string[] keys)
    {
        string[] named = Text("only")?.Split(',') ?? keys;
        return Array.TrueForAll(named, name => keys.Contains(name, StringComparer.OrdinalIgnoreCase))
            ? [.. keys.Where(key => named.Contains(key, StringComparer.OrdinalIgnoreCase))]
            : throw new ArgumentException($"--only={Text("only")}: there are {string.Join(", ", keys)}");
    }

    public bool Flag(string name) => _options.ContainsKey(name);

    public static BenchmarkArguments Parse(ReadOnlySpan<string> arguments, ReportCollector? collector = null)
    {
        BenchmarkArguments parsed = new() { Collector = collector, Given = arguments.ToArray() };
        foreach (string argument in arguments)
        {
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                parsed._words.Add(argument);
                continue;
            }

            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                parsed._options[argument[2..]] = "";
            else
                parsed._options[argument[2..equals]] = argument[(equals + 1)..];
        }

        return parsed;
    }
}

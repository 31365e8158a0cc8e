// Holds the source tree to what docs/contributing.md asks of every file. These are the habits that a compiler cannot check.
using System.Text.RegularExpressions;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

/// <summary>Every source file opens with its purpose, stays short, and lies where its namespace says.</summary>
public sealed class SourceTests
{
    private const int MostLines = 800;

    // One method, which has to be one: see the file's head.
    private static readonly string[] s_long = ["src/Tarn/Execution/Portable/Interpreter.cs"];

    private static readonly string[] s_roots = ["src", "tests", "bench", "tools"];

    private static IEnumerable<string> Files() => s_roots
        .Select(root => Repository.PathOf(root))
        .Where(Directory.Exists)
        .SelectMany(root => Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    private static string Relative(string path) => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/');

    private static bool Generated(string path) => path.EndsWith(".g.cs", StringComparison.Ordinal);

    [Fact]
    public void Every_file_opens_with_a_comment_that_says_why_it_exists()
    {
        string[] silent = [.. Files().Where(path => !OpensWithComment(path)).Select(Relative)];
        Assert.True(silent.Length == 0, "No opening comment in:\n" + string.Join('\n', silent));

        static bool OpensWithComment(string path)
        {
            string first = File.ReadLines(path).FirstOrDefault(line => line.Trim().Length > 0) ?? "";
            return first.StartsWith("// ", StringComparison.Ordinal) || first.StartsWith("/*", StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_file_outgrows_a_reviewers_patience()
    {
        string[] large = [.. Files().Where(path => !Generated(path) && !s_long.Contains(Relative(path)))
            .Select(path => (path, lines: File.ReadLines(path).Count())).Where(file => file.lines > MostLines)
            .Select(file => $"{Relative(file.path)}: {file.lines} lines")];
        Assert.True(large.Length == 0, $"Past {MostLines} lines:\n" + string.Join('\n', large));
    }

    [Fact]
    public void Namespaces_follow_folders()
    {
        List<string> astray = [];
        foreach (string path in Files())
        {
            string? declared = File.ReadLines(path).FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal));
            if (declared is null)
                continue; // top-level statements, assembly attributes
            string name = declared["namespace ".Length..].Trim().TrimEnd(';');
            string expected = Path.GetDirectoryName(string.Join('/', Relative(path).Split('/').Skip(1)))!.Replace('/', '.');
            if (name != expected && !IsPublicNamespace(name, expected))
                astray.Add($"{Relative(path)}: {name}, expected {expected}");
        }

        Assert.True(astray.Count == 0, "Namespace differs from folder:\n" + string.Join('\n', astray));
    }

    // A second processor is written beside the first: everything else goes through the seams (MachineTarget, MachineStubs) and says nothing, in comments either, that
    // holds for one processor only.
    [Fact]
    public void Processors_are_named_in_their_folders_only()
    {
        // What chooses the processor, and what describes the host's own convention.
        string[] seams =
        [
            "src/Tarn/Execution/HostTarget.cs", "src/Tarn/Execution/Machine.cs", "src/Tarn/Execution/RawResult.cs", "src/Tarn/Platform/Linux/LinuxNative.cs",
            "src/Tarn/Platform/Linux/Errno.cs",
        ];
        var words = new Regex(
            @"\b(Gpr|Xmm|X64\w*|StubAssembler|OperandSize|[re]?(ax|bx|cx|dx|sp|bp|si|di)|r(8|9|1[0-5])|[xyz]mm\d*|x86(-64)?|amd64|rel(8|32)|AVX\S*|BMI[12]?|SSE[0-9.]*|int3|cpuid|xgetbv|e?flags register|mxcsr|0xCC|lea|cmov\w*|ret imm\w*)\b",
            RegexOptions.CultureInvariant);
        List<string> found = [];
        foreach (string path in Files())
        {
            string relative = Relative(path);
            string[] folders = ["src/Tarn.Compiler/", "src/Tarn/"];
            if (!folders.Any(folder => relative.StartsWith(folder, StringComparison.Ordinal)) || relative.Contains("/X64/", StringComparison.Ordinal) || seams.Contains(relative))
                continue;
            int number = 0;
            foreach (string line in File.ReadLines(path))
            {
                number++;
                if (words.Match(line) is { Success: true } match)
                    found.Add($"{relative}:{number}: {match.Value}");
            }
        }

        Assert.True(found.Count == 0, "Outside of X64 folders:\n" + string.Join('\n', found));
    }

    // The embedder writes `using Tarn;` once: a library may keep its types in its root namespace while folders group the files.
    private static bool IsPublicNamespace(string name, string expected) => name is "Tarn" or "Tarn.Wasm" or "Tarn.Wasm.Component" or "Tarn.Wasm.Wit" or "Tarn.Wasi" or "Tarn.AspNetCore" or "Tarn.Orleans" or "Tarn.Components" && expected.StartsWith(name + ".", StringComparison.Ordinal);

    [Fact]
    public void No_method_is_async_void()
    {
        string[] found = [.. Files().Where(path => !path.EndsWith(nameof(SourceTests) + ".cs", StringComparison.Ordinal)
            && File.ReadAllText(path).Contains("async void", StringComparison.Ordinal)).Select(Relative)];
        Assert.True(found.Length == 0, "An exception in an async void method ends the process:\n" + string.Join('\n', found));
    }

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        List<string> dead = [];
        foreach (string path in Directory.EnumerateFiles(Repository.Root, "*.md").Concat(Directory.EnumerateFiles(Repository.PathOf("docs"), "*.md")))
        {
            foreach (string target in Links(File.ReadAllText(path)))
            {
                if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith('#'))
                    continue;
                string file = Path.Combine(Path.GetDirectoryName(path)!, target.Split('#')[0]);
                if (!File.Exists(file) && !Directory.Exists(file))
                    dead.Add($"{Relative(path)}: {target}");
            }
        }

        Assert.True(dead.Count == 0, "Dead links:\n" + string.Join('\n', dead));

        static IEnumerable<string> Links(string text)
        {
            for (int at = text.IndexOf("](", StringComparison.Ordinal); at >= 0; at = text.IndexOf("](", at + 2, StringComparison.Ordinal))
            {
                int end = text.IndexOf(')', at);
                if (end > 0)
                    yield return text[(at + 2)..end];
            }
        }
    }
}

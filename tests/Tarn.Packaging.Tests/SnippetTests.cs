// Every C# snippet that people read first compiles against the packages' code, and runs. A snippet is found by its document and number; what it takes for granted
// (a module, a client, a token) is written here around it. A snippet that nobody has written this for fails.
using System.Text;
using Tarn.TestSupport;

namespace Tarn.Packaging.Tests;

/// <summary>Documentation that is true.</summary>
public sealed class SnippetTests
{
    private const string Echo = """"
        using var engine = new Engine();
        using Module module = Module.FromText(engine, """
            (module (import "env" "fetch" (func $fetch (param i32 i32) (result i32))) (memory (export "memory") 1)
              (data (i32.const 0) "http://local/x") (func (export "run") (result i32) (call $fetch (i32.const 0) (i32.const 14))))
            """);
        var linker = new Linker(engine);
        using var http = new System.Net.Http.HttpClient(new Answering());
        object state = new();
        CancellationToken token = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;
        """";

    private const string Program = """
        using var engine = new Engine();
        using Module app = Module.FromFile(engine, "tests/Tarn.Wasi.Tests/Programs/wasm/hello.wasm");
        using var output = new System.IO.MemoryStream();
        CancellationToken cancellationToken = default;
        """;

    // Answers with its first argument.
    private const string Plugin = """"
        System.IO.File.WriteAllText(Temporary("plugin.wasm"), """
            (component
              (import "host:log/api@1.0.0" (instance (export "write" (func (param "message" string)))))
              (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
                (func (export "run") (param i32 i32 i32) (result i32)
                  (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
              (core instance $i (instantiate $m))
              (func (export "run") (param "text" string) (param "times" u32) (result string)
                (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
            """);
        """";

    // What comes before a snippet and after it. Its own using directives are dropped.
    private static readonly Dictionary<string, (string Before, string After)> s_surroundings = new()
    {
        ["README.md 1"] = ("", "Check(result == 832040, $\"{result}\");"),
        ["README.md 2"] = (Echo, "Check(length == 6, $\"{length}\");"),
        ["README.md 3"] = ("", "Check(engine.GetPoolStatistics().Instances.Slots == 2000, \"the limit\");"),
        ["README.md 4"] = (Program, "Check(status == 0 && output.Length > 5, $\"{status} {output.Length}\");"),
        ["docs/components.md 1"] = (Plugin, "Check(result?.AsString() == \"hello\", $\"{result}\");"),
        ["docs/components.md 2"] = (
            """
            System.IO.File.Copy("tests/Tarn.Wasi.Tests/Programs/component.wat", Temporary("app.wasm"), overwrite: true);
            CancellationToken cancellationToken = default;
            """, "Check(status == 1, $\"{status}\");"),
        ["docs/hosting.md 1"] = (
            """"
            using var engine = new Engine();
            using Module module = Module.FromText(engine, """(module (global (export "g") (mut i32) (i32.const 0)) (func (export "init") (global.set 0 (i32.const 7))))""");
            var linker = new Linker(engine);
            """", "Check(request.GetGlobal(\"g\").Value.AsInt32() == 7, \"the state\");"),
        ["src/Tarn.Components/PACKAGE.md 1"] = (Plugin, "Check(result?.AsString() == \"hello\", $\"{result}\");"),
        ["src/Tarn/PACKAGE.md 1"] = ("", ""),
        ["src/Tarn.Wasi/PACKAGE.md 1"] = ("System.IO.File.Copy(\"tests/Tarn.Wasi.Tests/Programs/wasm/cat.wasm\", Temporary(\"app.wasm\"), overwrite: true);", "Check(status == 0, $\"{status}\");"),
    };

    [Fact]
    public async Task Every_snippet_compiles_and_runs()
    {
        List<(string Name, string Code)> snippets = [.. Documents().SelectMany(Snippets)];
        Assert.Equal(s_surroundings.Keys.Order(StringComparer.Ordinal), snippets.Select(s => s.Name).Order(StringComparer.Ordinal));
        string directory = Directory.CreateTempSubdirectory("tarn-snippets").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "Snippets.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings><NuGetAudit>false</NuGetAudit>
                    <InvariantGlobalization>true</InvariantGlobalization>
                  </PropertyGroup>
                  <ItemGroup>
                    <ProjectReference Include="{Repository.PathOf("src", "Tarn.Wasi", "Tarn.Wasi.csproj")}" />
                    <ProjectReference Include="{Repository.PathOf("src", "Tarn.Components", "Tarn.Components.csproj")}" />
                  </ItemGroup>
                </Project>
                """, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(directory, "Program.cs"), Source(snippets), TestContext.Current.CancellationToken);
            await Command.RunAsync("dotnet", ["build", "-v", "q", "-nologo", Path.Combine(directory, "Snippets.csproj")]);
            string output = await Command.RunAsync(
                "dotnet", [Path.Combine(directory, "bin", "Debug", "net10.0", "Snippets.dll"), directory], Repository.PathOf("."));
            Assert.EndsWith($"{snippets.Count} snippets\n", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static IEnumerable<string> Documents() =>
    [
        "README.md",
        .. Directory.GetFiles(Repository.PathOf("src"), "PACKAGE.md", SearchOption.AllDirectories).Concat(Directory.GetFiles(Repository.PathOf("docs"), "*.md"))
            .Select(path => Path.GetRelativePath(Repository.PathOf("."), path)).Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<(string Name, string Code)> Snippets(string document)
    {
        string[] parts = File.ReadAllText(Repository.PathOf(document)).Split("```csharp\n");
        for (int i = 1; i < parts.Length; i++)
            yield return ($"{document} {i}", parts[i][..parts[i].IndexOf("```", StringComparison.Ordinal)]);
    }

    private static string Source(List<(string Name, string Code)> snippets)
    {
        var text = new StringBuilder("using Tarn;\nusing Tarn.Components;\nusing Tarn.Wasi;\n\ninternal static class Program\n{\n    private static string s_directory = \"\";\n\n");
        text.Append("    public static async Task Main(string[] arguments)\n    {\n        s_directory = arguments[0];\n");
        for (int i = 0; i < snippets.Count; i++)
            text.Append($"        await Snippet{i}();\n");
        text.Append($"        Console.WriteLine(\"{snippets.Count} snippets\");\n    }}\n");
        for (int i = 0; i < snippets.Count; i++)
        {
            (string before, string after) = s_surroundings[snippets[i].Name];
            string code = string.Join('\n', snippets[i].Code.Split('\n').Where(line => !(line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('='))));
            // Their file names that exist nowhere.
            foreach (string name in (string[])["app.wasm", "plugin.wasm"])
                code = code.Replace($"\"{name}\"", $"Temporary(\"{name}\")", StringComparison.Ordinal);
            text.Append($"\n    // {snippets[i].Name}\n    private static async Task Snippet{i}()\n    {{\n        await Task.Yield();\n{before}\n{code}\n{after}\n    }}\n");
        }
        text.Append("""

                private static string Temporary(string name) => System.IO.Path.Combine(s_directory, name);

                private static void Check(bool holds, string what)
                {
                    if (!holds)
                        throw new InvalidOperationException(what);
                }

                private sealed class Answering : System.Net.Http.HttpMessageHandler
                {
                    protected override Task<System.Net.Http.HttpResponseMessage> SendAsync(System.Net.Http.HttpRequestMessage request, CancellationToken cancellationToken) =>
                        Task.FromResult(new System.Net.Http.HttpResponseMessage { Content = new System.Net.Http.StringContent("answer") });
                }
            }
            """);
        return text.ToString();
    }
}

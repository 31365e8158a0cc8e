// Packs the libraries and the tool, and uses them as somebody would who has nothing of this tree: in a fresh project elsewhere, from a folder feed. The programs
// are those of the packages' own front pages.
using System.IO.Compression;
using System.Xml.Linq;
using Tarn.TestSupport;

namespace Tarn.Packaging.Tests;

/// <summary>Packages hold what they say and work where there is nothing else.</summary>
public sealed class PackageTests(PackedFeed feed) : IClassFixture<PackedFeed>
{
    private const string Variable = "TARN_PACKAGE_TESTS";
    private static readonly string[] s_layers = ["Tarn", "Tarn.Assembler", "Tarn.Compiler", "Tarn.Wasm"];

    [Fact]
    public async Task The_core_package_is_whole_and_depends_on_nothing()
    {
        PackedFeed.SkipUnlessWanted(Variable, "packing takes a minute");
        await feed.PackagesAsync();
        using ZipArchive package = Open("Tarn.0.*.nupkg");
        string[] expected = [.. s_layers.SelectMany(layer => new[] { $"lib/net10.0/{layer}.dll", $"lib/net10.0/{layer}.xml" }).Append("README.md").Order(StringComparer.Ordinal)];
        Assert.Equal(expected, package.Entries.Select(e => e.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal) || name == "README.md").Order(StringComparer.Ordinal));
        XElement metadata = Metadata(package);
        Assert.Empty(Elements(metadata, "dependency"));
        Assert.Equal("MIT", Assert.Single(Elements(metadata, "license")).Value);
        Assert.Equal("README.md", Assert.Single(Elements(metadata, "readme")).Value);
        Assert.True(Assert.Single(Elements(metadata, "description")).Value.Length > 40);
        using ZipArchive symbols = Open("Tarn.0.*.snupkg");
        Assert.Equal(
            s_layers.Select(layer => $"lib/net10.0/{layer}.pdb").Order(StringComparer.Ordinal),
            symbols.Entries.Select(e => e.FullName).Where(name => name.EndsWith(".pdb", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_WASI_package_depends_on_the_core_and_on_components()
    {
        PackedFeed.SkipUnlessWanted(Variable, "packing takes a minute");
        await feed.PackagesAsync();
        using ZipArchive package = Open("Tarn.Wasi.0.*.nupkg");
        Assert.Equal(
            ["lib/net10.0/Tarn.Wasi.dll", "lib/net10.0/Tarn.Wasi.xml"],
            package.Entries.Select(e => e.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(["Tarn", "Tarn.Components"], Elements(Metadata(package), "dependency").Select(dependency => dependency.Attribute("id")!.Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_fresh_project_embeds_the_core()
    {
        PackedFeed.SkipUnlessWanted(Variable, "packing takes a minute");
        await feed.PackagesAsync();
        string project = MakeProject("embeds", "Tarn", FrontPageProgram("Tarn"));
        Assert.Equal("the guest says 5050\n", await RunAsync(project));
    }

    [Fact]
    public async Task A_fresh_project_runs_a_WASI_program()
    {
        PackedFeed.SkipUnlessWanted(Variable, "packing takes a minute");
        await feed.PackagesAsync();
        // Only Tarn.Wasi is asked for: it brings the core.
        string project = MakeProject("runs-wasi", "Tarn.Wasi", FrontPageProgram("Tarn.Wasi"));
        File.Copy(Repository.PathOf("tests", "Tarn.Wasi.Tests", "Programs", "wasm", "arguments.wasm"), Path.Combine(project, "app.wasm"));
        Assert.Equal("argument 0: app\nargument 1: /work/input.txt\nexit status 0\n", (await RunAsync(project)).Replace("\r", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_tool_installs_and_runs()
    {
        PackedFeed.SkipUnlessWanted("TARN_AOT_TESTS", "the tool is compiled ahead of time, which takes a minute and a C toolchain");
        await feed.ToolAsync();
        string folder = Path.Combine(feed.Root, "tool");
        string configuration = Path.Combine(feed.Root, "tool.config");
        await File.WriteAllTextAsync(configuration, feed.Configuration, TestContext.Current.CancellationToken);
        await Command.RunAsync("dotnet", ["tool", "install", "Tarn.Tool", "--tool-path", folder, "--configfile", configuration, "--prerelease"], feed.Root, Separate());
        string tarn = Path.Combine(folder, "tarn");
        Assert.Equal("Hello, world!\n", await Command.RunAsync(tarn, ["run", Repository.PathOf("tests", "Tarn.Wasi.Tests", "Programs", "wasm", "hello.wasm")]));
        Assert.Equal("832040\n", await Command.RunAsync(tarn, ["run", Repository.PathOf("samples", "fibonacci.wat"), "30"]));
    }

    // The first C# example of a package's front page, as it stands there.
    private static string FrontPageProgram(string project)
    {
        string page = File.ReadAllText(Repository.PathOf("src", project, "PACKAGE.md"));
        int start = page.IndexOf("```csharp\n", StringComparison.Ordinal) + "```csharp\n".Length;
        return page[start..page.IndexOf("```", start, StringComparison.Ordinal)];
    }

    private static XElement Metadata(ZipArchive package)
    {
        using Stream stream = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!;
    }

    private static IEnumerable<XElement> Elements(XElement metadata, string name) => metadata.Descendants().Where(e => e.Name.LocalName == name);

    private ZipArchive Open(string pattern) => ZipFile.OpenRead(Assert.Single(Directory.GetFiles(feed.Feed, pattern)));

    private string MakeProject(string name, string package, string program)
    {
        string folder = Directory.CreateDirectory(Path.Combine(feed.Root, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "nuget.config"), feed.Configuration);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program);
        File.WriteAllText(Path.Combine(folder, name + ".csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <UseAppHost>false</UseAppHost>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="{package}" Version="0.*-*" /></ItemGroup>
            </Project>
            """);
        return folder;
    }

    private Task<string> RunAsync(string project) => Command.RunAsync("dotnet", ["run", "--project", project], project, Separate());

    // Nothing of the user's is read or written: no packages, no tools, no first-run messages in the output.
    private Dictionary<string, string> Separate() => new()
    {
        ["DOTNET_CLI_HOME"] = feed.Root,
        ["NUGET_PACKAGES"] = Path.Combine(feed.Root, "unpacked"),
        ["DOTNET_NOLOGO"] = "1",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
        ["MSBUILDDISABLENODEREUSE"] = "1",
    };
}

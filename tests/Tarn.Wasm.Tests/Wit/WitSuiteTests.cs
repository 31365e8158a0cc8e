// wit-parser's own cases: what it takes is taken, what it refuses is refused for the same reason at the same line and column. Its messages are not ours; the table below says which of ours
// corresponds to which of its.
using System.Text.RegularExpressions;
using Tarn.TestSupport;
using Tarn.Wasm.Wit;

namespace Tarn.Wasm.Tests.Wit;

public sealed partial class WitSuiteTests
{
    private const string Folder = "wasm-tools/wit-parser";

    // What its message contains, and what ours contains then. The first that fits counts.
    private static readonly (string Theirs, string Ours)[] s_kinds =
    [
        ("no `package` header", "no file of the package has a `package` declaration"),
        ("is defined in two different locations", "is defined in two places"),
        ("kebab-case identifiers are case-insensitive", "compared without regard to case"),
        ("found doc comments on multiple", "documented more than once"),
        ("does not match previous package name", "which another file of the same package names"),
        ("nested packages must be placed", "must be at the top level of a file"),
        ("nesting too deep", "nested too deeply"),
        ("creates a dependency cycle", "depends on itself"),
        ("depends on itself", "depends on itself"),
        ("not found in package", "in the package"),
        ("not found. known packages", "there is no package"),
        ("used in a handle must be a resource", "in a handle is not a resource"),
        ("the `ok` type must be the resource", "successful result of a constructor"),
        ("if a constructor return type", "the result of a constructor"),
        ("duplicate constructors", "more than one constructor"),
        ("duplicate function name", "more than one function"),
        ("feature gate cannot reference unreleased", "names the unreleased version"),
        ("excluded due to its feature", "feature is not on"),
        ("transitively depends on an interface in incompatible ways", "both as an import and as an export"),
        ("conflicts with prior", "conflicts with an earlier"),
        ("shadows previously imported items", "would shadow it"),
        ("cannot be imported more than once", "more than one import"),
        ("cannot be exported more than once", "more than one export"),
        ("does not support renaming", "cannot be changed"),
        ("returns a type which contains a `borrow", "contains a borrowed handle"),
        ("invalid map key type", "the key of a map"),
        ("cannot import function", "is a function"),
        ("cannot use function", "is a function"),
        ("defined as a world, not an interface", "expected an interface"),
        ("defined as an interface, not a world", "expected a world"),
        ("duplicate item named", "more than one item"),
        ("in this file", "in this file"),
        ("is defined more than once", "is defined more than once"),
        ("empty ", "has no cases"),
        ("not defined in interface", "in the interface"),
        ("does not exist", "there is no"),
        ("expected", "expected"),
    ];

    public static TheoryData<string> Accepted => [.. Cases("", isFailure: false)];

    public static TheoryData<string> Refused => [.. Cases("parse-fail", isFailure: true)];

    [Fact]
    public void The_suite_is_whole()
    {
        Assert.SkipWhen(ComponentSuite.Skipped, ComponentSuite.Absence);
        Assert.Equal(284, Directory.EnumerateFiles(Path.Combine(ComponentSuite.RequiredFolder, Folder), "*.wit", SearchOption.AllDirectories).Count());
        Assert.True(Cases("", false).Count >= 70 && Cases("parse-fail", true).Count >= 148, "cases are missing");
    }

    [Theory(SkipUnless = nameof(IsHere), Skip = ComponentSuite.Absence)]
    [MemberData(nameof(Accepted))]
    public void A_package_is_accepted(string name)
    {
        WitResolver resolver = Resolver();
        WitPackage package = resolver.AddPath(name == "kinds-of-deps" ? WithBinaryDependency(name) : PathOf(name));
        Assert.Contains(package, resolver.Packages);
    }

    // The suite holds text alone: the case's fourth dependency, a component in binary, is made here.
    private static string WithBinaryDependency(string name)
    {
        string target = Path.Combine(Directory.CreateTempSubdirectory("tarn-wit").FullName, name);
        foreach (string file in Directory.EnumerateFiles(PathOf(name), "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(target, Path.GetRelativePath(PathOf(name), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        WitPackage dependency = new WitResolver().AddText("e.wit", "package e:e; interface e {}");
        File.WriteAllBytes(Path.Combine(target, "deps", "e.wasm"), WitEncoder.Encode(dependency));
        return target;
    }

    [Theory(SkipUnless = nameof(IsHere), Skip = ComponentSuite.Absence)]
    [MemberData(nameof(Refused))]
    public void A_package_is_refused_at_its_place(string name)
    {
        string message = File.ReadAllText(PathOf(name.EndsWith(".wit", StringComparison.Ordinal) ? name + ".result" : name + ".wit.result"));
        TextFormatException error = Assert.Throws<TextFormatException>(() => Resolver().AddPath(PathOf(name)));
        (string theirs, string ours) = s_kinds.First(kind => message.Contains(kind.Theirs, StringComparison.Ordinal));
        Assert.True(error.Reason.Contains(ours, StringComparison.OrdinalIgnoreCase), $"“{theirs}” is expected as “{ours}”, and the error is: {error.Message}");
        if (Place().Match(message) is { Success: true } place)
        {
            Assert.Equal($"{Path.GetFileName(place.Groups[1].Value)}:{place.Groups[2].Value}:{place.Groups[3].Value}", $"{Path.GetFileName(error.FileName)}:{error.Line}:{error.Column}");
        }
    }

    public static bool IsHere => !ComponentSuite.Skipped;

    // The features that are on when wit-parser runs its cases.
    private static WitResolver Resolver() => new(new WitFeatures(new HashSet<string> { "active" }, false));

    private static string PathOf(string name) => Path.Combine(ComponentSuite.RequiredFolder, Folder, name);

    private static List<string> Cases(string folder, bool isFailure)
    {
        if (ComponentSuite.Folder is null)
            return [];
        string root = Path.Combine(ComponentSuite.Folder, Folder);
        return [.. Directory.EnumerateFileSystemEntries(Path.Combine(root, folder))
            .Where(entry => Path.GetFileName(entry) != "parse-fail" && (Directory.Exists(entry) || Path.GetExtension(entry) is ".wit" or ".wat"))
            .Select(entry => Path.GetRelativePath(root, entry)).Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"([^\s:*]+):(\d+):(\d+)")]
    private static partial Regex Place();
}

// Where the component model's test data is: in the folder that TARN_COMPONENT_SUITE names, else in ../shared/component-suite beside the repository, else in
// artifacts/suites, where .ci/fetch-suites puts it. Data of other projects and not checked
// in, as with SpecificationSuite: on a machine without it the tests are skipped, in CI its absence is a failure.
namespace Tarn.TestSupport;

/// <summary>Scripts and text of the component model on this machine.</summary>
public static class ComponentSuite
{
    private static readonly Lazy<string?> s_folder = new(Find);

    /// <summary>Why the suite's tests cannot run.</summary>
    public const string Absence = "The component model's test data is not here: .ci/fetch-suites fetches it, or set TARN_COMPONENT_SUITE to its folder.";

    /// <summary>The folder, or null where the suite is missing.</summary>
    public static string? Folder => s_folder.Value;

    /// <summary>Whether the suite's tests are to be skipped: it is missing, and this is not CI.</summary>
    public static bool Skipped => Folder is null && !Repository.ContinuousIntegration;

    /// <summary>The folder; an exception where it is missing.</summary>
    public static string RequiredFolder => Folder ?? throw new DirectoryNotFoundException(Absence);

    /// <summary>The scripts of a folder of the suite, as paths relative to the suite, in ordinal order.</summary>
    public static IReadOnlyList<string> Scripts(string folder, string pattern = "*.wast")
    {
        if (Folder is not string root || !Directory.Exists(Path.Combine(root, folder)))
            return [];
        string[] scripts = [.. Directory.EnumerateFiles(Path.Combine(root, folder), pattern, SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path).Replace('\\', '/'))];
        Array.Sort(scripts, StringComparer.Ordinal);
        return scripts;
    }

    private static string? Find()
    {
        string? named = Environment.GetEnvironmentVariable("TARN_COMPONENT_SUITE");
        if (!string.IsNullOrEmpty(named))
            return Directory.Exists(named) ? Path.GetFullPath(named) : throw new DirectoryNotFoundException($"TARN_COMPONENT_SUITE names {named}, which does not exist.");
        string[] places = [Path.GetFullPath(Repository.PathOf("..", "shared", "component-suite")), Repository.PathOf("artifacts", "suites", "component-suite")];
        return Array.Find(places, Directory.Exists);
    }
}

// Where WebAssembly's own test scripts are: in the folder that TARN_SPEC_TESTSUITE names, else in ../shared/spec-testsuite beside the repository, else in
// artifacts/suites, where .ci/fetch-suites puts it.
// They are data of another project and not checked in. Tests that need them are skipped with Absence as the reason on a machine without them;
// in CI their absence is a failure, so that a green run always means they ran.
namespace Tarn.TestSupport;

/// <summary>The specification's test scripts on this machine.</summary>
public static class SpecificationSuite
{
    private static readonly Lazy<string?> s_folder = new(Find);

    /// <summary>Why the suite's tests cannot run.</summary>
    public const string Absence =
        "The WebAssembly specification's test scripts are not here: .ci/fetch-suites fetches them, or set TARN_SPEC_TESTSUITE to their folder.";

    /// <summary>The folder, or null where the suite is missing.</summary>
    public static string? Folder => s_folder.Value;

    /// <summary>Whether the suite is on this machine.</summary>
    public static bool Exists => Folder is not null;

    /// <summary>Whether the suite's tests are to be skipped: it is missing, and this is not CI.</summary>
    public static bool Skipped => !Exists && !Repository.ContinuousIntegration;

    /// <summary>The folder; an exception where it is missing.</summary>
    public static string RequiredFolder => Folder ?? throw new DirectoryNotFoundException(Absence);

    /// <summary>Every script, as paths relative to the folder with forward slashes, in ordinal order. Empty where the suite is missing.</summary>
    public static IReadOnlyList<string> Scripts()
    {
        if (Folder is not string folder)
            return [];
        string[] scripts = [.. Directory.EnumerateFiles(folder, "*.wast", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))];
        Array.Sort(scripts, StringComparer.Ordinal);
        return scripts;
    }

    private static string? Find()
    {
        string? named = Environment.GetEnvironmentVariable("TARN_SPEC_TESTSUITE");
        if (!string.IsNullOrEmpty(named))
            return Directory.Exists(named) ? Path.GetFullPath(named) : throw new DirectoryNotFoundException($"TARN_SPEC_TESTSUITE names {named}, which does not exist.");
        string[] places = [Path.GetFullPath(Repository.PathOf("..", "shared", "spec-testsuite")), Repository.PathOf("artifacts", "suites", "spec-testsuite")];
        return Array.Find(places, Directory.Exists);
    }
}

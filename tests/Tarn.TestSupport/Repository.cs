// Where the repository lies, seen from a test that runs somewhere under artifacts/: golden files and checked-in tables are read and blessed in
// the source tree, never in a copy beside the binaries, so that blessing changes what git sees.
namespace Tarn.TestSupport;

/// <summary>Paths within the source tree.</summary>
public static class Repository
{
    private static readonly Lazy<string> s_root = new(FindRoot);

    /// <summary>The folder that holds Tarn.slnx.</summary>
    public static string Root => s_root.Value;

    /// <summary>Whether the run is asked to rewrite checked-in expectations (<c>TARN_BLESS=1</c>) instead of comparing with them.</summary>
    public static bool Blessing => Environment.GetEnvironmentVariable("TARN_BLESS") == "1";

    /// <summary>Whether this is the whole check, where nothing may be missing.</summary>
    public static bool ContinuousIntegration => Environment.GetEnvironmentVariable("CI") is "true" or "1";

    /// <summary>A path under the root.</summary>
    public static string PathOf(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot()
    {
        foreach (string start in (string[])[AppContext.BaseDirectory, Environment.CurrentDirectory])
        {
            for (DirectoryInfo? directory = new(start); directory is not null; directory = directory.Parent)
            {
                if (File.Exists(Path.Combine(directory.FullName, "Tarn.slnx")))
                    return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds Tarn.slnx.");
    }
}

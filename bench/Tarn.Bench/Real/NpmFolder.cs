// A folder of the user's cache into which npm installs what a package.json of this repository pins, when a benchmark wants it. Installed again only when the
// pins have changed; nothing of the packages is kept in the repository, and none of their scripts runs.
using System.Diagnostics;

namespace Tarn.Bench.Real;

/// <param name="name">The folder's name in the cache.</param>
/// <param name="package">The package.json with the pins.</param>
internal sealed class NpmFolder(string name, string package)
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data ? data : System.IO.Path.GetTempPath(),
        name);

    /// <summary>Whether what is installed is what is wanted.</summary>
    public bool IsCurrent => File.Exists(Pinned) && File.ReadAllText(Pinned) == File.ReadAllText(package);

    private string Pinned => System.IO.Path.Combine(Path, "installed.json");

    /// <summary>Installs the packages if need be; false where npm or the registry is missing.</summary>
    public bool TryInstall()
    {
        if (IsCurrent)
            return true;
        Directory.CreateDirectory(Path);
        File.Copy(package, System.IO.Path.Combine(Path, "package.json"), overwrite: true);
        if (!Start("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"))
            return false;

        // Last, so that a broken installation is not taken for one.
        File.Copy(package, Pinned, overwrite: true);
        return true;
    }

    /// <summary>Runs a program in the folder; false if it fails or is not there.</summary>
    public bool Start(string program, params string[] arguments)
    {
        try
        {
            using Process? process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Path });
            process?.WaitForExit();
            return process?.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine($"{program} is not installed: what needs it is left out.");
            return false;
        }
    }
}

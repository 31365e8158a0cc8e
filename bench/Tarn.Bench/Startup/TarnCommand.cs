// The command line in the forms in which people have it: one native executable, which is also what the global tool's package holds, and assemblies that `dotnet` starts,
// compiled ahead where they can be (ReadyToRun). Published into the user's cache when a benchmark runs; --tarn=PATH takes an executable that is there already.
using System.Diagnostics;

namespace Tarn.Bench.Startup;

internal static class TarnCommand
{
    private static string Project => Path.GetFullPath(Path.Combine(Execute.ProgramSet.Folder, "..", "..", "src", "Tarn.Cli"));

    private static string Cache => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data ? data : Path.GetTempPath(),
        "tarn-bench-startup");

    /// <summary>Where measured runs keep compiled modules: not where the user's do.</summary>
    public static string Modules => Path.Combine(Cache, "modules");

    /// <summary>The native executable; null where it cannot be linked.</summary>
    public static string? Native(BenchmarkArguments arguments) => arguments.Text("tarn") ?? Publish("native", "Tarn.Cli", "-p:PublishAot=true");

    /// <summary>The assembly for <c>dotnet</c>; null where it cannot be made.</summary>
    public static string? Managed() => Publish("managed", "Tarn.Cli.dll", "-p:PublishAot=false", "-p:PublishReadyToRun=true", "--self-contained", "false");

    /// <summary>Environment of every run.</summary>
    public static Dictionary<string, string> Variables => new() { ["TARN_CACHE_DIR"] = Modules };

    private static string? Publish(string form, string file, params string[] how)
    {
        string output = Path.Combine(Cache, form);
        Console.Error.WriteLine($"publishing Tarn.Cli ({form}) …");
        ProcessStartInfo start = new(
            "dotnet",
            ["publish", Project, "-c", "Release", "-r", "linux-x64", "-o", output, "--artifacts-path", Path.Combine(Cache, "artifacts-" + form), "-v", "q", "-nologo", "-p:RunAnalyzers=false", .. how])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 0)
            return Path.Combine(output, file);
        Console.Error.WriteLine($"Tarn.Cli cannot be published ({form}), it is left out:\n{said}");
        return null;
    }
}

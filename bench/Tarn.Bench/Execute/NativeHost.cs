// Publishes Tarn.Bench.NativeHost ahead of time, into a folder of its own so that other builds of the same sources neither disturb it nor are disturbed. It takes a minute or two.
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tarn.Bench.Execute;

internal static class NativeHost
{
    private static string Folder => Path.Combine(Repository, "artifacts", "bench-native-host");

    private static string Repository => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(SourceFile())!, "..", "..", ".."));

    /// <summary>Returns the path of the executable, or null where there is none.</summary>
    /// <param name="publishes">Whether to publish it now.</param>
    public static string? TryFind(bool publishes)
    {
        string program = Path.Combine(Folder, "publish", "Tarn.Bench.NativeHost");
        if (publishes && !Publish())
            return null;
        if (File.Exists(program))
            return program;
        Console.Error.WriteLine("The native host has not been published: it is left out of the comparison.");
        return null;
    }

    private static bool Publish()
    {
        try
        {
            string project = Path.Combine(Repository, "bench", "Tarn.Bench.NativeHost");
            string[] arguments = ["publish", project, "-c", "Release", "-r", "linux-x64", "-v", "q", "--nologo", "--artifacts-path", Path.Combine(Folder, "build"), "-o", Path.Combine(Folder, "publish")];
            using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
                Console.Error.WriteLine($"The native host cannot be published here, and is left out of the comparison:\n{output}");
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            Console.Error.WriteLine("dotnet is not on the path: the native host is left out of the comparison.");
            return false;
        }
    }

    private static string SourceFile([CallerFilePath] string path = "") => path;
}

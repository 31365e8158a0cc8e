// Operating systems are named in their folders, and by the one file that chooses among them. What is listed here besides asks which system it is for a reason of its own.
using System.Text.RegularExpressions;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

/// <summary>What knows an operating system.</summary>
public sealed partial class PlatformTests
{
    // May ask which system this is.
    private static readonly string[] s_ask =
    [
        "src/Tarn/Platform/HostPlatform.cs",
        // Whose files are the user's own is known on Linux only: no cache elsewhere.
        "src/Tarn/Modules/CachedModules.cs",
        // Only asks how the processor is to be asked.
        "src/Tarn/Execution/X64/Processor.cs",
        // Host directories and streams.
        "src/Tarn.Wasi/WasiOptions.cs",
        "src/Tarn.Wasi/WasiPreopen.cs",
        "src/Tarn.Wasi/Preview2/Sockets/SocketOptions.cs",
        "src/Tarn.Wasi/Host/SystemRandom.cs",
    ];

    // May call a function of the system.
    private static readonly string[] s_call = ["src/Tarn/Platform/Linux/", "src/Tarn/Platform/Windows/", "src/Tarn.Wasi/Host/", "src/Tarn/Caching/FileOwner.cs", "src/Tarn.Cli/"];

    // May name a system's folder.
    private static readonly string[] s_name = ["src/Tarn/Platform/Linux/", "src/Tarn/Platform/Windows/", "src/Tarn/Platform/HostPlatform.cs", "src/Tarn/Execution/X64/X64MachineStubs.cs"];

    [Fact]
    public void Only_listed_files_ask_which_operating_system_this_is() => Check(Asks(), [.. s_ask, "src/Tarn.Cli/"]);

    [Fact]
    public void Only_an_operating_systems_folder_calls_it() => Check(Calls(), s_call);

    [Fact]
    public void Only_the_choice_names_an_operating_systems_folder() => Check(Names(), s_name);

    private static void Check(Regex pattern, string[] allowed)
    {
        string[] wrong = [.. Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Select(path => (Path: path, Name: Path.GetRelativePath(Repository.Root, path).Replace('\\', '/')))
            .Where(file => !file.Name.Contains("/obj/", StringComparison.Ordinal) && !Array.Exists(allowed, part => file.Name.StartsWith(part, StringComparison.Ordinal)))
            .Where(file => pattern.IsMatch(File.ReadAllText(file.Path)))
            .Select(file => file.Name)
            .Order(StringComparer.Ordinal)];
        Assert.True(wrong.Length == 0, $"{pattern}:\n{string.Join('\n', wrong)}");
    }

    [GeneratedRegex(@"OperatingSystem\.Is|RuntimeInformation\.IsOSPlatform")]
    private static partial Regex Asks();

    [GeneratedRegex(@"\[(LibraryImport|DllImport)")]
    private static partial Regex Calls();

    [GeneratedRegex(@"Platform\.(Linux|Windows)\b|\b(Linux|Windows)\.(Linux|Windows)[A-Z]")]
    private static partial Regex Names();
}

// The process's arguments and variables in all their bytes. The framework hands them over as UTF-16, in which a byte that is not UTF-8 has become U+FFFD: a path that is not there, and
// an argument that another program would have been given. Where one holds that character the kernel is asked for the bytes, which continue as WasiText writes them.
using System.Text;
using Tarn.Wasi;

namespace Tarn.Cli;

internal static class HostText
{
    private const char Replacement = '\uFFFD';

    /// <summary>The arguments with their bytes.</summary>
    public static string[] Restore(string[] arguments)
    {
        if (!OperatingSystem.IsLinux() || !arguments.Any(argument => argument.Contains(Replacement, StringComparison.Ordinal)))
            return arguments;
        // What comes before ours is the executable, or dotnet, its options and the assembly.
        List<byte[]> all = Entries("/proc/self/cmdline");
        if (all.Count < arguments.Length)
            return arguments;
        string[] restored = [.. arguments];
        for (int i = 0; i < restored.Length; i++)
        {
            byte[] bytes = all[all.Count - arguments.Length + i];
            if (restored[i].Contains(Replacement, StringComparison.Ordinal))
                restored[i] = WasiText.FromBytes(bytes);
            else if (!bytes.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(restored[i])))
                return arguments; // These are not our arguments.
        }
        return restored;
    }

    /// <summary>A variable of the process's environment with its bytes; null if it is not set.</summary>
    public static string? Variable(string name)
    {
        string? value = WasiText.IsUnicode(name) ? Environment.GetEnvironmentVariable(name) : null;
        if (!OperatingSystem.IsLinux() || (WasiText.IsUnicode(name) && value?.Contains(Replacement, StringComparison.Ordinal) != true))
            return value;
        byte[] prefix = WasiText.ToBytes(name + "=");
        byte[]? found = Entries("/proc/self/environ").Find(entry => entry.AsSpan().StartsWith(prefix));
        return found is null ? value : WasiText.FromBytes(found.AsSpan(prefix.Length));
    }

    // Texts that each end with a zero.
    private static List<byte[]> Entries(string path)
    {
        List<byte[]> entries = [];
        ReadOnlySpan<byte> rest = ModuleInput.ReadWhole(path);
        while (rest.IndexOf((byte)0) is >= 0 and int end)
        {
            entries.Add(rest[..end].ToArray());
            rest = rest[(end + 1)..];
        }
        return entries;
    }
}

// Builds and starts bench/native/driver.c: a program of a few hundred lines around one call of run(n), natively, or under callgrind, which counts the
// instructions of that call. A count does not drift with the machine's load, so a change of one in a thousand can be told.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Tarn.Bench.Count;

internal sealed class NativeDriver
{
    private readonly string _driver;
    private readonly string _folder;

    private NativeDriver(string driver, string folder) => (_driver, _folder) = (driver, folder);

    /// <summary>Where images and counts are written.</summary>
    public string Folder => _folder;

    /// <summary>Builds the driver; null where there is no C compiler or no valgrind.</summary>
    public static NativeDriver? TryBuild()
    {
        string folder = Path.Combine(Path.GetTempPath(), "tarn-bench-count");
        Directory.CreateDirectory(folder);
        string driver = Path.Combine(folder, "driver");
        try
        {
            return Execute("cc", ["-O2", "-o", driver, Source(), "-ldl"], out _) == 0 && Execute("valgrind", ["--version"], out _) == 0 ? new NativeDriver(driver, folder) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Runs the driver under callgrind.</summary>
    /// <returns>Checksum, instructions executed in run(n), and the file with the count of each instruction.</returns>
    public (ulong Checksum, long Instructions, string File) Count(string engine, string program, uint n)
    {
        string file = Path.Combine(_folder, $"{Path.GetFileNameWithoutExtension(program)}.{engine}.callgrind");
        int status = Execute(
            "valgrind",
            ["--tool=callgrind", "--instr-atstart=no", "--dump-instr=yes", "--compress-pos=no", "--compress-strings=no", $"--callgrind-out-file={file}", _driver, engine, program, n.ToString(CultureInfo.InvariantCulture)],
            out string output);
        if (status != 0)
            throw new InvalidOperationException($"driver {engine} {program} {n} ended with {status}: {output}");
        long count = 0;
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith("totals:", StringComparison.Ordinal) || line.StartsWith("summary:", StringComparison.Ordinal))
                count = Math.Max(count, long.Parse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim(), CultureInfo.InvariantCulture));
        }

        return (ulong.Parse(output.Split(' ')[0], CultureInfo.InvariantCulture), count, file);
    }

    /// <summary>How often each address was executed, out of a file that <see cref="Count"/> left.</summary>
    public static Dictionary<ulong, long> Addresses(string file)
    {
        Dictionary<ulong, long> counts = [];
        bool inclusive = false;
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith("calls=", StringComparison.Ordinal))
            {
                inclusive = true; // the next line is the cost of the callee
                continue;
            }

            if (!line.StartsWith("0x", StringComparison.Ordinal))
                continue;
            string[] parts = line.Split(' ');
            if (!inclusive && parts.Length == 3)
            {
                ulong address = ulong.Parse(parts[0].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                counts[address] = counts.GetValueOrDefault(address) + long.Parse(parts[2], CultureInfo.InvariantCulture);
            }

            inclusive = false;
        }

        return counts;
    }

    private static string Source([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "native", "driver.c"));

    private static int Execute(string program, string[] arguments, out string output)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        string wasmtime = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libwasmtime.so");
        start.Environment["TARN_BENCH_LIBWASMTIME"] = File.Exists(wasmtime) ? wasmtime : Path.Combine(AppContext.BaseDirectory, "libwasmtime.so");
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            output += errors.Result;
        return process.ExitCode;
    }
}

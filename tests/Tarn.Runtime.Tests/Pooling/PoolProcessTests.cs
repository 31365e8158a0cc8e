// The pools in small quarters: a process with the memory of a 512 MiB container, and processes whose address space the system limits. Each is a process of its own
// (Tarn.MachineChecks --pools), since limits hold for whole processes and running into one must not harm the tests.
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Tarn.Runtime.Tests.Pooling;

[Collection(ProcessWideCollection.Name)]
public sealed class PoolProcessTests
{
    private const long Kibi = 1 << 10;
    private const long Mebi = 1 << 20;
    private const long Gibi = 1 << 30;

    [Fact]
    public async Task The_defaults_work_in_the_memory_of_a_container_of_512_MiB()
    {
        // Three quarters of it are what .NET takes as its heap's limit in such a container. What else is resident is measured at its peak, page tables included.
        (int exit, string output) = await RunAsync(null, heapLimit: 384 * Mebi, "default-pools");
        Assert.True(exit == 0, output);
        long resident = Kilobytes(output, "VmHWM") + Kilobytes(output, "VmPTE");
        TestContext.Current.TestOutputHelper?.WriteLine($"{resident / Mebi} MiB at the peak");
        Assert.InRange(resident, 20 * Mebi, 512 * Mebi);
    }

    [Fact]
    public async Task The_defaults_work_where_the_kernel_allows_a_group_of_processes_512_MiB()
    {
        // The real thing, where a test may make a control group; .NET sees it and limits its heap by itself.
        const string firstVersion = "/sys/fs/cgroup/memory";
        bool isFirst = Directory.Exists(firstVersion);
        string group = Path.Combine(isFirst ? firstVersion : "/sys/fs/cgroup", "tarn-pool-test");
        string limit = Path.Combine(group, isFirst ? "memory.limit_in_bytes" : "memory.max");
        try
        {
            Directory.CreateDirectory(group);
            Assert.SkipUnless(File.Exists(limit), "the system has no control groups for memory that can be divided here");
            await File.WriteAllTextAsync(limit, (512 * Mebi).ToString(CultureInfo.InvariantCulture), TestContext.Current.CancellationToken);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            Assert.Skip($"no control group can be made here: {e.Message}");
        }

        try
        {
            (int exit, string output) = await RunAsync(heapLimit: null, $"echo $$ > {group}/cgroup.procs; ", ["default-pools"]);
            Assert.True(exit == 0, output);
            Assert.InRange(Kilobytes(output, "VmHWM"), 20 * Mebi, 512 * Mebi);
            string peak = Path.Combine(group, isFirst ? "memory.max_usage_in_bytes" : "memory.peak");
            if (File.Exists(peak))
                TestContext.Current.TestOutputHelper?.WriteLine($"{long.Parse(await File.ReadAllTextAsync(peak, TestContext.Current.CancellationToken), CultureInfo.InvariantCulture) / Mebi} MiB at the peak");
        }
        finally
        {
            Directory.Delete(group);
        }
    }

    [Theory]
    // Guarded: a slot is 4 GiB and a guard.
    [InlineData(5, MemoryStrategy.Guarded, 1000, 1 << 20, 160, 10_000, "memory")]
    [InlineData(64, MemoryStrategy.Guarded, 1000, 1 << 20, 160, 10_000, "memory")]
    [InlineData(300, MemoryStrategy.Guarded, 1000, 4096, 1, 10, "memory")]
    // Checked, with slots so large that what the process takes meanwhile makes no difference.
    [InlineData(64, MemoryStrategy.Checked, 1000, 1 << 20, 16384, 10_000, "memory")]
    // Each of the other pools is the one that does not fit; the count has to suit them all.
    [InlineData(24, MemoryStrategy.Checked, 1000, 256 << 20, 1, 10, "instance")]
    [InlineData(24, MemoryStrategy.Checked, 1000, 4096, 1, 50_000_000, "table")]
    public async Task Where_the_system_limits_address_space_the_error_names_a_count_that_works(
        int gibibytes, MemoryStrategy strategy, int count, int size, int pages, int elements, string pool)
    {
        // Without a limit of its own .NET's heap would take most of the address space there is.
        (int exit, string output) = await RunAsync(gibibytes * Gibi, heapLimit: 256 * Mebi, "largest-count", strategy.ToString(), Text(count), Text(size), Text(pages), Text(elements));
        Assert.True(exit == 0, output);
        Match refused = Regex.Match(output, @"^refused (\w+) (\d+) (\d+)$", RegexOptions.Multiline);
        Assert.True(refused.Success, output);
        Assert.Equal(pool, refused.Groups[1].Value);
        int largest = int.Parse(refused.Groups[3].Value, CultureInfo.InvariantCulture);
        Assert.Contains($"the largest InstanceLimits.Count that fits now is {largest}", output, StringComparison.Ordinal);
        // It had to live with its process; at most as many as the limit holds.
        ulong each = ulong.Parse(refused.Groups[2].Value, CultureInfo.InvariantCulture) / (ulong)count;
        Assert.InRange(largest, gibibytes == 5 ? 0 : 1, (int)((ulong)(gibibytes * Gibi) / each));
        if (largest != 0)
            Assert.Contains("all work, and one more is refused", output, StringComparison.Ordinal);
    }

    // The CLR itself takes more than a gibibyte, and its heap half of what there is unless it is told how large it may be. A native program needs less: MachineCheckTests.
    [Theory]
    [InlineData(1536, 64 * Mebi)]
    [InlineData(3 * 1024, null)]
    [InlineData(12 * 1024, null)]
    public async Task A_small_program_runs_in_little_address_space(long mebibytes, long? heapLimit)
    {
        (int exit, string output) = await RunAsync(mebibytes * Mebi, heapLimit, "small");
        Assert.True(exit == 0, output);
        Match made = Regex.Match(output, @"^code (\d+), memory (\d+)$", RegexOptions.Multiline);
        Assert.True(made.Success, output);
        Assert.InRange(long.Parse(made.Groups[1].Value, CultureInfo.InvariantCulture), 4 * Mebi, mebibytes * Mebi / 16);
    }

    private static long Kilobytes(string output, string name) =>
        long.Parse(Regex.Match(output, name + @":\s*(\d+) kB").Groups[1].Value, CultureInfo.InvariantCulture) * Kibi;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Task<(int Exit, string Output)> RunAsync(long? addressSpace, long? heapLimit, params string[] arguments) =>
        // In KiB.
        RunAsync(heapLimit, addressSpace is long bytes ? $"ulimit -v {(bytes / Kibi).ToString(CultureInfo.InvariantCulture)}; " : "", arguments);

    // The shell does what comes before, and becomes the program.
    private static async Task<(int Exit, string Output)> RunAsync(long? heapLimit, string before, string[] arguments)
    {
        // …/bin/PROJECT/CONFIGURATION/
        string here = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string program = Path.Combine(here, "..", "..", "Tarn.MachineChecks", Path.GetFileName(here), "Tarn.MachineChecks");
        Assert.True(File.Exists(program), $"{program} was not built");
        ProcessStartInfo start = new("/bin/sh", ["-c", before + "exec \"$0\" --pools \"$@\"", program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (heapLimit is long heap)
            start.Environment["DOTNET_GCHeapHardLimit"] = heap.ToString("X", CultureInfo.InvariantCulture);
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors);
    }
}

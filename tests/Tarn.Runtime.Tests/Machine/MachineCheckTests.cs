// Runs the machine layer's checks (shared with the program Tarn.MachineChecks) on the CLR, and that program published with NativeAOT.
using System.Diagnostics;
using System.Reflection;
using Tarn.Assembler.X64;
using Tarn.Execution.X64;
using Tarn.MachineChecks;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.Machine;

public sealed class MachineCheckTests
{
    public static TheoryData<string> Names => new(AllChecks.List.Select(check => check.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Check_passes(string name) => AllChecks.List.Single(check => check.Name == name).Run();

    [Fact]
    public void Every_check_is_listed()
    {
        IEnumerable<string> methods = new[] { typeof(ProcessorChecks), typeof(CallChecks), typeof(SuspensionChecks), typeof(FaultChecks), typeof(ConcurrencyChecks) }
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType == typeof(void) && method.GetParameters().Length == 0)
            .Select(method => method.Name);
        Assert.Equal(methods.Order(), AllChecks.List.Select(check => check.Name).Order());
    }

    [Fact]
    public void The_CLR_says_of_the_processor_what_it_says_of_itself() => Assert.Equal(CpuFeatureDetector.Detect(), Processor.Features);

    [Fact]
    public async Task Checks_pass_in_a_native_program()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("TARN_AOT_TESTS") is string wanted ? wanted == "1" : Repository.ContinuousIntegration,
            "publishing with NativeAOT takes a minute and a C toolchain: set TARN_AOT_TESTS=1, or CI=true");
        string project = Repository.PathOf("tests", "Tarn.MachineChecks");
        string output = Path.Combine(Path.GetTempPath(), $"tarn-machine-checks-{Environment.ProcessId}");
        try
        {
            await RunAsync("dotnet", "publish", project, "-c", "Release", "-r", "linux-x64", "-o", output, "-v", "q", "-nologo");
            await RunAsync(Path.Combine(output, "Tarn.MachineChecks"));

            // The native program asks the processor and not its compiler: the same features, the same bytes.
            Assert.Equal(ProcessorChecks.DescribeCode(), (await RunAsync(Path.Combine(output, "Tarn.MachineChecks"), "--code")).Trim());
        }
        finally
        {
            if (Directory.Exists(output))
                Directory.Delete(output, recursive: true);
        }
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} exited with {process.ExitCode}:\n{output}\n{await errors}");
        return output;
    }
}

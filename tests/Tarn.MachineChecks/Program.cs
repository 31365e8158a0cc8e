// Runs every check and says which failed. Exit code 0: all passed.
// Arguments: none for all checks, or parts of names; --list prints the names; --code prints what code depends on the processor; --pools and more: see PoolProcess; --portable: see PortableProcess.
using System.Diagnostics;
using Tarn.MachineChecks;

if (args is ["--list"])
{
    foreach ((string name, _) in AllChecks.List)
        Console.WriteLine(name);
    return 0;
}

if (args is ["--code"])
{
    Console.WriteLine(ProcessorChecks.DescribeCode());
    return 0;
}

if (args is ["--pools", ..])
    return PoolProcess.Run(args.AsSpan(1));

if (args is ["--portable"])
    return await PortableProcess.RunAsync();

int failed = 0;
int run = 0;
foreach ((string name, Action check) in AllChecks.List)
{
    if (args.Length != 0 && !Array.Exists(args, part => name.Contains(part, StringComparison.OrdinalIgnoreCase)))
        continue;
    run++;
    long start = Stopwatch.GetTimestamp();
    try
    {
        check();
        Console.WriteLine($"ok    {name} ({Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms)");
    }
    catch (Exception error)
    {
        failed++;
        Console.WriteLine($"FAIL  {name}: {error}");
    }
}

Console.WriteLine($"{run} run, {failed} failed");
return failed == 0 && run != 0 ? 0 : 1;

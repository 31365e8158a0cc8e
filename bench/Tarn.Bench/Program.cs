// Entry point of the benchmarks: one verb for each, in a file of its own that holds an IBenchmark. Timed things live here and never in the tests.
// To add one: write the file and name it in the list below.
using Tarn.Bench;
using Tarn.Bench.Cluster;
using Tarn.Bench.Compile;
using Tarn.Bench.Components;
using Tarn.Bench.Count;
using Tarn.Bench.Density;
using Tarn.Bench.Execute;
using Tarn.Bench.Instantiate;
using Tarn.Bench.Neighbours;
using Tarn.Bench.Real;
using Tarn.Bench.Startup;
using Tarn.Bench.Threads;
using Tarn.Bench.Wasi;

List<IBenchmark> benchmarks =
[
    new ClockBenchmark(), new ExecuteBenchmark(), ExecuteBenchmark.Vectors(), ExecuteBenchmark.Objects(), ExceptionCases.Benchmark(), AllocationCases.Benchmark(), new InterruptionBenchmark(), new RealBenchmark(), new CompileBenchmark(), new ColdBenchmark(), new CountBenchmark(),
    new ProfileBenchmark(), new CallsBenchmark(), new InstantiateBenchmark(), new NeighboursBenchmark(), new DensityBenchmark(), new ValidateBenchmark(), new OptimizeBenchmark(),
    new AssemblerBenchmark(), new StartupBenchmark(), new WasiBenchmark(), new ThreadsBenchmark(), new ComponentsBenchmark(), new ClusterBenchmark(),
];
benchmarks.Add(new AllBenchmark(benchmarks));

if (args is [] or ["--help"] or ["-h"] or ["help"])
{
    Console.WriteLine("dotnet run -c Release --project bench/Tarn.Bench -- VERB [ARGUMENT…] [--rounds=N] [--markdown=FILE]\n");
    foreach (IBenchmark benchmark in benchmarks)
        Console.WriteLine($"  {benchmark.Verb,-12} {benchmark.Summary}");
    Console.WriteLine("\nEach verb runs its contenders interleaved in one process and prints medians, spread and ratios.");
    return args is [] ? 1 : 0;
}

if (benchmarks.Find(candidate => candidate.Verb == args[0]) is not { } chosen)
{
    Console.Error.WriteLine($"There is no benchmark called {args[0]}; there are: {string.Join(", ", benchmarks.Select(b => b.Verb))}.");
    return 1;
}

#if DEBUG
Console.Error.WriteLine("This is a Debug build: its figures mean nothing. Use `dotnet run -c Release`.");
#endif
try
{
    return chosen.Run(BenchmarkArguments.Parse(args.AsSpan(1)));
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

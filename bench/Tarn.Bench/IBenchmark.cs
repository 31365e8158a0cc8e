// The shape of one verb of the benchmark program.
namespace Tarn.Bench;

internal interface IBenchmark
{
    /// <summary>The word on the command line.</summary>
    string Verb { get; }

    /// <summary>One line for the help: what is compared with what, in which unit.</summary>
    string Summary { get; }

    /// <summary>Runs, prints its table, returns the exit status.</summary>
    int Run(BenchmarkArguments arguments);
}

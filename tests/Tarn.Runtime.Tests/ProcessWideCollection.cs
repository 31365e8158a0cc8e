// Tests that measure the whole process, its mappings and memory: nothing else may run at the same time.
namespace Tarn.Runtime.Tests;

[CollectionDefinition(Name, DisableParallelization = true)]
#pragma warning disable CA1711 // It is what xunit calls it.
public sealed class ProcessWideCollection
#pragma warning restore CA1711
{
    public const string Name = "process-wide";
}

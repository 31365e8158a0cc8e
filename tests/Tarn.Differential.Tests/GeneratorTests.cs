// The generator itself: what it makes must be valid, and the same for the same seed.
namespace Tarn.Differential.Tests;

public sealed class GeneratorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_module_is_valid_and_ends_in_the_reference_engine(bool vectors)
    {
        using var peer = new WasmtimePeer();
        int traps = 0, lines = 0;
        for (int seed = 0; seed < 100; seed++)
        {
            var generator = new ModuleGenerator(seed, vectors);
            string seen = peer.Run(seed, generator.Generate(), generator);
            traps += seen.Split('\n').Count(l => l.Contains("trap", StringComparison.Ordinal));
            lines += seen.Split('\n').Length;
        }

        // A generator whose guests nearly all trap at once would test nothing.
        Assert.True(traps < lines / 3, $"{traps} of {lines} lines are traps");
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes() => Assert.Equal(new ModuleGenerator(7).Generate(), new ModuleGenerator(7).Generate());
}

// The public surface of each assembly, listed in tests/Tarn.Architecture.Tests/PublicApi/NAME.txt. What an embedder can see changes only by a reviewed diff:
// TARN_BLESS=1 rewrites the lists.
using System.Reflection;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

/// <summary>Nothing becomes public, changes shape or vanishes by accident.</summary>
public sealed class PublicApiTests
{
    [Theory]
    [InlineData("Tarn.Wasm")]
    [InlineData("Tarn.Assembler")]
    [InlineData("Tarn.Compiler")]
    [InlineData("Tarn")]
    [InlineData("Tarn.Wasi")]
    [InlineData("Tarn.AspNetCore")]
    [InlineData("Tarn.Orleans")]
    [InlineData("Tarn.Components")]
    public void The_public_surface_is_as_listed(string name) =>
        GoldenFile.Check($"tests/Tarn.Architecture.Tests/PublicApi/{name}.txt", PublicApi.Describe(Assembly.Load(name)));

    [Theory]
    [InlineData("Tarn.Assembler")]
    [InlineData("Tarn.Compiler")]
    [InlineData("Tarn.Wast")]
    public void Inner_layers_show_nothing(string name) => Assert.Empty(Assembly.Load(name).GetExportedTypes());
}

// The grammar of names of imports and exports, and of the versions in them.
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Tests.Components;

public sealed class ComponentNameTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("a-1-B2-c", true)]
    [InlineData("[constructor]a", true)]
    [InlineData("[method]a.b-c", true)]
    [InlineData("[static]a.b", true)]
    [InlineData("a:b/c", true)]
    [InlineData("wasi:http/types@0.2.12", true)]
    [InlineData("", false)]
    [InlineData("1a", false)]
    [InlineData("a--b", false)]
    [InlineData("a-", false)]
    [InlineData("aB", false)]
    [InlineData("[method]a", false)]
    [InlineData("[other]a", false)]
    [InlineData("A:b/c", false)]
    [InlineData("a:b", false)]
    [InlineData("a:b/c/d", false)]
    [InlineData("url=<x", false)]
    public void Names_follow_the_grammar(string name, bool isValid) => Assert.Equal(isValid, ComponentName.Parse(name, WasmFeatures.Wasm3, out _) is null);

    [Theory]
    [InlineData("1.2.3", true)]
    [InlineData("0.0.0-a.1+b.02", true)]
    [InlineData("1.2", false)]
    [InlineData("01.2.3", false)]
    [InlineData("1.2.3-01", false)]
    [InlineData("1.2.3-", false)]
    [InlineData("1.2.3+a_b", false)]
    [InlineData("99999999999999999999.0.0", false)]
    public void Versions_follow_the_grammar(string version, bool isValid) => Assert.Equal(isValid, SemanticVersion.Parse(version, out _) is null);
}

// Holds the layers of docs/architecture.md against the assemblies as built: dependencies point downward only.
// If this fails, a project reference was added that the design does not know; change the design first, or the code.
using System.Reflection;

namespace Tarn.Architecture.Tests;

/// <summary>The edges between the product's assemblies are exactly those that the design allows.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Tarn.Wasm"] = [],
        ["Tarn.Assembler"] = [],
        ["Tarn.Compiler"] = ["Tarn.Wasm", "Tarn.Assembler"],
        ["Tarn"] = ["Tarn.Compiler", "Tarn.Assembler", "Tarn.Wasm"],
        ["Tarn.Wasi"] = ["Tarn", "Tarn.Components"],
        ["Tarn.AspNetCore"] = ["Tarn", "Tarn.Components", "Tarn.Wasi"],
        ["Tarn.Orleans"] = ["Tarn", "Tarn.Components", "Tarn.Wasi", "Tarn.Wasm"],
        ["Tarn.Components"] = ["Tarn", "Tarn.Wasm"],
        ["Tarn.Wast"] = ["Tarn", "Tarn.Wasm"],
        ["Tarn.Cli"] = ["Tarn.Wasi", "Tarn.Components", "Tarn.Wast", "Tarn", "Tarn.Compiler", "Tarn.Wasm"],
    };

    public static TheoryData<string> Assemblies => new(s_allowed.Keys);

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Project_references_point_downward_only(string name)
    {
        Assembly assembly = Assembly.Load(name);
        IEnumerable<string> ours = assembly.GetReferencedAssemblies().Select(a => a.Name!).Where(n => n.StartsWith("Tarn", StringComparison.OrdinalIgnoreCase));
        Assert.All(ours, reference => Assert.Contains(reference, s_allowed[name]));
    }

    [Theory]
    [InlineData("Tarn.Wasm")]
    [InlineData("Tarn.Assembler")]
    [InlineData("Tarn.Compiler")]
    [InlineData("Tarn")]
    [InlineData("Tarn.Wasi")]
    [InlineData("Tarn.Components")]
    [InlineData("Tarn.Wast")]
    public void The_core_depends_on_the_framework_alone(string name)
    {
        IEnumerable<string> foreign = Assembly.Load(name).GetReferencedAssemblies().Select(a => a.Name!)
            .Where(n => !n.StartsWith("System", StringComparison.Ordinal) && !n.StartsWith("Tarn", StringComparison.Ordinal));
        Assert.Empty(foreign);
    }
}

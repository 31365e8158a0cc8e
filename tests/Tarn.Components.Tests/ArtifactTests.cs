// Compiled components as bytes: they load and run as what they were made of, and what is damaged, of other options, or put together of two is refused with a typed error.
namespace Tarn.Components.Tests;

public sealed class ArtifactTests
{
    private const string Text = """
        (component
          (component $Inner
            (core module $m (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 40))))
            (core instance $i (instantiate $m))
            (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))
          (instance $a (instantiate $Inner))
          (instance $b (instantiate $Inner))
          (core module $other (func (export "run") (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1))))
          (core instance $o (instantiate $other))
          (func $f (param "x" u32) (result u32) (canon lift (core func $o "run")))
          (export "a" (func $a "run"))
          (export "b" (func $b "run"))
          (export "c" (func $f)))
        """;

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void A_component_is_loaded_as_it_was(AllocationStrategy strategy)
    {
        byte[] artifact = Make();
        using Engine engine = new(new EngineOptions { AllocationStrategy = strategy });
        using Component component = Component.Deserialize(engine, artifact);
        ComponentTemplate template = new ComponentLinker(engine).Prepare(component);
        for (int i = 0; i < 3; i++)
        {
            using ComponentInstance instance = template.Instantiate();
            Assert.Equal([42U, 42U, 1U], new[] { "a", "b", "c" }.Select(name => instance.GetFunction(name).Invoke(ComponentValue.FromUInt32(2))!.AsUInt32()));
        }

        Assert.Equal(artifact, component.Serialize());
        Assert.Equal(["a", "b", "c"], component.Exports.Select(export => export.Name));
    }

    [Fact]
    public void A_damaged_artifact_is_refused()
    {
        byte[] artifact = Make();
        using Engine engine = Guests.CreateEngine();
        for (int length = 0; length < artifact.Length; length += 1 + (length / 8))
            Assert.Throws<IncompatibleArtifactException>(() => Component.Deserialize(engine, artifact.AsSpan(0, length)));
        Random random = new(1);
        for (int i = 0; i < 200; i++)
        {
            byte[] damaged = [.. artifact];
            damaged[i < 60 ? i : random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<IncompatibleArtifactException>(() => Component.Deserialize(engine, damaged));
        }
    }

    [Fact]
    public void An_artifact_of_other_options_or_other_modules_is_refused()
    {
        byte[] artifact = Make();
        using Engine fueled = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, EnableFuel = true });
        Assert.Throws<IncompatibleArtifactException>(() => Component.Deserialize(fueled, artifact));

        // The code of one module in the place of another, with a right hash.
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.Deserialize(engine, artifact);
        (Range bytes, _) = ComponentArtifact.Read(artifact);
        byte[] swapped = ComponentArtifact.Write(artifact.AsSpan(bytes), [component.Modules[1], component.Modules[0]]);
        IncompatibleArtifactException error = Assert.Throws<IncompatibleArtifactException>(() => Component.Deserialize(engine, swapped));
        Assert.Contains("another core module", error.Message, StringComparison.Ordinal);
        byte[] shorter = ComponentArtifact.Write(artifact.AsSpan(bytes), [component.Modules[0]]);
        Assert.Throws<IncompatibleArtifactException>(() => Component.Deserialize(engine, shorter));
    }

    private static byte[] Make()
    {
        using Engine engine = Guests.CreateEngine();
        using Component component = Component.FromText(engine, Text);
        return component.Serialize();
    }
}

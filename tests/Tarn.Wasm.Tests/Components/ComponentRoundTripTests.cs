// Printing and parsing are each other's inverse: a component from text comes back byte by byte.
using System.Text;
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Tests.Components;

public sealed class ComponentRoundTripTests
{
    public static TheoryData<int> Samples => [.. Enumerable.Range(0, ComponentSamples.Texts.Length)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_component_from_text_comes_back_byte_by_byte(int index)
    {
        byte[] binary = ComponentSamples.Binary(ComponentSamples.Texts[index]);
        ComponentSamples.Validate(binary);
        byte[] text = ComponentPrinter.Print(WasmComponent.Decode(binary));
        Assert.Equal(binary, ComponentParser.Parse(text));
    }

    [Fact]
    public void Custom_sections_and_names_of_modules_are_kept()
    {
        byte[] binary = ComponentSamples.Binary("""(component (@custom "x" "\01\02") (core module $a (@name "other") (func)) (@custom "y" ""))""");
        byte[] text = ComponentPrinter.Print(WasmComponent.Decode(binary));
        Assert.Equal(binary, ComponentParser.Parse(text));
        Assert.Contains("(@custom \"x\" \"\\01\\02\")", Encoding.UTF8.GetString(text), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_the_parser_would_not_write_are_kept_as_they_are()
    {
        // The section stands before the end, so that it is none that the parser writes.
        byte[] plain = ComponentSamples.Binary("(component $n (type $t u8))");
        int section = plain.AsSpan().LastIndexOf("component-name"u8) - 3;
        byte[] moved = [.. plain[..8], .. plain[section..], .. plain[8..section]];
        byte[] text = ComponentPrinter.Print(WasmComponent.Decode(moved));
        Assert.Contains("@custom", Encoding.UTF8.GetString(text), StringComparison.Ordinal);
        Assert.Equal(moved, ComponentParser.Parse(text));
    }
}

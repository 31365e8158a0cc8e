// Printing and parsing are each other's inverse: a component from text comes back byte by byte; one from elsewhere, whose sections may be cut in another way, as the same text.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;

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

    [Fact]
    public void Every_component_of_the_suite_prints_and_parses_to_what_it_was()
    {
        Assert.SkipWhen(ComponentSuite.Skipped, ComponentSuite.Absence);
        int count = 0;
        foreach (string path in ComponentSuite.Scripts("reference").Concat(ComponentSuite.Scripts("wasm-tools/component-model")))
        {
            byte[] source = File.ReadAllBytes(Path.Combine(ComponentSuite.RequiredFolder, path));
            ComponentScriptOptions options = ComponentScriptOptions.For(path, source);
            foreach (ComponentCommand command in ComponentScriptParser.Parse(source, path))
            {
                if (command.Source is not { IsModule: false } component || !TryDecode(component, options, out WasmComponent? decoded))
                    continue;
                byte[] text = ComponentPrinter.Print(decoded!);
                byte[] binary = ComponentParser.Parse(text);
                byte[] again = ComponentPrinter.Print(WasmComponent.Decode(binary, options.Features));
                Assert.True(text.AsSpan().SequenceEqual(again), $"{path}:{command.Line} prints differently the second time");
                if (component.IsText)
                    Assert.True(decoded!.Bytes.Span.SequenceEqual(binary), $"{path}:{command.Line} came back with other bytes");
                count++;
            }
        }

        Assert.True(count > 1000, $"only {count} components were tried");
    }

    private static bool TryDecode(ComponentSource source, ComponentScriptOptions options, out WasmComponent? component)
    {
        component = null;
        try
        {
            component = WasmComponent.Decode(source.ToBinary(new WatOptions { Features = options.Features }, options.IsLenient), options.Features);
            return true;
        }
        catch (WasmException)
        {
            return false;
        }
    }
}

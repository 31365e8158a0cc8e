// Printing and parsing are each other's inverse, for every component of the suite: one from text comes back byte by byte; one from elsewhere, whose sections may be cut in another way, as the
// same text.
using Tarn.TestSupport;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;
using Tarn.Wast.Components;

namespace Tarn.Spec.Tests.Components;

public sealed class ComponentRoundTripTests
{
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

// Components that ask for more than they are: nesting without end, types that double with each line, counts that no bytes follow. Each is refused with a typed error, and soon.
using System.Diagnostics;
using System.Text;
using Tarn.Wasm.Component;

namespace Tarn.Wasm.Tests.Components;

public sealed class ComponentLimitTests
{
    [Fact]
    public void Nested_components_are_limited_in_text_and_in_binary()
    {
        Validate(Nested(ComponentLimits.Nesting - 1));
        WasmException error = Assert.ThrowsAny<WasmException>(() => Validate(Nested(5000)));
        Assert.Contains("nesting too deep", error.Message, StringComparison.Ordinal);

        byte[] binary = [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0];
        for (int i = 0; i < 400; i++)
            binary = [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0, 4, .. Leb(binary.Length), .. binary];
        error = Assert.Throws<MalformedModuleException>(() => WasmComponent.Decode(binary));
        Assert.Contains("nesting too deep", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nested_types_are_limited()
    {
        string text = "(component (type " + string.Concat(Enumerable.Repeat("(component (type ", 500)) + "u8" + new string(')', 1002);
        Assert.Contains("nesting too deep", Assert.ThrowsAny<WasmException>(() => Validate(text)).Message, StringComparison.Ordinal);

        StringBuilder lists = new("(component (type $t0 u8)");
        for (int i = 1; i < 1000; i++)
            lists.Append($"(type $t{i} (list $t{i - 1}))");
        Assert.Contains("too deep", Assert.Throws<InvalidModuleException>(() => Validate(lists.Append(')').ToString())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(type $t{0} (tuple $t{1} $t{1}))", "u8")]
    [InlineData("(type $t{0} (instance (alias outer 1 $t{1} (type $x)) (export \"a\" (instance (type $x))) (export \"b\" (instance (type $x)))))", "(instance (export \"r\" (type (sub resource))))")]
    [InlineData("(type $t{0} (component (alias outer 1 $t{1} (type $x)) (import \"a\" (component (type $x))) (export \"b\" (component (type $x)))))", "(component (import \"r\" (type (sub resource))))")]
    public void Types_that_double_with_each_line_are_refused_soon(string line, string first)
    {
        StringBuilder text = new($"(component (type $t0 {first})");
        for (int i = 1; i < 60; i++)
            text.Append(string.Format(null, line.Replace("(", "(", StringComparison.Ordinal), i, i - 1));
        long start = Stopwatch.GetTimestamp();
        Assert.Throws<InvalidModuleException>(() => Validate(text.Append(')').ToString()));
        Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 60, "validation took out of proportion");
    }

    [Fact]
    public void A_count_without_bytes_behind_it_takes_no_memory()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        // A type section that declares a record of 10,000 fields and ends.
        byte[] binary = [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0, 7, 4, 1, 0x72, 0x90, 0x4E];
        Assert.Throws<MalformedModuleException>(() => WasmComponent.Decode(binary));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    [Fact]
    public void Errors_within_a_module_have_the_place_in_the_component()
    {
        byte[] binary = ComponentSamples.Binary("(component (type u8) (core module (func (result i32))))");
        InvalidModuleException error = Assert.Throws<InvalidModuleException>(() => ComponentSamples.Validate(binary));
        Assert.InRange(error.Offset, 20, binary.Length);
    }

    private static string Nested(int depth) => string.Concat(Enumerable.Repeat("(component", depth)) + new string(')', depth);

    private static void Validate(string text) => ComponentSamples.Validate(ComponentSamples.Binary(text), WasmFeatures.All);

    private static byte[] Leb(int value)
    {
        List<byte> bytes = [];
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}

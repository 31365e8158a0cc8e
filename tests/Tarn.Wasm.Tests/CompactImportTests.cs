// Imports in groups (the compact import section): bytes, text, and both ways between them; what is not a group without the feature, or at all.
using System.Text;
using Tarn.Wasm.Text;
using static Tarn.Wasm.Tests.ModuleBuilder;

namespace Tarn.Wasm.Tests;

public sealed class CompactImportTests
{
    private const WasmFeatures Features = WasmFeatures.Wasm3 | WasmFeatures.CompactImports;

    private static WasmModule Decode(byte[] imports, WasmFeatures features = Features) =>
        WasmModule.Decode(new ModuleBuilder().Vector(1, B(0x60, 0, 0)).Vector(2, imports).Build(), features);

    private static byte[] Parse(string text) => WatParser.Parse(Encoding.UTF8.GetBytes(text), options: new WatOptions { Features = Features });

    [Fact]
    public void A_group_has_the_modules_name_in_common()
    {
        WasmModule module = Decode(Concat(Name("a"), Name(""), B(0x7F), Vec(Concat(Name("b"), B(0, 0)), Concat(Name("c"), B(3, 0x7F, 1)))));
        Assert.Equal([new Import("a", "b", ExternalKind.Function, 0), new Import("a", "c", ExternalKind.Global, 0)], module.Imports.ToArray());
        Assert.Equal((1, 1), (module.ImportedFunctionCount, module.ImportedGlobalCount));
    }

    [Fact]
    public void A_group_may_have_the_type_in_common()
    {
        WasmModule module = Decode(Concat(Name("a"), Name(""), B(0x7E), B(3, 0x7E, 0), Vec(Name("b"), Name(""), Name("d"))));
        Assert.Equal([new Import("a", "b", ExternalKind.Global, 0), new Import("a", "", ExternalKind.Global, 1), new Import("a", "d", ExternalKind.Global, 2)], module.Imports.ToArray());
        Assert.Equal(3, module.ImportedGlobalCount);
    }

    [Theory]
    [InlineData("(import \"a\")", 0)]
    [InlineData("(import \"a\" (global i32))", 0)]
    [InlineData("(import \"a\" (item \"b\" (func)) (item \"c\" (func (param i64))))", 2)]
    [InlineData("(import \"a\" (item \"b\") (item \"c\") (item \"d\") (func (result i32)))", 3)]
    [InlineData("(import \"a\" (item \"b\") (memory 1 2)) (import \"a\" \"c\" (table 1 funcref)) (import \"x\" (item \"\" (tag)))", 3)]
    public void Text_and_binary_say_the_same(string fields, int imports)
    {
        byte[] bytes = Parse($"(module {fields})");
        WasmModule module = WasmModule.Decode(bytes, Features);
        Assert.Equal(imports, module.Imports.Length);
        string text = Encoding.UTF8.GetString(WatPrinter.Print(module));
        if (imports > 0)
            Assert.Equal(bytes, Parse(text));
        Assert.Equal(imports, WasmModule.Decode(Parse(text), Features).Imports.Length);
    }

    [Fact]
    public void Indices_count_every_import_of_a_group()
    {
        byte[] bytes = Parse("""
            (module
              (import "a" (item "b") (item "c") (func (result i32)))
              (import "a" (item "x" (global $x i32)) (item "f" (func $f)))
              (import "a" "g" (func $g (param i32)))
              (func $own (call $g (global.get $x)) (call $f) (call $own)))
            """);
        WasmModule module = WasmModule.Decode(bytes, Features);
        Assert.Equal((4, 1), (module.ImportedFunctionCount, module.ImportedGlobalCount));
        Assert.Equal(B(0, 0x23, 0, 0x10, 3, 0x10, 2, 0x10, 4, 0x0B), bytes.AsSpan(module.Bodies[0].Offset, module.Bodies[0].Length).ToArray());
    }

    [Theory]
    [InlineData("(item \"b\") (func $b)", "identifier not allowed")]
    [InlineData("(item \"b\")", "the type that the items share")]
    [InlineData("(item \"b\") (item \"c\" (func))", "items share the type")]
    [InlineData("(item \"b\" (func)) (item \"c\") (func)", "the item's type")]
    [InlineData("(item \"b\" (func)) (func)", ")")]
    [InlineData("(item \"b\") (type (func))", "func, table, memory, global or tag")]
    public void Groups_that_are_none_are_refused(string items, string problem)
    {
        TextFormatException error = Assert.Throws<TextFormatException>(() => Parse($"(module (import \"a\" {items}))"));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_feature_there_are_no_groups()
    {
        byte[] group = Concat(Name("a"), Name(""), B(0x7F), Vec(Concat(Name("b"), B(0, 0))));
        Assert.Contains("malformed import kind 0x7f", Assert.Throws<MalformedModuleException>(() => Decode(group, WasmFeatures.Wasm3)).Message, StringComparison.Ordinal);
        Assert.Contains("a name in quotes", Assert.Throws<TextFormatException>(() => WatParser.Parse("(module (import \"a\" (item \"b\" (func))))"u8, options: new WatOptions { Features = WasmFeatures.Wasm3 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_form_of_a_group_is_one_byte_behind_an_empty_name()
    {
        Assert.Throws<MalformedModuleException>(() => Decode(Concat(Name("a"), Name(""), B(0xFF, 0x80, 0x80, 0x00), Vec(Concat(Name("b"), B(0, 0))))));
        Assert.Throws<MalformedModuleException>(() => Decode(Concat(Name("a"), Name("n"), B(0x7F), Vec(Concat(Name("b"), B(0, 0))))));
        Assert.Throws<MalformedModuleException>(() => Decode(Concat(Name("a"), Name(""), B(0x7E), B(0x7F), Vec(Name("b")))));
    }

    [Fact]
    public void A_group_has_no_more_imports_than_a_module_may_have()
    {
        byte[] names = new byte[ImplementationLimits.Imports + 1];
        byte[] group = Concat(Name("a"), Name(""), B(0x7E, 0, 0), U(names.Length), names);
        Assert.Contains("too many imports", Assert.Throws<MalformedModuleException>(() => Decode(group)).Message, StringComparison.Ordinal);
    }
}

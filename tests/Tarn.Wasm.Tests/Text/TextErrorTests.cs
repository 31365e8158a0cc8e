// The exact wording of errors, with line, column and carets; and that errors come as the typed exception whatever the text.
using System.Text;
using CsCheck;
using Tarn.TestSupport;
using Tarn.Wasm.Text;
using Tarn.Wast;

namespace Tarn.Wasm.Tests.Text;

public sealed class TextErrorTests
{
    [Fact]
    public void Unknown_instruction() => AssertMessage(
        "(module\n  (func $f\n    i32.const 1\n    i32.ad))\n",
        "unknown operator i32.ad (a.wat:4:5)\n  4 |     i32.ad))\n    |     ^^^^^^");

    [Fact]
    public void Columns_count_characters_and_tabs_stay_tabs() => AssertMessage(
        "(module\r\n\t(; größer ;) (func $\"ä\" nop) (func $x (call $y)))",
        "unknown function $y (a.wat:2:46)\n  2 | \t(; größer ;) (func $\"ä\" nop) (func $x (call $y)))\n    | \t                                            ^^");

    [Fact]
    public void Long_lines_are_cut() => AssertMessage(
        "(module (func " + string.Concat(Enumerable.Repeat("nop ", 50)) + "(br $nowhere) " + string.Concat(Enumerable.Repeat("nop ", 50)) + "))",
        "unknown label $nowhere (a.wat:1:219)\n"
        + "  1 | …nop nop nop nop nop nop nop nop nop (br $nowhere) nop nop nop nop nop nop nop nop nop nop nop nop no…\n"
        + "    |                                          ^^^^^^^^");

    [Fact]
    public void Unclosed_parenthesis() => AssertMessage(
        "(module\n  (func (nop)",
        "unexpected token: this parenthesis is never closed (a.wat:2:3)\n  2 |   (func (nop)\n    |   ^");

    [Fact]
    public void Missing_end_names_the_line_that_opened() => AssertMessage(
        "(module (func\n  block\n  nop))",
        "unexpected token ')', expected the end of the block that line 2 opens (a.wat:3:6)\n  3 |   nop))\n    |      ^");

    [Theory]
    [InlineData("(module (func (local $x i32) (local $x i32)))", "duplicate local $x")]
    [InlineData("(module (func $f) (func $f))", "duplicate function $f")]
    [InlineData("(module (func block $a end $b))", "mismatching label $b")]
    [InlineData("(module (func (i32.const 4294967296)))", "i32 constant out of range")]
    [InlineData("(module (func (f32.const 1e39)))", "f32 constant out of range")]
    [InlineData("(module (func (i32.load align=3 (i32.const 0))))", "alignment must be a power of two")]
    [InlineData("(module (start 0) (start 0))", "multiple start sections")]
    [InlineData("(module (type $t (func)) (func (type $t) (param i32)))", "inline function type: parameters and results differ from those of the type that is named")]
    [InlineData("(module (func (if (i32.const 1) (nop))))", "unexpected token ')', expected (then …)")]
    [InlineData("(module (data \"\\zz\"))", "illegal escape in string")]
    [InlineData("(module (data \"abc", "unclosed string")]
    [InlineData("(module (; (; ;)", "unclosed comment")]
    [InlineData("(module (func (type 1) (local $x i32) (drop (local.get $x))) (func (param i32)) (func (param i64)))", "unknown type: it is implicit, and nothing above has added it yet")]
    public void Reasons(string text, string reason) =>
        Assert.Equal(reason, Assert.Throws<TextFormatException>(() => WatParser.Parse(Encoding.UTF8.GetBytes(text))).Reason);

    [Fact]
    public void Nesting_without_bound_is_no_danger()
    {
        const int depth = 40_000;
        byte[] text = Encoding.UTF8.GetBytes("(func " + string.Concat(Enumerable.Repeat("(block (drop ", depth)) + new string(')', 2 * depth) + ")");
        byte[] binary = WatParser.Parse(text);
        foreach (bool folded in new[] { false, true })
            Assert.True(binary.AsSpan().SequenceEqual(WatParser.Parse(WatPrinter.Print(WasmModule.Decode(binary), new WatPrintOptions { Folded = folded }))));
        string comments = string.Concat(Enumerable.Repeat("(;", depth)) + string.Concat(Enumerable.Repeat(";)", depth));
        WatParser.Parse(Encoding.UTF8.GetBytes(comments));
        Assert.Throws<TextFormatException>(() => WatParser.Parse(Encoding.UTF8.GetBytes(new string('(', depth))));
    }

    [Fact]
    public void Mutated_text_ends_in_a_module_or_the_typed_exception()
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        string[] files = ["annotations.wast", "elem.wast", "try_table.wast", "simd_lane.wast", "type-subtyping.wast", "custom/branch_hint.wast", "br_table.wast", "table_init64.wast"];
        byte[][] modules = [.. files.SelectMany(Modules)];
        string[] words = ["(", ")", "\"", "$x", "0", "-1", "end", "else", "(then", "(type 0)", "(param i32)", "(result i32)", "offset=1", "(@name \"n\")", "(;", ";)", "0x1p9", "nan:0x1",
            "(export \"e\")", "(import \"m\" \"n\")", "(data \"x\")", "(elem 0)", "i64", "funcref", "(ref null 0)", "(@custom \"c\")", "(@metadata.code.branch_hint \"\\00\")", "\\u{d800}", "\u00e4"];
        Gen.Select(Gen.Int[0, modules.Length - 1], Gen.Select(Gen.Int[0, 1 << 20], Gen.Int[0, 3], Gen.Int[0, words.Length - 1], Gen.Byte).Array[1, 6]).Sample((which, edits) =>
        {
            List<byte> text = [.. modules[which]];
            foreach ((int position, int edit, int word, byte value) in edits)
            {
                int at = position % (text.Count + 1);
                if (edit == 0)
                    text.RemoveRange(at, Math.Min(text.Count - at, 1 + (value % 8)));
                else if (edit == 1)
                    text.Insert(at, value);
                else
                    text.InsertRange(at, Encoding.UTF8.GetBytes(" " + words[word] + " "));
            }

            byte[] binary, printed;
            try
            {
                binary = WatParser.Parse(text.ToArray());
                printed = WatPrinter.Print(WasmModule.Decode(binary, WasmFeatures.All));
            }
            catch (WasmException)
            {
                // The text's fault, and said so.
                return;
            }

            byte[] again = WatParser.Parse(printed);
            Assert.True(
                binary.AsSpan().SequenceEqual(again),
                $"{Encoding.UTF8.GetString([.. text])}\n--- printed\n{Encoding.UTF8.GetString(printed)}\n--- {Convert.ToHexString(binary)}\n--- {Convert.ToHexString(again)}");
        }, iter: 4_000);
    }

    private static IEnumerable<byte[]> Modules(string file)
    {
        byte[] source = File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, file));
        foreach (ScriptCommand command in ScriptParser.Parse(source, file).Commands)
        {
            if (command.Module is { Form: ScriptModuleForm.Text } module && command.Kind == ScriptCommandKind.Module)
                yield return WatPrinter.Print(WasmModule.Decode(module.ToBinary(), WasmFeatures.All), new WatPrintOptions { Folded = source.Length % 2 == 0 });
        }
    }

    private static void AssertMessage(string text, string expected)
    {
        TextFormatException error = Assert.Throws<TextFormatException>(() => WatParser.Parse(Encoding.UTF8.GetBytes(text), "a.wat"));
        Assert.Equal(expected, error.Message);
    }
}

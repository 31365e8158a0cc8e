// Text to binary to text to binary gives the same bytes, and so does a second print: over every module of the specification's scripts that decodes, flat and
// folded, with and without names.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Text;
using Tarn.Wast;

namespace Tarn.Wasm.Tests.Text;

public sealed class RoundTripTests
{
    private static readonly WatPrintOptions s_folded = new() { Folded = true, IndexComments = false };

    public static TheoryData<string> Scripts() => SpecificationTextTests.Scripts();

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Modules_of_the_suite_survive_printing(string file)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        Script script = ScriptParser.Parse(File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, file)), file);
        List<string> problems = [];
        foreach (ScriptCommand command in script.Commands)
        {
            // Invalid modules are printed as well, as long as they decode and their bodies can be read.
            if (command.Module == null || command.Kind is ScriptCommandKind.AssertMalformed or ScriptCommandKind.AssertMalformedCustom or ScriptCommandKind.AssertInvalidCustom)
                continue;
            byte[] binary = command.Module.ToBinary(new WatOptions { Features = WasmFeatures.All });
            WasmModule module;
            try
            {
                module = WasmModule.Decode(binary, WasmFeatures.All);
            }
            catch (MalformedModuleException e) when (command.Kind == ScriptCommandKind.AssertInvalid)
            {
                // Limits of the implementation are reported while decoding; validation would have refused these all the same.
                Assert.DoesNotContain("unexpected", e.Problem, StringComparison.Ordinal);
                continue;
            }

            string? problem = Check(module, binary, command.Module.Form != ScriptModuleForm.Binary);
            if (problem != null)
                problems.Add($"{file}:{command.Line}: {problem}");
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems.Take(20)));
    }

    [Theory]
    [InlineData("(module)")]
    [InlineData("(module $\"ein \\u{fc}ber Name\\n\" (func $\"a b\") (func $\"ö\" (call $\"a b\")))")]
    [InlineData("(module (func (@name \"\")) (func $f) (func (@name \"f\")) (export \"e\" (func $f)))")]
    [InlineData("(module (func (param $x i32) (param (@name \"x\") i32) (local $y f32) (local f64 f64) (local (@name \"\") i32) local.get $x drop))")]
    [InlineData("(module (func $f block $l block $l br $l br 1 end end loop (@name \"\") end (if $i (i32.const 1) (then (br $i)))))")]
    [InlineData("(module (func (if (block $inner (result i32) (i32.const 1)) (then (block $later)))))")]
    [InlineData("(module (type $s (struct (field $a i8) (field i32 i64) (field $b (mut f32)))) (func (param (ref $s)) (struct.set $s $b (local.get 0) (f32.const -nan:0x1))))")]
    [InlineData("(module (@custom \"a\" (before first) \"\\00\") (@custom \"b\" (after code) \"x\") (@custom \"c\" \"z\") (func) (memory 1) (data (i32.const 0) \"q\"))")]
    [InlineData("(module (@custom \"name\" \"\\01\\ff\") (func $f))")]
    [InlineData("(module (func (param i32) (@metadata.code.branch_hint \"\\01\") (if (local.get 0) (then)) block local.get 0 (@metadata.code.branch_hint \"\\00\") br_if 0 end))")]
    [InlineData("(module (global f32 (f32.const -0)) (global f64 (f64.const 1e-320)) (global f64 (f64.const inf)) (global i32 i32.const 1 i32.const 2 i32.add))")]
    [InlineData("(module (memory 1 2 shared) (memory i64 3) (memory 0 (pagesize 1)) (table i64 1 (ref func) (ref.func 0)) (func))")]
    [InlineData("(module (table 3 funcref) (table 3 anyref) (elem (table 1) (i32.const 0) anyref (ref.null any) (item ref.null none)) (elem (i32.const 0) 0 0) (elem declare func 0) (func))")]
    public void Small_modules_survive_printing(string text)
    {
        byte[] binary = WatParser.Parse(Encoding.UTF8.GetBytes(text));
        Assert.Null(Check(WasmModule.Decode(binary, WasmFeatures.All), binary, exact: true));
    }

    private static string? Check(WasmModule module, byte[] binary, bool exact)
    {
        foreach (WatPrintOptions options in new[] { WatPrintOptions.Default, s_folded })
        {
            byte[] text = WatPrinter.Print(module, options);
            byte[] again;
            try
            {
                again = WatParser.Parse(text);
            }
            catch (TextFormatException e)
            {
                return $"{e.Message}\n{Encoding.UTF8.GetString(text)}";
            }

            // A binary that is not ours may use longer encodings; from its first print on, nothing changes.
            if (exact && !binary.AsSpan().SequenceEqual(again))
                return $"bytes differ:\n{Convert.ToHexString(binary)}\n{Convert.ToHexString(again)}\n{Encoding.UTF8.GetString(text)}";
            byte[] third = WatParser.Parse(WatPrinter.Print(WasmModule.Decode(again, WasmFeatures.All), options));
            if (!again.AsSpan().SequenceEqual(third))
                return $"a second print differs:\n{Convert.ToHexString(again)}\n{Convert.ToHexString(third)}\n{Encoding.UTF8.GetString(text)}";
        }

        return null;
    }

    // A section without contents is not printed: what was behind it is behind the one before it.
    [Theory]
    [InlineData(new byte[] { 11, 1, 0 }, "(@custom \"c\" \"\")")]
    [InlineData(new byte[] { 4, 1, 0 }, "(@custom \"c\" (after memory) \"\")")]
    public void A_custom_section_keeps_its_place_behind_an_empty_section(byte[] empty, string expected)
    {
        byte[] custom = [0, 2, 1, (byte)'c'];
        byte[] memory = [5, 3, 1, 0, 1], export = [7, 5, 1, 1, (byte)'m', 2, 0];
        byte[] header = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0];
        byte[] module = empty[0] == 11 ? [.. header, .. memory, .. export, .. empty, .. custom] : [.. header, .. memory, .. custom, .. export];
        using var first = new MemoryStream();
        WatPrinter.Print(WasmModule.Decode(module), first, WatPrintOptions.Default);
        Assert.Contains(expected, System.Text.Encoding.UTF8.GetString(first.ToArray()), StringComparison.Ordinal);
        using var second = new MemoryStream();
        WatPrinter.Print(WasmModule.Decode(WatParser.Parse(first.ToArray(), "printed")), second, WatPrintOptions.Default);
        Assert.Equal(first.ToArray(), second.ToArray());
    }
}

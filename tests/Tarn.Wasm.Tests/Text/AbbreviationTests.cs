// What the abbreviations of the text format stand for: each small module beside its print, in which every abbreviation is written out.
// Golden file: Golden/abbreviations.wat; TARN_BLESS=1 writes it anew.
using System.Text;
using Tarn.TestSupport;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Tests.Text;

public sealed class AbbreviationTests
{
    private static readonly string[] s_modules =
    [
        "(func (param i32 i32) (param $x f32) (result i64 i64) (local i32) (local $y v128) unreachable)",
        "(func $f (export \"a\") (export \"b\") (import \"m\" \"n\") (param i32))",
        "(memory (import \"m\" \"mem\") 1) (global $g (export \"g\") (import \"m\" \"g\") (mut i32)) (table $t (export \"t\") 1 10 funcref) (tag (export \"e\") (param i32))",
        "(table funcref (elem $f $f)) (table i64 anyref (elem (ref.null any) (ref.i31 (i32.const 1)))) (func $f)",
        "(memory (data \"ab\" \"\\00c\")) (memory i64 (data)) (memory (pagesize 1) (data \"xyz\"))",
        "(table $t 1 funcref) (elem (i32.const 0) $f) (elem $e (table $t) (offset (i32.const 0)) func $f) (elem func $f) (elem declare func $f) (elem funcref (item ref.func $f) (ref.null func)) (func $f)",
        "(memory 1) (data (i32.const 0) \"a\") (data $p \"b\") (data (memory 0) (offset (i32.const 1)) \"c\") (func (memory.init $p (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (type $later)) (func (result i32) i32.const 0) (type $later (func)) (func (result i32) i32.const 1) (func (param f64))",
        "(rec (type $list (sub (struct (field $head i32) (field $tail (ref null $list))))) (type (sub final $list (struct (field i32) (field (ref null $list)) (field i8 (mut i16))))))"
            + " (func (param (ref $list)) (result i32) (struct.get $list $head (local.get 0)))",
        "(func (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))",
        "(func (block $a (loop $b (br $a) (br $b) (br_if 0 (i32.const 1)) (br_table $a $b 0 (i32.const 2)))))",
        "(func block (result i32 i64) i32.const 1 i64.const 2 end drop drop)",
        "(table 1 funcref) (func (call_indirect (param i32) (result i32) (i32.const 1) (i32.const 0)) drop)",
        "(tag $e (param i32)) (func (block $h (result i32) (try_table (catch $e $h) (catch_all 0) (throw $e (i32.const 1))) (i32.const 0)) drop)",
        "(memory 1) (memory $m 1) (func (drop (i32.load offset=4 align=1 (i32.const 0))) (i32.store8 $m (i32.const 0) (i32.const 1)) (memory.copy $m 0 (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(memory 1) (func (drop (v128.load8_lane 3 (i32.const 0) (v128.const f32x4 1 -0 nan inf))) (drop (v128.load16_lane 0 align=1 2 (i32.const 0) (v128.const i64x2 -1 1))))",
        "(func (param anyref) (block (result (ref i31)) (br_on_cast 0 anyref (ref i31) (local.get 0)) (drop) (unreachable)) (drop) (drop (ref.test i31ref (local.get 0))) (drop (ref.cast (ref eq) (local.get 0))))",
        "(func (drop (select (result funcref) (ref.null func) (ref.null nofunc) (i32.const 1))) (drop (select (i32.const 1) (i32.const 2) (i32.const 0))))",
    ];

    [Fact]
    public void Abbreviations_expand()
    {
        StringBuilder text = new();
        foreach (string module in s_modules)
        {
            byte[] binary = WatParser.Parse(Encoding.UTF8.GetBytes(module));
            WasmModule decoded = WasmModule.Decode(binary, WasmFeatures.All);
            text.Append(";; ").Append(module).Append('\n');
            text.Append(Encoding.UTF8.GetString(WatPrinter.Print(decoded)));
            text.Append(";; folded\n").Append(Encoding.UTF8.GetString(WatPrinter.Print(decoded, new WatPrintOptions { Folded = true, IndexComments = false }))).Append('\n');
        }

        GoldenFile.Check("tests/Tarn.Wasm.Tests/Text/Golden/abbreviations.wat", text.ToString());
    }

    [Fact]
    public void Modules_in_binary_and_quoted_form() =>
        Assert.All(
            ["(module binary \"\\00asm\" \"\\01\\00\\00\\00\")", "(module quote \"(module\" \")\")", "(module definition $m)", ""],
            text => Assert.Equal([0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0], WatParser.Parse(Encoding.UTF8.GetBytes(text), options: new WatOptions { EmitNames = false })));
}

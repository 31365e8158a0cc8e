// Valid modules to start from: a few small ones that between them use all of the format and are always here, the C programs of the benchmarks, and every valid
// module of the specification's scripts where these are on the machine.
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;
using Tarn.Wast;

namespace Tarn.TestSupport;

/// <summary>Valid modules.</summary>
public static class ModuleCorpus
{
    private const int LargestModule = 20_000;

    private static readonly string[] s_texts =
    [
        """
        (module $all
          (type $f (func (param i32 i64) (result f64)))
          (rec (type $list (sub (struct (field $next (mut (ref null $list))) (field i8)))) (type $lists (array (mut (ref null $list)))))
          (type $sub (sub final $list (struct (field (mut (ref null $list))) (field i8) (field f32))))
          (import "m" "f" (func $imported (type $f))) (import "m" "g" (global $g i32)) (import "m" "m" (memory $m 1))
          (table $t 2 10 funcref) (table $u i64 1 (ref $lists) (array.new_default $lists (i32.const 3))) (memory $n i64 1 2)
          (tag $e (param i32)) (global $h (mut i64) (i64.add (i64.const 1) (i64.const 2))) (global (ref $f) (ref.func $imported))
          (export "run" (func $run)) (export "n" (memory $n)) (start $begin)
          (elem (table $t) (i32.const 0) func $run $imported) (elem declare func $begin) (elem $p (ref null $list) (ref.null $list) (struct.new_default $sub))
          (data (memory $m) (i32.const 8) "abc") (data $d "\00\01\02")
          (func $run (type $f) (local $i i32) (local v128 (ref null $list))
            (loop $again (block $out (br_if $out (i32.eqz (local.get 0))) (local.set $i (i32.sub (local.get 0) (i32.const 1))) (br_table $again $out (local.get $i))))
            (drop (block $caught (result i32) (try_table (catch $e $caught) (throw $e (i32.const 7))) (i32.const 0)))
            (memory.init $m $d (i32.const 0) (i32.const 0) (i32.const 2)) (i64.store $n offset=70000 (i64.const 0) (local.get 1))
            (drop (call_indirect $t (type $f) (i32.const 1) (i64.const 2) (local.get $i)))
            (if (result f64) (ref.test (ref $sub) (local.get 4)) (then (f64.promote_f32 (struct.get $sub 2 (ref.cast (ref $sub) (local.get 4))))) (else (f64.const -0.5))))
          (func $begin (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.const i64x2 1 2) (v128.load $m (i32.const 0)))) (return_call $begin))
          (@custom "name2" "x"))
        """,
        """
        (module (memory 1 2 shared) (memory 0 (pagesize 1)) (func (export "f") (param i32 i64) (result i64 i64)
          (drop (i32.atomic.rmw.add (local.get 0) (i32.const 1))) (atomic.fence) (i64.mul_wide_u (local.get 1) (i64.const 3))))
        """,
        """
        (module (type $a (array (mut i8))) (func (export "f") (param (ref null $a)) (result i32) (local (ref $a))
          (block $n (local.set 1 (br_on_null $n (local.get 0))) (return (array.get_u $a (local.get 1) (i32.const 0))))
          (block $x (result anyref) (return (i31.get_s (br_on_cast_fail $x anyref (ref i31) (local.get 0))))) (drop) (i32.const 2)))
        """,
    ];

    private static readonly Lazy<byte[][]> s_all = new(() => [.. Find()]);

    /// <summary>All of them, in an order that does not change.</summary>
    public static IReadOnlyList<byte[]> All => s_all.Value;

    private static IEnumerable<byte[]> Find()
    {
        foreach (string text in s_texts)
        {
            byte[] binary = WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(text), "corpus");
            ModuleValidator.Validate(WasmModule.Decode(binary, WasmFeatures.All), new TypeRegistry(), 1);
            yield return binary;
        }

        string[] programs = Directory.GetFiles(Repository.PathOf("bench", "programs", "wasm"), "*.wasm");
        Array.Sort(programs, StringComparer.Ordinal);
        foreach (string program in programs)
            yield return File.ReadAllBytes(program);
        foreach (string script in SpecificationSuite.Scripts())
        {
            foreach (byte[] module in ModulesOf(script))
                yield return module;
        }
    }

    private static IEnumerable<byte[]> ModulesOf(string path)
    {
        ScriptOptions options = ScriptOptions.ForPath(path);
        Script script = ScriptParser.Parse(File.ReadAllBytes(Path.Combine(SpecificationSuite.RequiredFolder, path)), path);
        foreach (ScriptCommand command in script.Commands)
        {
            if (command.Kind is not (ScriptCommandKind.Module or ScriptCommandKind.ModuleDefinition))
                continue;
            byte[] binary = command.Module!.ToBinary(new WatOptions { Features = options.Features });
            ModuleValidator.Validate(WasmModule.Decode(binary, options.Features), new TypeRegistry(), 1);
            if (binary.Length < LargestModule)
                yield return binary;
        }
    }
}

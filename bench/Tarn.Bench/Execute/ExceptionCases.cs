// What exceptions cost beside Wasmtime and V8: thrown and caught one frame and ten frames up, caught for its reference and thrown again, and what a try_table costs where nothing is
// thrown, which is the same loop of calls with and without one. Every contender runs the same module, one export a case, and results must be equal.
using System.Globalization;
using Tarn.Wasm.Text;

namespace Tarn.Bench.Execute;

/// <summary>The verb <c>exceptions</c>.</summary>
internal static class ExceptionCases
{
    private const string Thrower = """
          (tag $e (param i32))
          (func $f0 (param i32) (throw $e (local.get 0)))
        """;

    // Each frame has something to do after its call, so that none of them is a tail call in disguise.
    private static string Frames(int count) => string.Concat(Enumerable.Range(1, count).Select(
        k => string.Create(CultureInfo.InvariantCulture, $"(func $f{k} (param i32) (call $f{k - 1} (i32.add (local.get 0) (i32.const 1))) (global.set $g (i32.add (global.get $g) (local.get 0))))\n")));

    private static string Throwing(int frames) => $$"""
        (module
          (global $g (mut i32) (i32.const 0))
        {{Thrower}}
          {{Frames(frames - 1)}}
          (func (export "run") (param i32) (result i64) (local i64 i32)
            (loop $again
              (block $caught (result i32)
                (try_table (catch $e $caught) (call $f{{frames - 1}} (local.get 0)))
                (unreachable))
              (local.set 2)
              (local.set 1 (i64.add (local.get 1) (i64.extend_i32_u (local.get 2))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))
        """;

    private const string Again = $$"""
        (module
        {{Thrower}}
          (func $again (param i32)
            (block $caught (result exnref)
              (try_table (catch_all_ref $caught) (call $f0 (local.get 0)))
              (return))
            (throw_ref))
          (func (export "run") (param i32) (result i64) (local i64 i32)
            (loop $again
              (block $caught (result i32)
                (try_table (catch $e $caught) (call $again (local.get 0)))
                (unreachable))
              (local.set 2)
              (local.set 1 (i64.add (local.get 1) (i64.extend_i32_u (local.get 2))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))
        """;

    private static string Calling(bool inTry) => $$"""
        (module
          (tag $e (param i32))
          (func $next (param i32 i64) (result i64)
            (if (i32.eqz (local.get 0)) (then (throw $e (local.get 0))))
            (i64.add (i64.mul (local.get 1) (i64.const 3)) (i64.extend_i32_u (local.get 0))))
          (func (export "run") (param i32) (result i64) (local i64)
            (block $caught (result i32)
              {{(inTry ? "(try_table (catch $e $caught)" : "")}}
                (loop $again
                  (local.set 1 (call $next (local.get 0) (local.get 1)))
                  (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
              {{(inTry ? ")" : "")}}
              (return (local.get 1)))
            (drop)
            (i64.const -1)))
        """;

    /// <summary>The benchmark.</summary>
    public static UnitBenchmark Benchmark() => new(
        "exceptions",
        "Throwing and catching 1 and 10 frames up, and calls in a try_table, by Tarn, Wasmtime and V8: ns an exception or a call. --only=ENGINE,… --clock=cpu",
        "Exceptions",
        s_cases);

    private static readonly UnitCase[] s_cases =
    [
        new("throw, caught 1 frame up", 10_000, Throwing(1)),
        new("throw, caught 10 frames up", 5_000, Throwing(10)),
        new("catch_all_ref and throw_ref", 2_000, Again),
        new("call without try_table", 10_000_000, Calling(inTry: false)),
        new("call in try_table", 10_000_000, Calling(inTry: true)),
    ];
}

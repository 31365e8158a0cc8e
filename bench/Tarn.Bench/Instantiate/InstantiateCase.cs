// The modules that the instantiation race is run over, and what the one call into each does. None needs SIMD. Every module exports `run`, i32 to i64,
// whose result depends on state that must be fresh: an engine that skipped its reset would fail the check.
using System.Runtime.CompilerServices;

namespace Tarn.Bench.Instantiate;

internal sealed record InstantiateCase(string Name, string Title, byte[] Module, int Argument, long? Expected)
{
    // A store into a page that holds data already, so that a copy-on-write engine has to copy it and a resetting one has to restore it.
    private const string Pages160 = """
        (module
          (memory 160)
          (data (i32.const 0) "DATA")
          (func (export "run") (param $n i32) (result i64) (local $at i32) (local $sum i64)
            (loop $again
              (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
              (i32.store (local.get $at) (i32.const -1))
              (local.set $at (i32.add (local.get $at) (i32.const 4096)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            local.get $sum))
        """;

    private const string Empty = """(module (func (export "run") (param i32) (result i64) (i64.extend_i32_s (local.get 0))))""";

    private const string Small = """
        (module
          (memory 1) (table 4 funcref) (global $g (mut i64) (i64.const 5))
          (data (i32.const 64) "hello, world")
          (elem (i32.const 1) $f)
          (type $t (func (result i64)))
          (func $f (result i64) (i64.load8_u (i32.const 64)))
          (func (export "run") (param i32) (result i64)
            (i64.store (i32.const 128) (i64.add (i64.load (i32.const 128)) (i64.extend_i32_u (local.get 0))))
            (global.set $g (i64.add (global.get $g) (i64.load (i32.const 128))))
            (i64.add (global.get $g) (call_indirect (type $t) (i32.const 1)))))
        """;

    private const string Objects = """
        (module
          (type $list (struct (field $value i64) (field $next (ref null $list))))
          (global $kept (mut (ref null $list)) (ref.null $list))
          (func (export "run") (param i32) (result i64) (local $sum i64) (local $at (ref null $list))
            (loop $make
              (global.set $kept (struct.new $list (i64.extend_i32_u (local.get 0)) (global.get $kept)))
              (br_if $make (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.set $at (global.get $kept))
            (loop $add
              (local.set $sum (i64.add (local.get $sum) (struct.get $list $value (local.get $at))))
              (br_if $add (i32.eqz (ref.is_null (local.tee $at (struct.get $list $next (local.get $at)))))))
            (local.get $sum)))
        """;

    /// <summary>All cases, in the order of the marks.</summary>
    public static IReadOnlyList<InstantiateCase> All()
    {
        byte[] pages = Parse(Pages160.Replace("DATA", string.Concat(Enumerable.Repeat("\\07\\01\\02\\03", 16384)), StringComparison.Ordinal));
        return
        [
            new("empty", "empty module", Parse(Empty), 9, 9),
            new("small", "one page, data segment, table", Parse(Small), 3, 'h' + 5 + 3),
            new("touch1", "160 pages, 64 KiB of data, 1 page written", pages, 1, 7),
            new("touch4", "the same, 4 pages written", pages, 4, 28),
            new("touch16", "the same, 16 pages written", pages, 16, 112),
            new("objects", "1,000 managed objects made and read", Parse(Objects), 1000, 500_500),
            Program("nbody", 1, "C program: nbody, one step"),
            Program("regex", 0, "C program: regex, 4 KiB of text"),
            Program("rs_request", 1, "Rust program: a query parsed and answered in JSON"),
        ];
    }

    private static byte[] Parse(string text) => Wasm.Text.WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(text));

    // What it returns is taken from the first contender that runs it: the others must agree.
    private static InstantiateCase Program(string name, int argument, string title)
    {
        return new InstantiateCase(name, title, File.ReadAllBytes(Path.Combine(ProgramsFolder(), name + ".wasm")), argument, null);
    }

    private static string ProgramsFolder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "programs", "wasm"));
}

// What an object costs: made and dropped, made and kept for a while, made beside an array; and how long the collector keeps the programs of bench/objects waiting, and how much it moves.
using System.Globalization;

namespace Tarn.Bench.Execute;

/// <summary>The verb <c>heap</c>.</summary>
internal static class AllocationCases
{
    // Each object is reachable for a moment, so that none is optimised away.
    private const string Dropped = """
        (module
          (type $object (struct (field i64) (field i32)))
          (global $g (mut (ref null $object)) (ref.null $object))
          (func (export "run") (param i32) (result i64) (local i64)
            (loop $again
              (global.set $g (struct.new $object (i64.extend_i32_u (local.get 0)) (local.get 0)))
              (local.set 1 (i64.add (local.get 1) (struct.get $object 0 (global.get $g))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))
        """;

    private const string Kept = """
        (module
          (type $object (struct (field (ref null $object)) (field i64)))
          (global $g (mut (ref null $object)) (ref.null $object))
          (func (export "run") (param i32) (result i64) (local i64)
            (loop $again
              (if (i32.eqz (i32.and (local.get 0) (i32.const 0xFFFF))) (then (global.set $g (ref.null $object))))
              (global.set $g (struct.new $object (global.get $g) (i64.extend_i32_u (local.get 0))))
              (local.set 1 (i64.add (local.get 1) (struct.get $object 1 (global.get $g))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))
        """;

    private const string Arrays = """
        (module
          (type $bytes (array (mut i8)))
          (global $g (mut (ref null $bytes)) (ref.null $bytes))
          (func (export "run") (param i32) (result i64) (local i64)
            (loop $again
              (global.set $g (array.new_default $bytes (i32.const 100)))
              (local.set 1 (i64.add (local.get 1) (i64.extend_i32_u (array.len (global.get $g)))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))
        """;

    /// <summary>The benchmark.</summary>
    public static UnitBenchmark Benchmark() => new(
        "heap",
        "An object made and dropped, made and kept for a while, by Tarn, Wasmtime and V8: ns an object; pauses of Tarn's collector over the programs of objects. --only=ENGINE,… --clock=cpu",
        "Objects made",
        [
            new("16 bytes, dropped", 10_000_000, Dropped),
            new("16 bytes, kept up to 65,536 at once", 5_000_000, Kept),
            new("array of 100 bytes, dropped", 5_000_000, Arrays),
        ],
        Pauses);

    private static void Pauses(BenchmarkArguments arguments)
    {
        using var engine = new Engine(TarnEngine.DefaultOptions);
        Console.WriteLine("Tarn's collector over the programs of bench/objects\n\n| program | collections | of everything | MB moved | longest pause, ms | bytes at the end |\n|---|--:|--:|--:|--:|--:|");
        foreach (BenchmarkProgram program in ProgramSet.Read(ProgramSet.Objects, []))
        {
            using Module module = Module.FromFile(engine, program.WasmPath);
            using Instance instance = new Linker(engine).Prepare(module).Instantiate();
            instance.GetFunction<int, long>("run").Invoke((int)program.N);
            HeapStatistics heap = instance.Store.GetHeapStatistics();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {program.Name} | {heap.Collections} | {heap.FullCollections} | {heap.BytesMoved / 1e6:0.0} | {heap.LongestPause.TotalMilliseconds:0.00} | {heap.UsedBytes} |"));
        }
        Console.WriteLine();
    }
}

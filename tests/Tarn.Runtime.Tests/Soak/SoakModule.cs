// A random module for the soak: memory, table, data and code of random sizes, and functions for everything a guest can do to its slot.
using System.Globalization;
using System.Text;

namespace Tarn.Runtime.Tests.Soak;

internal sealed class SoakModule : IDisposable
{
    private readonly Module _module;

    public SoakModule(Engine engine, Linker linker, Random random)
    {
        Pages = random.Next(1, 12);
        TableLength = random.Next(1, 200);
        int segments = random.Next(0, 4);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"(module (import \"e\" \"wait\" (func $wait (param i32) (result i32))) (import \"e\" \"sync\" (func $sync (param i32) (result i32))) (memory (export \"memory\") {Pages} 40) (table $t {TableLength} 400 funcref)\n");
        for (int i = 0; i < segments; i++)
        {
            // From address 1024 on, so that the first bytes are known to be zero.
            text.Append(CultureInfo.InvariantCulture, $"(data (i32.const {1024 + random.Next(59_000)}) \"{new string((char)('a' + i), random.Next(1, 3000))}\")\n");
        }
        text.Append("""
            (elem declare func $write)
            (func $write (export "write") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
            (func (export "read") (param i32) (result i32) (i32.load (local.get 0)))
            (func (export "grow") (param i32) (result i32) (drop (table.grow $t (ref.func $write) (local.get 0))) (memory.grow (local.get 0)))
            (func (export "boom") (param i32) (result i32)
              (if (i32.eq (local.get 0) (i32.const 0)) (then unreachable))
              (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
              (if (i32.eq (local.get 0) (i32.const 2)) (then (drop (i32.load (i32.const -8)))))
              (call $recurse (i32.const 1)))
            (func $recurse (param i32) (result i32) (i32.add (i32.const 1) (call $recurse (local.get 0))))
            (func (export "spin") (loop $l (br $l)))
            (func $deep (param $n i32) (param $a i32) (result i32)
              (if (result i32) (local.get $n)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)) (local.get $a))))
                (else (call $wait (local.get $a)))))
            (func (export "suspend") (param $n i32) (param $a i32) (result i32)
              (i32.store (i32.const 0) (local.get $a))
              (drop (call $deep (local.get $n) (local.get $a)))
              (i32.add (call $deep (local.get $n) (local.get $a)) (i32.load (i32.const 0))))
            (func (export "host") (param i32) (result i32) (call $sync (local.get 0)))
            """);
        // Code of random length, so that modules differ in where they lie.
        for (int i = random.Next(0, 50); i > 0; i--)
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"f{i}\") (param i32) (result i32) (i32.mul (local.get 0) (i32.const {i})))\n");
        _module = Module.FromText(engine, text.Append(')').ToString());
        Template = linker.Prepare(_module);
    }

    public int Pages { get; }

    public int TableLength { get; }

    public InstanceTemplate Template { get; }

    public void Dispose()
    {
        Template.Dispose();
        _module.Dispose();
    }
}

// A host of plug-ins: each is a module that gets a function of the host's and gives one back. A plug-in that misbehaves is an exception, and the host goes on.
using Tarn;

string[] plugins =
[
    """
    (module
      (import "host" "log" (func $log (param i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "doubling")
      (func (export "transform") (param i32) (result i32)
        (call $log (i32.const 0) (i32.const 8))
        (i32.mul (local.get 0) (i32.const 2))))
    """,
    """
    (module
      (func (export "transform") (param i32) (result i32)
        (i32.div_s (local.get 0) (i32.const 0))))
    """,
];

using var engine = new Engine();
Linker linker = new Linker(engine).DefineFunction(
    "host", "log", (Caller caller, int at, int length) => Console.WriteLine($"plug-in says: {caller.Memory.ReadUtf8(at, length)}"));
foreach (string text in plugins)
{
    using Module module = Module.FromText(engine, text);
    using InstanceTemplate template = linker.Prepare(module);
    using Instance instance = template.Instantiate();
    try
    {
        Console.WriteLine(instance.GetFunction<int, int>("transform").Invoke(21));
    }
    catch (TrapException trap)
    {
        Console.WriteLine($"plug-in failed: {trap.Code}");
    }
}

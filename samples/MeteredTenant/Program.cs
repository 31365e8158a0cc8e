// Tenants pay for what they use: fuel counts instructions, the same number for the same work on every machine; memory has a limit. Who runs out is stopped.
using Tarn;

using var engine = new Engine(new EngineOptions { EnableFuel = true });
using Module module = Module.FromText(engine, """
    (module
      (memory (export "memory") 1)
      (func (export "work") (param $rounds i32) (result i32) (local $sum i32)
        (loop $again
          (local.set $sum (i32.add (local.get $sum) (local.get $rounds)))
          (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        (local.get $sum))
      (func (export "hoard") (result i32) (memory.grow (i32.const 100))))
    """);
using InstanceTemplate template = new Linker(engine).Prepare(module);
foreach ((string tenant, int rounds) in new[] { ("small", 100), ("large", 10_000), ("endless", 0) })
{
    const long Budget = 1_000_000;
    using Instance instance = template.Instantiate(limits: new StoreLimits { Fuel = Budget, MaximumMemoryBytes = 1 << 20 });
    try
    {
        int result = instance.GetFunction<int, int>("work").Invoke(rounds);
        Console.WriteLine($"{tenant}: {result} for {Budget - instance.Fuel} instructions");
    }
    catch (TrapException trap) when (trap.Code == TrapCode.OutOfFuel)
    {
        Console.WriteLine($"{tenant}: stopped, {Budget} instructions are used up");
    }
    instance.Fuel = Budget;
    Console.WriteLine($"{tenant}: a hundred pages more: {(instance.GetFunction<int>("hoard").Invoke() < 0 ? "refused" : "granted")}");
}

// What a process does that has portable memory and portable execution: guests of every kind run, and no function of a native library is called by any assembly of ours. It is a process of its own, since the choice of
// memory is made once, and a function that somebody else has called already would not be looked up again.
using System.Reflection;
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.MachineChecks;

internal static class PortableProcess
{
    private const string Guest = """
        (module
          (type $pair (struct (field (mut i32)) (field (mut i32))))
          (type $list (array (mut i32)))
          (import "env" "later" (func $later (param i32) (result i32)))
          (tag $oops (param i32))
          (memory (export "memory") 2 1000)
          (table 10 funcref)
          (data (i32.const 100) "data")
          (func (export "dirty") (result i32)
            (drop (memory.grow (i32.const 20)))
            (memory.fill (i32.const 65536) (i32.const 7) (i32.const 1000000))
            (i32.store8 (i32.const 100) (i32.const 1))
            (i32.load (i32.const 1000000)))
          (func (export "clean") (result i32)
            (i32.and
              (i32.and (i32.eq (memory.size) (i32.const 2)) (i32.eqz (i32.load (i32.const 65536))))
              (i32.eq (i32.load (i32.const 100)) (i32.const 0x61746164))))
          (func (export "objects") (param $n i32) (result i32) (local $p (ref null $pair)) (local $sum i32)
            (loop $again
              (local.set $p (struct.new $pair (local.get $n) (i32.const 1)))
              (local.set $sum (i32.add (local.get $sum) (struct.get $pair 1 (local.get $p))))
              (drop (array.new $list (i32.const 3) (i32.const 100)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum))
          (func (export "null") (result i32) (array.len (ref.null $list)))
          (func (export "catches") (result i32)
            (block $caught (result i32)
              (try_table (catch $oops $caught) (throw $oops (i32.const 42)))
              (i32.const 0)))
          (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
          (func (export "waits") (param i32) (result i32) (i32.add (i32.const 1) (call $later (local.get 0)))))
        """;

    public static async Task<int> RunAsync()
    {
        AppContext.SetSwitch(HostPlatform.PortableMemorySwitch, true);
        var called = new List<string>();
        foreach (Assembly assembly in new[] { typeof(Engine).Assembly, typeof(Compiler.CompiledFunction).Assembly, typeof(Wasm.WasmModule).Assembly, typeof(Assembler.Label).Assembly })
        {
            NativeLibrary.SetDllImportResolver(assembly, (library, from, _) =>
            {
                lock (called)
                    called.Add($"{from.GetName().Name} calls {library}");
                return 0;
            });
        }
        await RunGuestsAsync(AllocationStrategy.Pooling);
        await RunGuestsAsync(AllocationStrategy.OnDemand);
        Refuses(new EngineOptions { MemoryStrategy = MemoryStrategy.Guarded });
        Refuses(new EngineOptions { Execution = ExecutionMode.MachineCode });
        Require(VirtualMemory.Current is PortableVirtualMemory, "memory is portable");
        Require(called.Count == 0, string.Join(", ", called));
        Console.WriteLine("no function of a native library was called");
        return 0;
    }

    private static async Task RunGuestsAsync(AllocationStrategy strategy)
    {
        using Engine engine = new(new EngineOptions
        {
            AllocationStrategy = strategy,
            Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 4, MemoryPages = 100 } },
        });
        using Module module = Module.FromText(engine, Guest);
        var linker = new Linker(engine);
        linker.DefineFunction("env", "later", async (int value) =>
        {
            await Task.Yield();
            return value * 2;
        });
        using InstanceTemplate template = linker.Prepare(module);
        for (int i = 0; i < 10; i++)
        {
            using Instance instance = template.Instantiate();
            Require(instance.GetFunction<int>("clean").Invoke() == 1, "an instance begins clean");
            Require(instance.GetFunction<int>("dirty").Invoke() == 0x07070707, "memory is written");
            Require(instance.GetFunction<int>("catches").Invoke() == 42, "exceptions are caught");
            Require(instance.GetFunction<int, int>("objects").Invoke(20_000) == 20_000, "objects live");
            Require(await instance.GetFunction<int, int>("waits").InvokeAsync(i) == (2 * i) + 1, "a suspended guest continues");
            Traps(TrapCode.StackExhausted, () => instance.GetFunction<int, int>("deep").Invoke(1));
            Traps(TrapCode.NullArrayReference, () => instance.GetFunction<int>("null").Invoke());
        }
        Console.WriteLine($"{strategy} ok");
    }

    private static void Traps(TrapCode code, Action call)
    {
        try
        {
            call();
        }
        catch (TrapException trap) when (trap.Code == code)
        {
            return;
        }
        throw new InvalidOperationException($"no trap {code}");
    }

    private static void Refuses(EngineOptions options)
    {
        try
        {
            new Engine(options).Dispose();
        }
        catch (Exception e) when (e is ArgumentException or PlatformNotSupportedException)
        {
            return;
        }
        throw new InvalidOperationException($"{options.MemoryStrategy} memories and {options.Execution} are not refused");
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException($"not so: {what}");
    }
}

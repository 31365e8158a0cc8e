// The end of the guest stack, approached in steps of every size: frames from a few bytes to most of the stack, so that some of them end just above the limit, just below it, in the
// headroom that unchecked frames and stubs use, and beyond the guard page; and at the deepest point something that takes stack without a check of the guest's own: a host call of
// either kind, a builtin that leaves the guest, a fault. Whatever the depth, a call returns or ends in StackExhausted, and the instance works on.
using System.Globalization;
using System.Text;

namespace Tarn.Runtime.Tests.Attacks;

public sealed class StackEdgeTests
{
    private const int StackSize = 128 << 10;

    // The operation that faults; see the guest.
    private const int Fault = 5;

    public static TheoryData<int, MemoryStrategy, AllocationStrategy> Frames
    {
        get
        {
            var data = new TheoryData<int, MemoryStrategy, AllocationStrategy>();
            // Values that are alive across the call, 8 bytes each: around 256 bytes and 4 KiB, where the check of the prologue changes, and on both sides of a page.
            foreach (int values in (int[])[0, 1, 5, 29, 30, 31, 32, 33, 60, 500, 508, 510, 511, 512, 513, 520, 1100, 2047, 2049, 4096, 8100])
            {
                data.Add(values, MemoryStrategy.Guarded, AllocationStrategy.Pooling);
                data.Add(values, MemoryStrategy.Checked, AllocationStrategy.OnDemand);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void Whatever_the_frame_the_stack_ends_in_a_trap(int values, MemoryStrategy memory, AllocationStrategy allocation)
    {
        using Engine engine = Make(memory, allocation);
        using Module module = Module.FromText(engine, Guest(values, parameters: 0));
        int calls = 0;
        var linker = new Linker(engine);
        linker.DefineFunction("e", "direct", (int value) => { calls++; return value + 1; });
        linker.DefineFunction("e", "general", (Caller caller, int value) => { calls++; return ValueTask.FromResult(value + caller.Memory.AsSpan()[0]); });
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        TypedFunction<int, int, int> run = instance.GetFunction<int, int, int>("run");

        foreach (int operation in (int[])[0, 1, 2, 3, 4, Fault])
        {
            int deepest = Deepest(run, operation);
            Assert.InRange(deepest, 0, StackSize / 8);
            for (int depth = Math.Max(deepest - 3, 0); depth <= deepest + 3; depth++)
            {
                bool returned = run.TryInvoke(depth, operation, out int result, out Trap? trap);
                if (depth > deepest)
                    Assert.Equal(TrapCode.StackExhausted, trap?.Code);
                else if (operation == Fault)
                    Assert.Equal(TrapCode.MemoryOutOfBounds, trap?.Code);
                else
                    Assert.Equal((true, Expected(depth, operation)), (returned, result));
            }
            Assert.Equal(TrapCode.StackExhausted, Assert.Throws<TrapException>(() => run.Invoke(int.MaxValue, operation)).Code);
            Assert.Equal(Expected(0, 0), run.Invoke(0, 0));
        }
        Assert.True(calls > 0);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(998)]
    public void Arguments_on_the_stack_end_in_a_trap_too(int parameters)
    {
        using Engine engine = Make(MemoryStrategy.Guarded, AllocationStrategy.Pooling);
        using Module module = Module.FromText(engine, Guest(values: 3, parameters));
        var linker = new Linker(engine);
        linker.DefineFunction("e", "direct", (int value) => value + 1);
        linker.DefineFunction("e", "general", (Caller caller, int value) => ValueTask.FromResult(value + caller.Memory.AsSpan()[0]));
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        TypedFunction<int, int, int> run = instance.GetFunction<int, int, int>("run");
        foreach (int operation in (int[])[0, 1, 2, 3])
        {
            int deepest = Deepest(run, operation);
            for (int depth = Math.Max(deepest - 2, 0); depth <= deepest + 2; depth++)
            {
                bool returned = run.TryInvoke(depth, operation, out _, out Trap? trap);
                Assert.Equal(depth <= deepest, returned);
                Assert.True(returned || trap!.Code == TrapCode.StackExhausted);
            }
        }
    }

    // The deepest recursion that returns, or that gets as far as its fault.
    private static int Deepest(TypedFunction<int, int, int> run, int operation)
    {
        int low = 0;
        int high = StackSize;
        Assert.True(Reaches(0), "not even one frame fits");
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (Reaches(middle))
                low = middle;
            else
                high = middle;
        }
        return low;

        bool Reaches(int depth) => run.TryInvoke(depth, operation, out _, out Trap? trap) || trap.Code == TrapCode.MemoryOutOfBounds;
    }

    private static int Expected(int depth, int operation) => depth + operation switch { 1 => 6, 2 => 5, 3 => 1, 4 => 1, _ => 5 };

    // run(depth, operation): recurses, with values alive in each frame, and at the bottom does one thing.
    private static string Guest(int values, int parameters)
    {
        var text = new StringBuilder("""
            (module
              (import "e" "direct" (func $direct (param i32) (result i32)))
              (import "e" "general" (func $general (param i32) (result i32)))
              (memory (export "memory") 1 1) (table $t 1 1 funcref)

            """);
        string extra = string.Concat(Enumerable.Repeat(" i64", parameters));
        string zeros = string.Concat(Enumerable.Repeat("(i64.const 3) ", parameters));
        text.Append(CultureInfo.InvariantCulture, $"(func $f (param $depth i32) (param $operation i32) (param{extra}) (result i32) (local $r i32)\n");
        for (int i = 0; i < values; i++)
            text.Append(CultureInfo.InvariantCulture, $"(local $v{i} i64)");
        // Loaded, so that no two of them are the same value and none can be computed again.
        for (int i = 0; i < values; i++)
            text.Append(CultureInfo.InvariantCulture, $"(local.set $v{i} (i64.load offset={8 + (i % 8000 * 8)} (i32.const 0)))\n");
        text.Append(CultureInfo.InvariantCulture, $"""
            (if (local.get $depth)
              (then (local.set $r (i32.add (i32.const 1) (call $f (i32.sub (local.get $depth) (i32.const 1)) (local.get $operation) {zeros}))))
              (else (local.set $r (call $bottom (local.get $operation)))))

            """);
        for (int i = 0; i < values; i++)
            text.Append(CultureInfo.InvariantCulture, $"(local.set $r (i32.add (local.get $r) (i32.wrap_i64 (local.get $v{i}))))\n");
        text.Append(CultureInfo.InvariantCulture, $$"""
            (local.get $r))
            (func $bottom (param $operation i32) (result i32)
              (block $4 (block $3 (block $2 (block $1 (block $0
                (br_table $0 $1 $2 $3 $4 (local.get $operation)))
                (return (i32.const 5)))
                (return (call $direct (i32.const 5))))
                (return (call $general (i32.const 5))))
                (memory.copy (i32.const 65000) (i32.const 64000) (i32.const 500))
                (return (memory.grow (i32.const 0))))
              (drop (table.grow $t (ref.null func) (i32.const 1)))
              (if (i32.eq (local.get $operation) (i32.const 5)) (then (return (i32.load (i32.const -1)))))
              (table.size $t))
            (func (export "run") (param i32 i32) (result i32) (call $f (local.get 0) (local.get 1) {{zeros}})))
            """);
        return text.ToString();
    }

    private static Engine Make(MemoryStrategy memory, AllocationStrategy allocation) => new(new EngineOptions
    {
        MemoryStrategy = memory,
        AllocationStrategy = allocation,
        StackSize = StackSize,
        Pooling = new PoolingOptions { StackSize = StackSize, Limits = InstanceLimits.Default with { Count = 2 } },
    });
}

// Guests that do not come back of themselves, whatever it is that they do: each is stopped by every means there is, and its slot, the only one, serves the next.
namespace Tarn.Runtime.Tests.Pooling;

[Collection(ProcessWideCollection.Name)]
public sealed class RunawayTests
{
    // How long a guest may go on after it was asked to stop. What it takes depends on how busy the machine is, but not that much.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public enum Means
    {
        Token,
        Deadline,
        Interrupt,
        Fuel,
    }

    private static readonly Dictionary<string, string> s_guests = new()
    {
        ["loop"] = "(loop $l (br $l))",
        ["loop over calls"] = "(loop $l (call $nothing) (br $l))",
        ["recursion"] = "(drop (call $tree (i32.const 100)))",
        ["tail calls"] = "(return_call $again)",
        ["indirect calls"] = "(loop $l (call_indirect (type $t) (i32.const 0)) (br $l))",
        ["memory.fill"] = "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 10485760)) (br $l))",
        ["memory.copy"] = "(loop $l (memory.copy (i32.const 1) (i32.const 0) (i32.const 10485759)) (br $l))",
        ["memory.init"] = "(loop $l (memory.init $data (i32.const 0) (i32.const 0) (i32.const 5)) (br $l))",
        ["memory.grow"] = "(loop $l (drop (memory.grow (i32.const 1))) (br $l))",
        ["table.fill"] = "(loop $l (table.fill $table (i32.const 0) (ref.func $nothing) (i32.const 10000)) (br $l))",
        ["table.copy"] = "(loop $l (table.copy $table $table (i32.const 1) (i32.const 0) (i32.const 9999)) (br $l))",
        ["table.grow"] = "(loop $l (drop (table.grow $table (ref.null func) (i32.const 1))) (br $l))",
        ["host calls"] = "(loop $l (call $host) (br $l))",
        ["asynchronous host calls that do not wait"] = "(loop $l (call $quick) (br $l))",
    };

    public static TheoryData<string, Means, MemoryStrategy> All
    {
        get
        {
            var data = new TheoryData<string, Means, MemoryStrategy>();
            foreach (string guest in s_guests.Keys)
            {
                foreach (Means means in Enum.GetValues<Means>())
                {
                    data.Add(guest, means, MemoryStrategy.Guarded);
                    if (guest.StartsWith("memory.", StringComparison.Ordinal))
                        data.Add(guest, means, MemoryStrategy.Checked);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_runaway_guest_is_stopped_and_its_slot_serves_the_next(string guest, Means means, MemoryStrategy strategy)
    {
        using Engine engine = Make(strategy);
        using Module module = Module.FromText(engine, Text(s_guests[guest], start: ""));
        using InstanceTemplate template = Link(engine).Prepare(module);
        foreach (bool isAsync in new[] { false, true })
        {
            using (Instance instance = template.Instantiate())
            {
                // Whatever it left of its fuel and time, the instance itself goes on working.
                await StopAsync(instance, means, isAsync);
                instance.Fuel = 1000;
                instance.CallTimeout = Timeout.InfiniteTimeSpan;
                Assert.Equal(7, instance.GetFunction<int>("seven").Invoke());
                instance.Memory.AsSpan().Fill(0xEE);
            }
            using Instance next = template.Instantiate();
            Assert.Equal(Timeout.InfiniteTimeSpan, next.CallTimeout);
            Assert.Equal(long.MaxValue, next.Fuel);
            Assert.Equal(7, next.GetFunction<int>("seven").Invoke());
            Assert.Equal(0, next.Memory.AsSpan().IndexOfAnyExcept((byte)0) + 1);
        }
        Assert.Equal(0, engine.GetPoolStatistics().Instances.InUse);
    }

    [Theory]
    [InlineData("loop")]
    [InlineData("tail calls")]
    [InlineData("memory.fill")]
    [InlineData("host calls")]
    public async Task A_start_function_that_does_not_come_back_is_stopped_and_its_slot_serves_the_next(string guest)
    {
        using Engine engine = Make(MemoryStrategy.Guarded);
        using Module module = Module.FromText(engine, Text(s_guests[guest], start: "(start $run)"));
        using Module plain = Module.FromText(engine, Text("", start: ""));
        using InstanceTemplate template = Link(engine).Prepare(module);
        using InstanceTemplate next = Link(engine).Prepare(plain);
        for (int i = 0; i < 2; i++)
        {
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Task.Run(async () => await template.InstantiateAsync(cancellationToken: source.Token), Token).WaitAsync(s_patience, Token));
            Assert.Equal(0, engine.GetPoolStatistics().Instances.InUse);
            using Instance instance = next.Instantiate();
            Assert.Equal(7, instance.GetFunction<int>("seven").Invoke());
        }
        // In a store of one's own there are fuel and time from the beginning.
        using (var store = new Store(engine) { Fuel = 100_000 })
            Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => template.Instantiate(store)).Code);
        using (var store = new Store(engine) { CallTimeout = TimeSpan.FromMilliseconds(20) })
            Assert.Equal(TrapCode.Interrupted, (await Assert.ThrowsAsync<TrapException>(() => Task.Run(() => template.Instantiate(store), Token).WaitAsync(s_patience, Token))).Code);
        next.Instantiate().Dispose();
    }

    // Each a single instruction that would take seconds, most of them for making pages; the second and third copy in the directions in which the parts overlap.
    [Theory]
    [InlineData("(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x7FFF0000))")]
    [InlineData("(memory.copy (i32.const 0) (i32.const 0x40000000) (i32.const 0x3FFF0000))")]
    [InlineData("(memory.copy (i32.const 1) (i32.const 0) (i32.const 0x7FFE0000))")]
    [InlineData("(memory.copy (i32.const 0) (i32.const 1) (i32.const 0x7FFE0000))")]
    public void One_instruction_over_gigabytes_is_stopped_in_the_middle(string instruction)
    {
        // Outside the pools memories are as large as they ask to be. Without checks in compiled code nothing else stops this guest.
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, EnableInterruption = false });
        using Module module = Module.FromText(engine, $"""(module (memory (export "memory") 32768) (func $run (export "run") {instruction}) (func (export "seven") (result i32) (i32.const 7)))""");
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        // Requested before it begins, so that it does not depend on how fast this machine is: the instruction comes upon it after its first piece.
        instance.Interrupt();
        long before = Resident();
        TrapException stopped = Assert.Throws<TrapException>(instance.GetAction("run").Invoke);
        Assert.Equal(TrapCode.Interrupted, stopped.Code);
        Assert.Equal("run", Assert.Single(stopped.GuestBacktrace).FunctionName);
        Assert.InRange(Resident() - before, long.MinValue, 200L << 20);
        Assert.Equal(7, instance.GetFunction<int>("seven").Invoke());
    }

    private static long Resident() => long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task StopAsync(Instance instance, Means means, bool isAsync)
    {
        TypedAction run = instance.GetAction("run");
        using var source = new CancellationTokenSource();
        switch (means)
        {
            case Means.Token:
                source.CancelAfter(20);
                break;
            case Means.Deadline:
                instance.CallTimeout = TimeSpan.FromMilliseconds(20);
                break;
            case Means.Fuel:
                instance.Fuel = 10_000;
                break;
            default:
                break;
        }
        using Timer? timer = means == Means.Interrupt ? new Timer(_ => instance.Interrupt(), null, 20, Timeout.Infinite) : null;
        Task call = Task.Run(async () =>
        {
            if (isAsync)
                await run.InvokeAsync(source.Token);
            else
                run.Invoke(source.Token);
        }, Token);
        Exception stopped = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(s_patience, Token));
        if (means == Means.Token)
            Assert.Equal(source.Token, Assert.IsType<OperationCanceledException>(stopped).CancellationToken);
        else
            Assert.Equal(means == Means.Fuel ? TrapCode.OutOfFuel : TrapCode.Interrupted, Assert.IsType<TrapException>(stopped).Code);
    }

    private static Linker Link(Engine engine) =>
        new Linker(engine).DefineFunction("e", "host", () => { }).DefineFunction("e", "quick", () => ValueTask.CompletedTask);

    private static string Text(string body, string start) => $"""
        (module
          (import "e" "host" (func $host)) (import "e" "quick" (func $quick))
          (type $t (func))
          (memory (export "memory") 160) (table $table 10000 funcref) (data $data "hello") (elem (i32.const 0) $nothing)
          (func $nothing)
          (func $again (return_call $again))
          (func $tree (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (call $tree (i32.sub (local.get 0) (i32.const 1))) (call $tree (i32.sub (local.get 0) (i32.const 1)))))
              (else (i32.const 1))))
          (func (export "seven") (result i32) (i32.const 7))
          (func $run (export "run") {body})
          {start})
        """;

    private static Engine Make(MemoryStrategy strategy) => new(new EngineOptions
    {
        MemoryStrategy = strategy,
        EnableInterruption = true,
        EnableFuel = true,
        Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } },
    });
}

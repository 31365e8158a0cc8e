// What portable execution promises beside being right, which the specification's scripts say in five configurations and this suite with TARN_TEST_EXECUTION: what it refuses, that nothing of it can be executed, that its
// guests leave and come back like others, that both ways of executing live in one process, and that the ends of its stack and of its numbers hold.
using System.Globalization;
using Tarn.Platform;

namespace Tarn.Runtime.Tests.Machine;

public sealed class PortableExecutionTests
{
    private static EngineOptions Portable => new() { Execution = ExecutionMode.Portable, AllocationStrategy = AllocationStrategy.OnDemand };

    [Fact]
    public void What_relies_on_faults_is_refused_with_the_reason()
    {
        ArgumentException guarded = Assert.ThrowsAny<ArgumentException>(() => new Engine(Portable with { MemoryStrategy = MemoryStrategy.Guarded }));
        Assert.Contains("faults of guests have to be caught", guarded.Message, StringComparison.Ordinal);
        EngineOptions learned = Portable with { AllocationStrategy = AllocationStrategy.Pooling, Pooling = new PoolingOptions { ResetStrategy = ResetStrategy.Learned } };
        Assert.Contains("ResetStrategy.Learned", Assert.Throws<PlatformNotSupportedException>(() => new Engine(learned)).Message, StringComparison.Ordinal);
        Assert.Contains("Execution has no value 7", Assert.Single(new EngineOptions { Execution = (ExecutionMode)7 }.Validate()), StringComparison.Ordinal);
    }

    [Fact]
    public void No_page_of_its_code_is_executable()
    {
        using var engine = new Engine(Portable);
        using Module module = Module.FromText(engine, "(module (func (export \"f\") (result i32) (i32.const 7)))");
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        Assert.Equal(7, instance.GetFunction<int>("f").Invoke());
        CodeArena arena = Execution.Machine.PortableMachine.Arena;
        ulong start, end;
        unsafe
        {
            start = (ulong)arena.Base;
            end = start + (ulong)arena.ReservedBytes;
        }
        string[] executable = [.. File.ReadLines("/proc/self/maps").Where(line =>
        {
            string[] range = line.Split(' ')[0].Split('-');
            ulong from = ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return from >= start && from < end && line.Split(' ')[1].Contains('x', StringComparison.Ordinal);
        })];
        Assert.Empty(executable);
        Assert.Equal(FaultHandling.None, Execution.Machine.PortableMachine.Faults);
    }

    [Fact]
    public void Artifacts_of_one_way_of_executing_are_refused_by_the_other()
    {
        using var portable = new Engine(Portable);
        using var machine = new Engine(Portable with { Execution = ExecutionMode.MachineCode });
        using Module module = Module.FromText(portable, "(module (func (export \"f\")))");
        byte[] artifact = module.Serialize();
        Assert.Throws<IncompatibleArtifactException>(() => Module.Deserialize(machine, artifact));
        using Module again = Module.Deserialize(portable, artifact);
        new Linker(portable).Prepare(again).Instantiate().Dispose();
    }

    [Fact]
    public async Task A_guest_waits_without_a_thread_and_is_resumed_by_another()
    {
        using var engine = new Engine(Portable);
        using Module module = Module.FromText(engine, """
            (module (import "e" "wait" (func $wait (param i64 f64 v128) (result f64)))
              (func $inner (param i64) (result f64)
                (f64.add (call $wait (local.get 0) (f64.const 0.5) (v128.const i64x2 1 2)) (f64.convert_i64_s (local.get 0))))
              (func (export "run") (param i64) (result f64) (f64.add (call $inner (local.get 0)) (call $inner (i64.const 100)))))
            """);
        var linker = new Linker(engine);
        var gate = new TaskCompletionSource();
        linker.DefineFunction("e", "wait", async (long a, double b, System.Runtime.Intrinsics.Vector128<long> c) =>
        {
            await gate.Task;
            return a + b + c[1];
        });
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        ValueTask<double> running = instance.GetFunction<long, double>("run").InvokeAsync(1L, TestContext.Current.CancellationToken);
        Assert.False(running.IsCompleted);
        _ = Task.Run(gate.SetResult, TestContext.Current.CancellationToken);
        Assert.Equal((1 + 0.5 + 2 + 1) + (100 + 0.5 + 2 + 100), await running);
    }

    [Fact]
    public void The_end_of_the_stack_is_a_trap_with_its_frames_and_the_next_call_works()
    {
        using var engine = new Engine(Portable);
        using Module module = Module.FromText(engine, """
            (module
              (func $deep (export "deep") (param i32) (result f64) (f64.add (f64.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
              (func $tail (export "tail") (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 42)) (else (return_call $tail (i32.sub (local.get 0) (i32.const 1)))))))
            """);
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        for (int round = 0; round < 3; round++)
        {
            TrapException trap = Assert.Throws<TrapException>(() => instance.GetFunction<int, double>("deep").Invoke(0));
            Assert.Equal(TrapCode.StackExhausted, trap.Code);
            // As many as a backtrace has, whatever executes.
            Assert.Equal(100, trap.Trap.Backtrace.Count);
            Assert.All(trap.Trap.Backtrace, frame => Assert.Equal("deep", frame.FunctionName));
        }
        Assert.Equal(42, instance.GetFunction<int, int>("tail").Invoke(1_000_000));
    }

    // More results than registers, more arguments too, and both with vectors in between.
    [Theory]
    [InlineData(13)]
    [InlineData(40)]
    [InlineData(300)]
    public void Many_arguments_and_results_keep_their_places(int count)
    {
        string[] types = [.. Enumerable.Range(0, count).Select(i => (i % 4) switch { 0 => "i32", 1 => "f64", 2 => "i64", _ => "v128" })];
        string signature = $"(param {string.Join(' ', types)}) (result {string.Join(' ', types)})";
        string gets = string.Concat(Enumerable.Range(0, count).Select(i => $"(local.get {i})"));
        using var engine = new Engine(Portable);
        using Module module = Module.FromText(engine, $"""
            (module
              (type $t (func {signature}))
              (table funcref (elem $id))
              (func $id (type $t) {gets})
              (func $tail (type $t) {gets} (return_call $id))
              (func (export "run") (type $t) {gets} (call $id) (call $tail) (call_indirect (type $t) (i32.const 0))))
            """);
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        Value[] arguments = [.. Enumerable.Range(0, count).Select(i => (i % 4) switch
        {
            0 => Value.FromInt32(-i),
            1 => Value.FromDouble(i + 0.5),
            2 => Value.FromInt64(-i * 1000L),
            _ => Value.FromVector(System.Runtime.Intrinsics.Vector128.Create(i, -i)),
        })];
        Assert.Equal(arguments, instance.GetFunction("run").Invoke(arguments));
    }

    [Fact]
    public void A_loop_is_stopped_and_so_is_a_copy_that_takes_long()
    {
        using var engine = new Engine(Portable);
        using Module module = Module.FromText(engine, """
            (module (memory 4096)
              (func (export "loop") (loop (br 0)))
              (func (export "copy") (loop (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x0fff0000)) (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x0fff0000)) (br 0))))
            """);
        foreach (string function in (string[])["loop", "copy"])
        {
            using Instance instance = new Linker(engine).Prepare(module).Instantiate();
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            Assert.ThrowsAny<OperationCanceledException>(() => instance.GetFunction(function).Invoke([], [], source.Token));
        }
    }
}

// Guests that wait: a pending host function leaves them suspended on their stack, and any thread goes on with them.
using System.Runtime.CompilerServices;

namespace Tarn.Runtime.Tests.Async;

public sealed class AsyncCallTests : IDisposable
{
    private const string Text = """
        (module
          (import "e" "f" (func $f (param i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
          (func (export "once") (param i32) (result i32) (i32.add (i32.const 100) (call $f (local.get 0))))
          (func (export "twice") (param i32) (result i32 i64)
            (call $f (local.get 0)) (i64.extend_i32_s (call $f (i32.add (local.get 0) (i32.const 1)))))
          (func (export "loop") (param i32) (result i32) (local $sum i32)
            (loop $again
              (local.set $sum (i32.add (local.get $sum) (call $f (local.get 0))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get $sum)
          (func (export "loops") (param i32) (result i32) (local $n i32)
            (loop $again
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get $n)
          (func (export "nothing") (param i32) (drop (call $f (local.get 0))))
          (func (export "boom") (param i32) (result i32) (call $f (local.get 0)) unreachable)
          (func (export "spin") (param i32) (result i32) (drop (call $f (local.get 0))) (loop $l (br $l)) i32.const 0)
          (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
              (else (call $f (i32.const 7))))))
        """;

    private readonly Engine _engine = new(new EngineOptions { EnableInterruption = true });

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task A_function_that_completes_at_once_is_not_suspended_and_allocates_nothing()
    {
        using Guest guest = Make((int a) => new ValueTask<int>(a * 2));
        TypedFunction<int, int> once = guest.Instance.GetFunction<int, int>("once");
        Assert.Equal(104, await once.InvokeAsync(2));
        long before = GC.GetAllocatedBytesForCurrentThread();
        int sum = 0;
#pragma warning disable CA2012, xUnit1031 // It has completed, as the line before asserts.
        for (int i = 0; i < 10_000; i++)
        {
            ValueTask<int> call = once.InvokeAsync(i);
            Assert.True(call.IsCompletedSuccessfully);
            sum += call.Result;
        }
#pragma warning restore CA2012, xUnit1031
        // Assertions on booleans allocate nothing; a single allocation for each call would be 240,000 bytes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
        Assert.Equal(Enumerable.Range(0, 10_000).Sum(i => 100 + (i * 2)), sum);
        // And without waiting, a synchronous call may use it too.
        Assert.Equal(106, once.Invoke(3));
    }

    [Fact]
    public async Task A_pending_function_suspends_the_guest_and_another_thread_goes_on_with_it()
    {
        var gates = new Gates();
        using Guest guest = Make(gates.Wait);
        Task<int> call = guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, TestContext.Current.CancellationToken).AsTask();
        Assert.False(call.IsCompleted);
        int resumedOn = 0;
        var thread = new Thread(() =>
        {
            resumedOn = Environment.CurrentManagedThreadId;
            gates.Open(42);
            // The guest was resumed by this thread, and has returned.
            Assert.True(call.IsCompleted);
        });
        thread.Start();
        thread.Join();
        Assert.NotEqual(0, resumedOn);
        Assert.Equal(142, await call);
    }

    [Fact]
    public async Task Several_results_nothing_and_untyped_values_come_back_after_suspensions()
    {
        using Guest guest = Make(async (int a) =>
        {
            await Task.Yield();
            return a * 10;
        });
        Assert.Equal((10, 20L), await guest.Instance.GetFunction<int, (int, long)>("twice").InvokeAsync(1, Token));
        await guest.Instance.GetAction<int>("nothing").InvokeAsync(5, Token);
        Value[] results = await guest.Instance.GetFunction("twice").InvokeAsync([3], Token);
        Assert.Equal([30, 40L], results);
        Assert.Equal(10 * 500 * 501 / 2, await guest.Instance.GetFunction<int, int>("loop").InvokeAsync(500, Token));
        Assert.Equal(170, await guest.Instance.GetFunction<int, int>("once").InvokeAsync(7, Token));
    }

    [Fact]
    public async Task Every_shape_of_delegate_can_be_asynchronous()
    {
        string seen = "";
        Linker linker = new Linker(_engine)
            .DefineFunction("e", "action", async (int a, long b) =>
            {
                await Task.Yield();
                seen += $"{a} {b};";
            })
            .DefineFunction("e", "caller", async (Caller caller, int at) =>
            {
                await Task.Yield();
                caller.Memory.Write(at, 0x01020304);
                return (caller.GetState<string>().Length, 2.5);
            })
            .DefineFunction("e", "plain", () => ValueTask.CompletedTask)
            .DefineFunction("e", "untyped", new FunctionType([ValueKind.I32], [ValueKind.I64]), async (caller, arguments, results) =>
            {
                await Task.Yield();
                results.Span[0] = arguments.Span[0].AsInt32() + 1L;
            });
        using Module module = Module.FromText(_engine, """
            (module
              (import "e" "action" (func $action (param i32 i64)))
              (import "e" "caller" (func $caller (param i32) (result i32 f64)))
              (import "e" "plain" (func $plain))
              (import "e" "untyped" (func $untyped (param i32) (result i64)))
              (memory (export "memory") 1)
              (func (export "run") (result i32 f64 i64)
                (call $plain) (call $action (i32.const 7) (i64.const 8)) (call $caller (i32.const 64)) (call $untyped (i32.const 1))))
            """);
        using Instance instance = linker.Prepare(module).Instantiate("state");
        Assert.Equal((5, 2.5, 2L), await instance.GetFunction<(int, double, long)>("run").InvokeAsync(Token));
        Assert.Equal("7 8;", seen);
        Assert.Equal(0x01020304, instance.Memory.Read<int>(64));
    }

    [Fact]
    public async Task An_exception_of_an_asynchronous_host_function_arrives_unchanged()
    {
        var thrown = new InvalidDataException("mine");
        using Guest guest = Make(async (int a) =>
        {
            if (a != 0)
                await Task.Yield();
            return a == 5 ? a : await Throws(thrown);
        });
        TypedFunction<int, int> once = guest.Instance.GetFunction<int, int>("once");
        foreach (int argument in new[] { 0, 1 })
        {
            InvalidDataException caught = await Assert.ThrowsAsync<InvalidDataException>(async () => await once.InvokeAsync(argument, Token));
            Assert.Same(thrown, caught);
            Assert.Contains(nameof(Throws), caught.StackTrace, StringComparison.Ordinal);
        }
        Assert.Equal(105, await once.InvokeAsync(5, Token));
    }

    [Fact]
    public async Task A_trap_after_a_suspension_has_its_code_and_backtrace()
    {
        using Guest guest = Make(async (int a) =>
        {
            await Task.Yield();
            return a;
        });
        TrapException trap = await Assert.ThrowsAsync<TrapException>(async () => await guest.Instance.GetFunction<int, int>("boom").InvokeAsync(1, Token));
        Assert.Equal(TrapCode.Unreachable, trap.Code);
        Assert.Equal("boom", Assert.Single(trap.GuestBacktrace).FunctionName);
        Assert.Equal(101, await guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, Token));
    }

    [Fact]
    public async Task Cancelling_ends_a_suspended_call_at_once()
    {
        var gates = new Gates();
        using Guest guest = Make(gates.Wait);
        using var source = new CancellationTokenSource();
        Task<int> call = guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, source.Token).AsTask();
        Assert.False(call.IsCompleted);
        await source.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, cancelled.CancellationToken);
        // The host function's result comes too late, for nobody.
        gates.Open(1);
        Assert.Equal(3, guest.Instance.GetFunction<int, int, int>("add").Invoke(1, 2));
        call = guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, Token).AsTask();
        gates.Open(8);
        Assert.Equal(108, await call);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, source.Token));
    }

    [Fact]
    public async Task Cancelling_stops_a_guest_that_runs_after_a_suspension()
    {
        var gates = new Gates();
        using Guest guest = Make(gates.Wait);
        using var source = new CancellationTokenSource();
        Task<int> call = guest.Instance.GetFunction<int, int>("spin").InvokeAsync(1, source.Token).AsTask();
        Task opening = Task.Run(() => gates.Open(1), Token);
        await Task.Delay(20, Token);
        Assert.False(call.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await opening;
    }

    [Fact]
    public async Task Disposing_drops_the_guest_and_its_call_ends()
    {
        var gates = new Gates();
        Guest guest = Make(gates.Wait);
        Task<int> call = guest.Instance.GetFunction<int, int>("deep").InvokeAsync(100, Token).AsTask();
        Assert.False(call.IsCompleted);
        guest.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        gates.Open(1);
    }

    [Fact]
    public async Task Calls_nest_in_an_asynchronous_host_function_before_and_after_it_waits()
    {
        Instance? instance = null;
        using Guest guest = Make(async (int a) =>
        {
            TypedFunction<int, int> once = instance!.GetFunction<int, int>("once");
            if (a == 0)
            {
                await Task.Yield();
                return 1;
            }
            // The guest is called, and suspended, before this function has waited for anything; then again afterwards.
            int first = await once.InvokeAsync(a - 1, Token);
            int second = await once.InvokeAsync(a - 1, Token);
            return first + second + instance.GetFunction<int, int, int>("add").Invoke(1000, 1000);
        });
        instance = guest.Instance;
        int Expected(int a) => a == 0 ? 1 : (2 * (100 + Expected(a - 1))) + 2000;
        for (int i = 0; i < 5; i++)
            Assert.Equal(100 + Expected(5), await instance.GetFunction<int, int>("once").InvokeAsync(5, Token));
        TrapException trap = await Assert.ThrowsAsync<TrapException>(async () => await instance.GetFunction<int, int>("boom").InvokeAsync(2, Token));
        Assert.Equal(TrapCode.Unreachable, trap.Code);
    }

    [Fact]
    public async Task A_backtrace_goes_on_through_suspended_calls()
    {
        Instance? instance = null;
        using Guest guest = Make(async (int a) =>
        {
            await Task.Yield();
            return a == 1 ? await instance!.GetFunction<int, int>("boom").InvokeAsync(0, Token) : a;
        });
        instance = guest.Instance;
        TrapException trap = await Assert.ThrowsAsync<TrapException>(async () => await instance.GetFunction<int, int>("once").InvokeAsync(1, Token));
        Assert.Equal(["boom", "once"], trap.GuestBacktrace.Select(f => f.FunctionName));
    }

    // What is awaited goes on on another thread at once, often before this one has come to suspend the guest; the second time the store has suspended calls already.
    [Fact]
    public async Task A_host_function_calls_its_guest_from_another_thread_before_the_guest_is_suspended()
    {
        Instance? instance = null;
        using Guest guest = Make(async (int a) =>
        {
            await Task.Yield();
            if (a == 0)
                return 1;
            TypedFunction<int, int> once = instance!.GetFunction<int, int>("once");
            int first = await once.InvokeAsync(0, Token);
            await Task.Yield();
            return first + await once.InvokeAsync(0, Token) + instance.GetFunction<int, int, int>("add").Invoke(1, 2);
        });
        instance = guest.Instance;
        TypedFunction<int, int> outer = instance.GetFunction<int, int>("once");
        for (int i = 0; i < 500; i++)
            Assert.Equal(100 + 101 + 101 + 3, await outer.InvokeAsync(1, Token));
    }

    [Fact]
    public async Task An_outer_call_waits_for_inner_ones_that_nobody_awaited()
    {
        var gates = new Gates();
        Task<int>? inner = null;
        Instance? instance = null;
        using Guest guest = Make((int a) =>
        {
            if (a == 0)
                return gates.Wait(a);
            inner = instance!.GetFunction<int, int>("once").InvokeAsync(0, Token).AsTask();
            return new ValueTask<int>(a);
        });
        instance = guest.Instance;
        Task<int> outer = instance.GetFunction<int, int>("once").InvokeAsync(5, Token).AsTask();
        Assert.False(outer.IsCompleted);
        Assert.False(inner!.IsCompleted);
        gates.Open(1);
        Assert.Equal(101, await inner);
        Assert.Equal(105, await outer);
    }

    [Fact]
    public async Task A_call_that_ends_by_an_exception_ends_those_that_were_made_in_it()
    {
        var gates = new Gates();
        Task<int>? inner = null;
        Instance? instance = null;
        using Guest guest = Make((int a) =>
        {
            if (a == 0)
                return gates.Wait(a);
            inner = instance!.GetFunction<int, int>("once").InvokeAsync(0, Token).AsTask();
            throw new InvalidDataException();
        });
        instance = guest.Instance;
        await Assert.ThrowsAsync<InvalidDataException>(async () => await instance.GetFunction<int, int>("once").InvokeAsync(5, Token));
        await Assert.ThrowsAsync<InvalidOperationException>(() => inner!);
        Assert.Throws<InvalidDataException>(() => instance.GetFunction<int, int>("once").Invoke(5));
        gates.Open(1);
        gates.Open(1);
        Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
    }

    [Fact]
    public async Task Cancelling_an_outer_call_ends_the_inner_ones()
    {
        var gates = new Gates();
        Instance? instance = null;
        Exception? innerFailure = null;
        using var source = new CancellationTokenSource();
        using Guest guest = Make(async (int a) =>
        {
            if (a == 0)
                return await gates.Wait(a);
            await Task.Yield();
            try
            {
                return await instance!.GetFunction<int, int>("once").InvokeAsync(0, Token);
            }
            catch (OperationCanceledException e)
            {
                innerFailure = e;
                throw;
            }
        });
        instance = guest.Instance;
        Task<int> outer = instance.GetFunction<int, int>("once").InvokeAsync(5, source.Token).AsTask();
        await gates.Waiting;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => outer);
        while (innerFailure is null)
            await Task.Yield();
        gates.Open(1);
        Assert.Equal(5, instance.GetFunction<int, int, int>("add").Invoke(2, 3));
    }

    [Fact]
    public void A_synchronous_call_of_a_guest_that_would_wait_is_an_error_or_blocks_by_option()
    {
        var gates = new Gates();
        using (Guest guest = Make(gates.Wait))
        {
            Assert.Throws<SuspensionException>(() => guest.Instance.GetFunction<int, int>("once").Invoke(1));
            gates.Open(1);
            Assert.Equal(5, guest.Instance.GetFunction<int, int, int>("add").Invoke(2, 3));
        }
        using var blocking = new Engine(new EngineOptions { BlockOnPendingHostFunctions = true });
        using Guest patient = Make(blocking, async (int a) =>
        {
            await Task.Delay(1);
            return a == 13 ? throw new InvalidDataException() : a;
        });
        Assert.Equal(10, patient.Instance.GetFunction<int, int>("loop").Invoke(4));
        Assert.Throws<InvalidDataException>(() => patient.Instance.GetFunction<int, int>("once").Invoke(13));
        using Guest stuck = Make(blocking, gates.Wait);
        using var source = new CancellationTokenSource(20);
        Assert.ThrowsAny<OperationCanceledException>(() => stuck.Instance.GetFunction<int, int>("once").Invoke(13, source.Token));
        gates.Open(1);
    }

    [Fact]
    public async Task A_guest_inside_of_a_synchronous_host_function_cannot_be_suspended()
    {
        var gates = new Gates();
        Instance? instance = null;
        Linker linker = new Linker(_engine).DefineFunction("e", "f", (int a) => gates.Wait(a)).DefineFunction("e", "sync", (int a) =>
        {
            ValueTask<int> inner = instance!.GetFunction<int, int>("inner").InvokeAsync(a, Token);
            Assert.True(inner.IsFaulted);
            return inner.GetAwaiter().GetResult();
        });
        using Module module = Module.FromText(_engine, """
            (module (import "e" "f" (func $f (param i32) (result i32))) (import "e" "sync" (func $sync (param i32) (result i32)))
              (func (export "inner") (param i32) (result i32) (call $f (local.get 0)))
              (func (export "outer") (param i32) (result i32) (call $sync (local.get 0))))
            """);
        using InstanceTemplate template = linker.Prepare(module);
        instance = template.Instantiate();
        await Assert.ThrowsAsync<SuspensionException>(async () => await instance.GetFunction<int, int>("outer").InvokeAsync(1, Token));
        gates.Open(1);
        Task<int> direct = instance.GetFunction<int, int>("inner").InvokeAsync(1, Token).AsTask();
        gates.Open(7);
        Assert.Equal(7, await direct);
        instance.Dispose();
    }

    [Fact]
    public async Task Another_thread_is_refused_while_a_guest_runs_that_was_suspended()
    {
        var gates = new Gates();
        using Guest guest = Make(gates.Wait);
        using var source = new CancellationTokenSource();
        Task<int> call = guest.Instance.GetFunction<int, int>("spin").InvokeAsync(1, source.Token).AsTask();
        Task opening = Task.Run(() => gates.Open(1), Token);
        await Task.Delay(20, Token);
        Assert.Throws<InvalidOperationException>(() => guest.Instance.GetFunction<int, int, int>("add").Invoke(2, 3));
        // Without interruption, or with a host function that takes its time, this would come back after a second and leave the end to whoever leaves last.
        guest.Instance.Dispose();
        Assert.Equal(TrapCode.Interrupted, (await Assert.ThrowsAsync<TrapException>(() => call)).Code);
        await opening;
        Assert.Throws<ObjectDisposedException>(() => guest.Instance.GetFunction<int, int, int>("add"));
    }

    [Fact]
    public async Task Interrupting_ends_a_suspended_call_at_once_and_stops_no_later_one()
    {
        var gates = new Gates();
        using Guest guest = Make(gates.Wait);
        Task<int> call = guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, Token).AsTask();
        guest.Instance.Interrupt();
        TrapException trap = await Assert.ThrowsAsync<TrapException>(() => call);
        Assert.Equal(TrapCode.Interrupted, trap.Code);
        Assert.Contains("while the guest was suspended", trap.Message, StringComparison.Ordinal);
        Assert.Equal(5, guest.Instance.GetFunction<int, int>("loops").Invoke(5));
        // The result comes for nobody; the next call waits for its own.
        gates.Open(1);
        call = guest.Instance.GetFunction<int, int>("once").InvokeAsync(1, Token).AsTask();
        gates.Open(8);
        Assert.Equal(108, await call);
    }

    [Fact]
    public async Task Interrupting_ends_all_suspended_calls_and_a_host_function_in_between_hears_of_it()
    {
        var gates = new Gates();
        Instance? instance = null;
        TrapException? heard = null;
        using Guest guest = Make(async (int a) =>
        {
            if (a == 0)
                return await gates.Wait(a);
            await Task.Yield();
            heard = await Assert.ThrowsAsync<TrapException>(async () => await instance!.GetFunction<int, int>("once").InvokeAsync(0, Token));
            return a;
        });
        instance = guest.Instance;
        Task<int> outer = instance.GetFunction<int, int>("once").InvokeAsync(5, Token).AsTask();
        await gates.Waiting;
        // The inner call is suspended in a moment, if it is not yet.
        while (!instance.Data.Store.IsSuspended)
            await Task.Yield();
        instance.Interrupt();
        Assert.Equal(TrapCode.Interrupted, (await Assert.ThrowsAsync<TrapException>(() => outer)).Code);
        while (Volatile.Read(ref heard) is null)
            await Task.Yield();
        Assert.Equal(TrapCode.Interrupted, heard!.Code);
        gates.Open(1);
        Assert.Equal(3, instance.GetFunction<int, int, int>("add").Invoke(1, 2));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public async Task Cancelling_interrupting_completing_and_disposing_at_the_same_moment_end_the_call_once(int stacks)
    {
        // With fewer stacks than instances a call takes one and gives it back, whoever ends it.
        using var engine = new Engine(new EngineOptions
        {
            EnableInterruption = true,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 2 }, TotalStacks = stacks },
        });
        var gates = new Gates();
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", (int a) => gates.Wait(a)).Prepare(module);
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            Instance instance = template.Instantiate();
            using var source = new CancellationTokenSource();
            Task<int> call = instance.GetFunction<int, int>("once").InvokeAsync(1, source.Token).AsTask();
            Action[] actions = [source.Cancel, instance.Interrupt, instance.Dispose, () => gates.Open(7)];
            int first = random.Next(actions.Length);
            int second = (first + random.Next(1, actions.Length)) % actions.Length;
            Task[] threads = [.. new[] { first, second }.Select(n => Task.Run(
                () =>
                {
                    try
                    {
                        actions[n]();
                    }
                    catch (InvalidOperationException) when (n == 2)
                    {
                        // It was just running.
                    }
                },
                Token))];
            await Task.WhenAll(threads);
            if (first != 3 && second != 3)
                gates.Open(7);
            try
            {
                Assert.Equal(107, await call);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or TrapException { Code: TrapCode.Interrupted })
            {
            }
            instance.Dispose();
            using Instance next = template.Instantiate();
            Assert.Equal(3, next.GetFunction<int, int>("loops").Invoke(3));
        }
        Assert.Equal((0, 0), (engine.GetPoolStatistics().Instances.InUse, engine.GetPoolStatistics().Suspended));
    }

    [Fact]
    public async Task An_async_lambda_without_a_result_is_no_async_void()
    {
        bool done = false;
        Linker linker = new Linker(_engine).DefineFunction("e", "f", async (int _) =>
        {
            await Task.Delay(5);
            done = true;
        });
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (param i32))) (func (export "run") (call $f (i32.const 1))))""");
        using Instance instance = linker.Prepare(module).Instantiate();
        await instance.GetAction("run").InvokeAsync(Token);
        Assert.True(done);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async ValueTask<int> Throws(Exception exception)
    {
        await Task.CompletedTask;
        throw exception;
    }

    private Guest Make(Func<int, ValueTask<int>> body) => Make(_engine, body);

    private static Guest Make(Engine engine, Func<int, ValueTask<int>> body) => new(engine, Text, new Linker(engine).DefineFunction("e", "f", body));
}

// Components that break the contracts of WASI 0.2's interfaces, or ask for more than they may have. Each call is one function of the component, which passes its arguments on to the host.
using System.IO.Pipelines;
using Tarn.Components;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

public sealed class Preview2AttackTests
{
    // Imports of wasi:io, wasi:cli, wasi:random and wasi:clocks, exported again function by function: what the host defines is called with whatever a test wants.
    private const string Io = """
        (component
          (import "wasi:io/poll@0.2.0" (instance $poll
            (export "pollable" (type $pollable (sub resource)))
            (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
          (alias export $poll "pollable" (type $pollable))
          (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
          (alias export $error "error" (type $error))
          (import "wasi:io/streams@0.2.0" (instance $streams
            (alias outer 1 $error (type $e'))
            (export "error" (type $e (eq $e')))
            (export "output-stream" (type $out (sub resource)))
            (export "input-stream" (type $in (sub resource)))
            (type $failure (variant (case "last-operation-failed" (own $e)) (case "closed")))
            (export "stream-error" (type $f (eq $failure)))
            (export "[method]output-stream.write" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $f)))))
            (export "[method]output-stream.write-zeroes" (func (param "self" (borrow $out)) (param "len" u64) (result (result (error $f)))))
            (export "[method]input-stream.blocking-read" (func (param "self" (borrow $in)) (param "len" u64) (result (result (list u8) (error $f)))))))
          (alias export $streams "output-stream" (type $out))
          (alias export $streams "input-stream" (type $in))
          (import "wasi:cli/stdout@0.2.0" (instance $stdout (alias outer 1 $out (type $o')) (export "output-stream" (type $o (eq $o'))) (export "get-stdout" (func (result (own $o))))))
          (import "wasi:cli/stdin@0.2.0" (instance $stdin (alias outer 1 $in (type $i')) (export "input-stream" (type $i (eq $i'))) (export "get-stdin" (func (result (own $i))))))
          (import "wasi:random/random@0.2.0" (instance $random (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
          (core module $memory
            (memory (export "memory") 400)
            (global $next (mut i32) (i32.const 65536))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32)
              (local $at i32)
              (local.set $at (global.get $next))
              (global.set $next (i32.add (global.get $next) (local.get 3)))
              (local.get $at)))
          (core instance $m (instantiate $memory))
          (core func $get-stdout (canon lower (func $stdout "get-stdout")))
          (core func $get-stdin (canon lower (func $stdin "get-stdin")))
          (core func $write (canon lower (func $streams "[method]output-stream.write") (memory (core memory $m "memory"))))
          (core func $write-zeroes (canon lower (func $streams "[method]output-stream.write-zeroes") (memory (core memory $m "memory"))))
          (core func $read (canon lower (func $streams "[method]input-stream.blocking-read") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
          (core func $poll (canon lower (func $poll "poll") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
          (core func $random (canon lower (func $random "get-random-bytes") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
          (core module $main
            (import "h" "memory" (memory 1))
            (import "h" "get-stdout" (func $get-stdout (result i32)))
            (import "h" "get-stdin" (func $get-stdin (result i32)))
            (import "h" "write" (func $write (param i32 i32 i32 i32)))
            (import "h" "write-zeroes" (func $write-zeroes (param i32 i64 i32)))
            (import "h" "read" (func $read (param i32 i64 i32)))
            (import "h" "poll" (func $poll (param i32 i32 i32)))
            (import "h" "random" (func $random (param i64 i32)))
            (func (export "write-unasked") (call $write (call $get-stdout) (i32.const 0) (i32.const 10) (i32.const 16)))
            (func (export "zeroes-unasked") (call $write-zeroes (call $get-stdout) (i64.const -1) (i32.const 16)))
            (func (export "poll-nothing") (call $poll (i32.const 0) (i32.const 0) (i32.const 16)))
            (func (export "poll-forged") (i32.store (i32.const 0) (call $get-stdout)) (call $poll (i32.const 0) (i32.const 1) (i32.const 16)))
            (func (export "random") (param i64) (call $random (local.get 0) (i32.const 16)))
            (func (export "streams") (param i32)
              (loop $again
                (drop (call $get-stdout))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
            (func (export "read") (call $read (call $get-stdin) (i64.const -1) (i32.const 16))))
          (core instance $i (instantiate $main (with "h" (instance
            (export "memory" (memory $m "memory")) (export "get-stdout" (func $get-stdout)) (export "get-stdin" (func $get-stdin)) (export "write" (func $write)) (export "write-zeroes" (func $write-zeroes))
            (export "read" (func $read)) (export "poll" (func $poll)) (export "random" (func $random))))))
          (func (export "write-unasked") (canon lift (core func $i "write-unasked")))
          (func (export "zeroes-unasked") (canon lift (core func $i "zeroes-unasked")))
          (func (export "poll-nothing") (canon lift (core func $i "poll-nothing")))
          (func (export "poll-forged") (canon lift (core func $i "poll-forged")))
          (func (export "random") (param "n" u64) (canon lift (core func $i "random")))
          (func (export "streams") (param "n" u32) (canon lift (core func $i "streams")))
          (func (export "read") (canon lift (core func $i "read"))))
        """;

    [Theory]
    [InlineData("write-unasked", "permitted")]
    [InlineData("zeroes-unasked", "are the most")]
    [InlineData("poll-nothing", "empty list")]
    [InlineData("poll-forged", "wrong type")]
    public void A_broken_contract_is_a_trap(string function, string reason)
    {
        using Started started = new(new WasiOptions());
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => started.Instance.GetFunction(function).Invoke());
        Assert.Contains(reason, trap.Message, StringComparison.Ordinal);
        Assert.True(started.Instance.HasTrapped);
    }

    [Fact]
    public void Random_bytes_are_bounded()
    {
        using (Started started = new(new WasiOptions()))
            started.Instance.GetFunction("random").Invoke(ComponentValue.FromUInt64(16 << 20));
        using (Started started = new(new WasiOptions()))
        {
            // The guest runs on this thread; other tests allocate on theirs.
            long before = GC.GetAllocatedBytesForCurrentThread();
            ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => started.Instance.GetFunction("random").Invoke(ComponentValue.FromUInt64(ulong.MaxValue)));
            Assert.Equal(ComponentTrapCode.LimitReached, trap.Code);
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
        }
    }

    [Fact]
    public void Handles_are_bounded_and_dropped_with_the_instance()
    {
        using Started started = new(new WasiOptions(), new ComponentOptions { Handles = 1000 });
        started.Instance.GetFunction("streams").Invoke(ComponentValue.FromUInt32(1000));
        ComponentTrapException trap = Assert.Throws<ComponentTrapException>(() => started.Instance.GetFunction("streams").Invoke(ComponentValue.FromUInt32(1)));
        Assert.Equal(ComponentTrapCode.LimitReached, trap.Code);
    }

    [Fact]
    public async Task A_read_that_waits_holds_no_thread_and_ends_with_its_token()
    {
        const int Instances = 200;
        using CancellationTokenSource stop = new();
        List<Started> all = [.. Enumerable.Range(0, Instances).Select(_ => new Started(new WasiOptions { StandardInput = new Pipe().Reader.AsStream() }))];
        int threads = System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        Task[] calls = [.. all.Select(started => started.Instance.GetFunction("read").InvokeAsync([], stop.Token).AsTask())];
        await Task.Delay(300);
        Assert.All(calls, call => Assert.False(call.IsCompleted));
        Assert.InRange(System.Diagnostics.Process.GetCurrentProcess().Threads.Count, 1, threads + 50);
        await stop.CancelAsync();
        foreach (Task call in calls)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        foreach (Started started in all)
            started.Dispose();
    }

    private sealed class Started : IDisposable
    {
        private readonly WasiContext _context;
        private readonly Component _component;

        public Started(WasiOptions options, ComponentOptions? limits = null)
        {
            _context = new WasiContext(options);
            _component = Component.FromText(Guest.Engine, Io);
            Instance = new ComponentLinker(Guest.Engine).DefineWasi(_context).Prepare(_component, limits).Instantiate();
        }

        public ComponentInstance Instance { get; }

        public void Dispose()
        {
            Instance.Dispose();
            _component.Dispose();
            _context.Dispose();
        }
    }
}

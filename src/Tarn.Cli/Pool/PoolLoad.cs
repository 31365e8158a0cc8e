// The load of tarn pool: workers that instantiate, call and dispose as fast as they can, and others whose guests are suspended for a while. Each worker measures
// for itself; whoever looks takes what has come together.
using System.Diagnostics;
using Tarn.Cli.Running;

namespace Tarn.Cli.Pool;

internal sealed class PoolLoad : IDisposable
{
    private const string Sample = """
        (module
          (import "load" "wait" (func $wait (param i32)))
          (memory (export "memory") 4) (table 8 funcref)
          (data (i32.const 1024) "a small data segment")
          (func (export "run")
            (i32.store (i32.const 0) (i32.load (i32.const 1024)))
            (i32.store (i32.const 70000) (i32.const 1)))
          (func (export "hold") (param i32) (call $wait (local.get 0))))
        """;

    private const int LongestWait = 400;

    private readonly Module _module;
    private readonly Module _holder;
    private readonly InstanceTemplate _template;
    private readonly InstanceTemplate _holderTemplate;
    private readonly string? _export;
    private readonly int _hold;
    private readonly LatencyHistogram[] _latencies;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _threads = [];
    private Task _holding = Task.CompletedTask;
    private Exception? _failure;
    private long _traps;

    public PoolLoad(Engine engine, string? path, string? export, int workers, int hold)
    {
        _export = export ?? (path is null ? "run" : null);
        _hold = hold;
        Linker linker = new Linker(engine).DefineFunction("load", "wait", async (Caller caller, int milliseconds) => await Task.Delay(milliseconds, caller.CancellationToken));
        _holder = Module.FromText(engine, Sample);
        _holderTemplate = linker.Prepare(_holder);
        _module = path is null ? Module.FromText(engine, Sample) : ModuleLoader.FromFile(engine, path);
        _template = linker.DefineUnknownImportsAsTraps().Prepare(_module);
        _latencies = new LatencyHistogram[workers];
        for (int i = 0; i < workers; i++)
            _latencies[i] = new LatencyHistogram();
    }

    /// <summary>What ended the load before its time.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Guests that trapped.</summary>
    public long Traps => Interlocked.Read(ref _traps);

    public void Start()
    {
        foreach (LatencyHistogram latencies in _latencies)
        {
            var thread = new Thread(() => Work(latencies)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
        _holding = Task.WhenAll(Enumerable.Range(0, _hold).Select(i => Task.Run(() => HoldAsync(i))));
    }

    public void Stop()
    {
        _stop.Cancel();
        foreach (Thread thread in _threads)
            thread.Join();
        _holding.Wait();
        if (Failure is Exception failure)
            throw failure is WasmException ? failure : new InvalidOperationException("the load ended before its time", failure);
    }

    /// <summary>Adds up what all workers have measured since the start.</summary>
    public LatencyHistogram Latencies()
    {
        var sum = new LatencyHistogram();
        foreach (LatencyHistogram latencies in _latencies)
            sum.Add(latencies);
        return sum;
    }

    public void Dispose()
    {
        _template.Dispose();
        _holderTemplate.Dispose();
        _module.Dispose();
        _holder.Dispose();
        _stop.Dispose();
    }

    private void Work(LatencyHistogram latencies)
    {
#pragma warning disable CA1031 // It is shown to the user, by the thread that can.
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                // In the calm case this completes at once; in an exhausted pool it is what everybody does.
                using (Instance instance = Wait(_template.InstantiateAsync(cancellationToken: _stop.Token)))
                {
                    if (_export is not null && !instance.GetAction(_export).TryInvoke(out _))
                        Interlocked.Increment(ref _traps);
                }
                latencies.Record(Stopwatch.GetElapsedTime(start));
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Volatile.Write(ref _failure, e);
        }
#pragma warning restore CA1031
    }

    private static Instance Wait(ValueTask<Instance> instance) => instance.IsCompletedSuccessfully ? instance.Result : instance.AsTask().GetAwaiter().GetResult();

    private async Task HoldAsync(int seed)
    {
        var random = new Random(seed);
#pragma warning disable CA1031 // As above.
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                using Instance instance = await _holderTemplate.InstantiateAsync(cancellationToken: _stop.Token);
                await instance.GetAction<int>("hold").InvokeAsync(random.Next(1, LongestWait), _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Volatile.Write(ref _failure, e);
        }
#pragma warning restore CA1031
    }
}

// Snapshots of guests that use WASI: a JavaScript engine that is initialized once, and descriptors that a snapshot must not take.
using System.Diagnostics;
using Tarn.TestSupport;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

public sealed class SnapshotTests(ITestOutputHelper output)
{
    [Fact]
    public void Open_descriptors_refuse_a_snapshot_and_those_that_were_given_do_not()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["file"], "text");
        using Module module = Module.FromText(Guest.Engine, """
            (module
              (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
              (memory (export "memory") 1) (data (i32.const 0) "file")
              (func (export "open") (result i32) (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 64)))
              (func (export "close") (param i32) (result i32) (call $close (local.get 0))))
            """);
        foreach (bool isState in new[] { false, true })
        {
            using var context = new WasiContext(new WasiOptions { Preopens = [WasiPreopen.Host(directory.Path, "/")] });
            Linker linker = isState ? new Linker(Guest.Engine).DefineWasi() : new Linker(Guest.Engine).DefineWasi(context);
            using InstanceTemplate plain = linker.Prepare(module);
            object? state = isState ? context : null;
            Assert.Contains("WASI descriptor 4 open", Assert.Throws<SnapshotException>(() => plain.Initialize(static i => i.GetFunction("open").Invoke(), state)).Message, StringComparison.Ordinal);
            using (InstanceTemplate template = plain.Initialize(static i => Assert.Equal(0, i.GetFunction<int, int>("close").Invoke(4)), state))
            {
                using Instance instance = template.Instantiate(state);
                _ = instance.Save();
                Assert.Equal(0, instance.GetFunction<int>("open").Invoke());
                Assert.Throws<SnapshotException>(instance.Save);
                Assert.Equal(0, instance.GetFunction<int, int>("close").Invoke(4));
                Assert.Equal(0, instance.GetFunction<int, int>("close").Invoke(1));
                Assert.Contains("descriptor 1, which it was given", Assert.Throws<SnapshotException>(instance.Save).Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void QuickJS_continues_from_its_snapshot(AllocationStrategy allocation)
    {
        string? folder = NpmPackages.TryGet("quickjs-wasi@3.6.2", out string absence);
        Assert.SkipWhen(folder is null, absence);
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = allocation,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 8, TableElements = 20_000 } },
        });
        using Module module = Module.FromFile(engine, Path.Combine(folder!, "quickjs.wasm"));
        using InstanceTemplate plain = new Linker(engine).DefineWasi().DefineUnknownImportsAsTraps().Prepare(module);
        long start = Stopwatch.GetTimestamp();
        using var first = new WasiContext(new WasiOptions());
        using InstanceTemplate template = plain.Initialize(
            instance =>
            {
                Assert.Equal(0, first.Run(instance));
                _ = instance.GetFunction("qjs_init").Invoke();
                Assert.Equal("3", RealProgramTests.Evaluate(instance, "globalThis.handler = (name) => 'Hello, ' + name + ' ' + JSON.stringify([1, 2]); 3"));
            },
            first);
        output.WriteLine($"{allocation}: initialised in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms, {template.SnapshotBytes} bytes");
        Measure("instance", template, static _ => { });
        Measure("instance and a call of a function in JavaScript", template, static instance => Assert.Equal("1", RealProgramTests.Evaluate(instance, "1")));
        using Module loaded = Module.Deserialize(engine, template.Serialize());
        using InstanceTemplate again = new Linker(engine).DefineWasi().DefineUnknownImportsAsTraps().Prepare(loaded);
        foreach (InstanceTemplate one in new[] { template, again })
        {
            for (int i = 0; i < 20; i++)
            {
                using var context = new WasiContext(new WasiOptions());
                using Instance instance = one.Instantiate(context);
                Assert.Equal($"Hello, {i} [1,2]", RealProgramTests.Evaluate(instance, $"handler('{i}')"));
                Assert.Equal("undefined", RealProgramTests.Evaluate(instance, "typeof leaked"));
                Assert.Equal("1", RealProgramTests.Evaluate(instance, "globalThis.leaked = 1"));
                using var next = new WasiContext(new WasiOptions());
                using Instance restored = one.Restore(instance.Save(), next);
                Assert.Equal("number", RealProgramTests.Evaluate(restored, "typeof leaked"));
            }
        }
    }

    // What a request costs; for people.
    private void Measure(string what, InstanceTemplate template, Action<Instance> request)
    {
        using var context = new WasiContext(new WasiOptions());
        var times = new List<double>();
        for (int i = 0; i < 1000; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using (Instance instance = template.Instantiate(context))
                request(instance);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        times.Sort();
        output.WriteLine($"{what}: median {times[500]:0.0} µs, least {times[0]:0.0} µs");
    }
}

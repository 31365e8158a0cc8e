// The signal handler's table of slabs while engines come and go: a guest that faults in its own slab must be served by its own entry, whatever happens to
// the others at that moment. Slabs of different sizes are made and removed without pause, so that entries are reused with other bases and lengths.
namespace Tarn.Runtime.Tests.Pooling;

public sealed class FaultRangeTests
{
    private const int Engines = 300;

    [Fact]
    public void Engines_come_and_go_while_guests_fault()
    {
        Assert.SkipWhen(ExecutionSwitch.IsPortable, ExecutionSwitch.Reason);
        const string Text = """
            (module (memory (export "m") 16)
              (func (export "touch") (param $page i32) (param $value i32) (result i32)
                (i32.store (i32.shl (local.get $page) (i32.const 12)) (local.get $value))
                (i32.load (i32.shl (local.get $page) (i32.const 12)))))
            """;
        using Engine engine = Make(4, 16);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        bool isOver = false;
        var churn = new Thread[2];
        for (int t = 0; t < churn.Length; t++)
        {
            int seed = t;
            churn[t] = new Thread(() =>
            {
                var random = new Random(seed);
                for (int i = 0; i < Engines; i++)
                    Make(random.Next(1, 9), random.Next(1, 65)).Dispose();
                Volatile.Write(ref isOver, true);
            });
            churn[t].Start();
        }

        // Every instance touches pages that the ones before it did not, so that something is always opened. On a busy machine the others may be over before this thread gets a turn.
        int faults = 0;
        for (int round = 0; round < 100 || !Volatile.Read(ref isOver); round++)
        {
            using Instance instance = template.Instantiate();
            TypedFunction<int, int, int> touch = instance.GetFunction<int, int, int>("touch");
            for (int k = 0; k < 8; k++, faults++)
                Assert.Equal(round + k, touch.Invoke(((round * 37) + (k * 29)) & 255, round + k));
        }

        foreach (Thread thread in churn)
            thread.Join();
        Assert.True(faults > 0);
        Assert.True(engine.GetPoolStatistics().Faults > 0);
    }

    private static Engine Make(int count, int pages) => new(new EngineOptions
    {
        Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = count, MemoryPages = pages } },
    });
}

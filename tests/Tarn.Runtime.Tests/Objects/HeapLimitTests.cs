// What a heap may take: by the engine, by the store, by the limiter. A limit is kept, at every moment, or refused.
using System.Diagnostics.Metrics;

namespace Tarn.Runtime.Tests.Objects;

public sealed class HeapLimitTests
{
    private const string Text = """
        (module
          (type $list (struct (field (ref null $list)) (field i64)))
          (type $bytes (array (mut i8)))
          (global $kept (mut (ref null $list)) (ref.null $list))
          (global $array (mut (ref null $bytes)) (ref.null $bytes))
          (func (export "keep") (param $n i32)
            (loop $l
              (global.set $kept (struct.new $list (global.get $kept) (i64.const 1)))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "drop") (global.set $kept (ref.null $list)) (global.set $array (ref.null $bytes)))
          (func (export "array") (param i32) (global.set $array (array.new_default $bytes (local.get 0))))
          (func (export "garbage") (param $n i32)
            (loop $l
              (drop (struct.new $list (ref.null $list) (i64.const 1)))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
        """;

    public static TheoryData<AllocationStrategy> Strategies => [AllocationStrategy.OnDemand, AllocationStrategy.Pooling];

    [Theory]
    [MemberData(nameof(Strategies))]
    public void The_limit_of_a_store_holds(AllocationStrategy allocation)
    {
        using Engine engine = Make(allocation);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        foreach (long limit in new long[] { 64 << 10, 1 << 20, 10_000_000 })
        {
            using Instance i = template.Instantiate(limits: new StoreLimits { MaximumHeapBytes = limit });
            TypedAction<int> keep = i.GetAction<int>("keep");
            TrapException full = Assert.Throws<TrapException>(() => keep.Invoke(int.MaxValue));
            Assert.Equal(TrapCode.AllocationTooLarge, full.Code);
            Assert.Contains($"{limit} are the limit of the store (StoreLimits.MaximumHeapBytes)", full.Message, StringComparison.Ordinal);
            i.GetAction("drop").Invoke();
            i.GetAction<int>("garbage").Invoke(1_000_000);
            keep.Invoke((int)(limit / 2 / 16));
            Assert.InRange(i.Store.GetHeapStatistics().UsedBytes, limit / 3, limit);
            Assert.Equal(limit, i.Store.GetHeapStatistics().MaximumBytes);
            i.GetAction("drop").Invoke();
            Assert.Throws<TrapException>(() => i.GetAction<int>("array").Invoke((int)limit));
            i.GetAction<int>("array").Invoke((int)(limit / 2));
        }
        using (Instance unlimited = template.Instantiate())
            unlimited.GetAction<int>("keep").Invoke(1_000_000);
        InstantiationException refused = Assert.Throws<InstantiationException>(() => template.Instantiate(limits: new StoreLimits { MaximumHeapBytes = 65_535 }));
        Assert.Contains("65536 bytes at least, and 65535 are the limit of the store (StoreLimits.MaximumHeapBytes)", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new StoreLimits { MaximumHeapBytes = -1 });
        using Instance last = template.Instantiate();
        last.GetAction<int>("keep").Invoke(1000);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_limiter_is_asked_before_a_heap_grows(AllocationStrategy allocation)
    {
        using Engine engine = Make(allocation);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        long total = 0;
        long most = 8 << 20;
        List<ResourceRequest> asked = [];
        bool Allow(in ResourceRequest request)
        {
            if (request.Kind != ResourceKind.Heap)
                return true;
            asked.Add(request);
            if (total + request.Desired - request.Current > most)
                return false;
            total += request.Desired - request.Current;
            return true;
        }

        using (Instance i = template.Instantiate(limits: new StoreLimits { Limiter = Allow }))
        {
            Assert.Equal((0, 1 << 20), (asked[0].Current, asked[0].Desired));
            i.GetAction<int>("garbage").Invoke(1_000_000);
            Assert.Single(asked);
            TrapException full = Assert.Throws<TrapException>(() => i.GetAction<int>("keep").Invoke(int.MaxValue));
            Assert.Contains("the store's limiter (StoreLimits.Limiter) has allowed 8388608", full.Message, StringComparison.Ordinal);
            Assert.InRange(i.Store.GetHeapStatistics().UsedBytes, 4 << 20, 9 << 20);
            Assert.Equal(8 << 20, total);
            Assert.True(asked.Count < 10);
            i.GetAction("drop").Invoke();
            i.GetAction<int>("array").Invoke(3 << 20);
        }
        total = 0;
        most = 0;
        Assert.Throws<InstantiationException>(() => template.Instantiate(limits: new StoreLimits { Limiter = Allow }));
        var wrong = new InvalidOperationException("the limiter's own");
        using Instance second = template.Instantiate(limits: new StoreLimits { Limiter = (in ResourceRequest request) => request.Current == 0 ? true : throw wrong });
        Assert.Same(wrong, Assert.Throws<InvalidOperationException>(() => second.GetAction<int>("keep").Invoke(int.MaxValue)));
        second.GetAction("drop").Invoke();
        second.GetAction<int>("garbage").Invoke(1_000_000);
    }

    // The limiter may call guests, which make garbage, or keep what they make.
    [Fact]
    public void A_limiter_may_run_guests()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Instance? instance = null;
        int depth = 0;
        bool Allow(in ResourceRequest request)
        {
            if (instance is not null && depth == 0)
            {
                depth++;
                instance.GetAction<int>("garbage").Invoke(300_000);
                instance.GetAction<int>("keep").Invoke(30_000);
                depth--;
            }
            return request.Desired <= 32 << 20;
        }

        using Instance i = template.Instantiate(limits: new StoreLimits { Limiter = Allow });
        instance = i;
        i.GetAction<int>("keep").Invoke(600_000);
        Assert.Throws<TrapException>(() => i.GetAction<int>("keep").Invoke(int.MaxValue));
        i.GetAction("drop").Invoke();
        i.GetAction<int>("garbage").Invoke(1_000_000);
    }

    [Fact]
    public void An_engine_without_room_for_heaps_refuses_them()
    {
        using Engine engine = new(new EngineOptions { MaximumHeapBytes = 0 });
        using Module module = Module.FromText(engine, Text);
        Assert.Contains("EngineOptions.MaximumHeapBytes", Assert.Throws<InstantiationException>(() => new Linker(engine).Prepare(module).Instantiate()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Collections_are_measured()
    {
        var seen = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Tarn" && instrument.Name.StartsWith("tarn.heap.", StringComparison.Ordinal))
                l.EnableMeasurementEvents(instrument);
        };
        void Note(string name, double value)
        {
            lock (seen)
                seen[name] = seen.GetValueOrDefault(name) + value;
        }

        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Note(instrument.Name, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Note(instrument.Name, value));
        listener.Start();
        using Engine engine = Make(AllocationStrategy.Pooling);
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance i = template.Instantiate();
        Assert.Equal(0, i.Store.GetHeapStatistics().Collections);
        i.GetAction<int>("keep").Invoke(1_000_000);
        HeapStatistics statistics = i.Store.GetHeapStatistics();
        Assert.InRange(statistics.Collections, 14, 16);
        Assert.InRange(statistics.FullCollections, 1, 10);
        Assert.True(statistics.BytesMoved > 16_000_000);
        Assert.True(statistics.LongestPause > TimeSpan.Zero);
        Assert.True(seen["tarn.heap.collections"] >= statistics.Collections);
        Assert.True(seen["tarn.heap.moved"] >= statistics.BytesMoved);
        Assert.True(seen["tarn.heap.collection.duration"] > 0);
        Assert.Equal(1, engine.GetPoolStatistics().Heaps.InUse);
    }

    private static Engine Make(AllocationStrategy allocation) => new(new EngineOptions { AllocationStrategy = allocation, Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 2 } } });
}

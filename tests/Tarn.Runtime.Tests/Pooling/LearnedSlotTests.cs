// What the learned reset learns and forgets: that the steady state takes neither faults nor system calls, that a budget exceeded opens the slot as a whole,
// that pages nobody writes any more are closed again, and that slots bound later start with what others have learned.
using Tarn.Pooling;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class LearnedSlotTests
{
    // More resets than a page may go unwritten.
    private const int Long = 1100;

    private const string Guest = """
        (module
          (memory (export "memory") 4)
          (data (i32.const 0) "data")
          (func (export "write") (param $first i32) (param $pages i32)
            (local.set $first (i32.shl (local.get $first) (i32.const 12)))
            (loop $again
              (i32.store offset=2 (local.get $first) (i32.const -1))
              (local.set $first (i32.add (local.get $first) (i32.const 8192)))
              (br_if $again (local.tee $pages (i32.sub (local.get $pages) (i32.const 1))))))
          (func (export "sum") (param $at i32) (result i32) (local $sum i32)
            (loop $again
              (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
              (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.shl (memory.size) (i32.const 16)))))
            local.get $sum)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        """;

    private const int Fresh = 'd' + 'a' + 't' + 'a';

    [Fact]
    public void The_steady_state_makes_no_system_call_and_learns_nothing_more()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Make(MemoryStrategy.Guarded, 2);
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Live(template, 1, 5);
        LearnedMemorySlot slot = SlotOf(template);
        int learned = slot.Learned;
        scope.Calls = 0;
        for (int i = 0; i < 3000; i++)
            Live(template, 1, 5);
        Assert.Equal((0, learned, 5), (scope.Calls, slot.Learned, slot.OpenPages));
    }

    [Theory]
    [InlineData(MemoryStrategy.Guarded, 2)]
    [InlineData(MemoryStrategy.Checked, 0)]
    public void Growing_again_and_again_takes_no_fault_and_two_calls_where_code_relies_on_faults(MemoryStrategy strategy, int calls)
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Make(strategy, 2);
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        void Grow()
        {
            using Instance instance = template.Instantiate();
            Assert.Equal(4, instance.GetFunction<int, int>("grow").Invoke(1));
            Assert.Equal(0, instance.GetFunction<int, int>("sum").Invoke(4 << 16));
            instance.GetAction<int, int>("write").Invoke(64, 3);
        }
        for (int i = 0; i < 3; i++)
            Grow();
        // Reading a grown page opens it too, so the whole of it is hot.
        const int Rounds = 100;
        scope.Calls = 0;
        for (int i = 0; i < Rounds; i++)
            Grow();
        Assert.Equal(calls * Rounds, scope.Calls);
    }

    [Fact]
    public void A_guest_that_writes_more_pages_than_the_budget_opens_the_slot_and_calm_brings_it_back()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, 1000);
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Live(template, 0, 3);
        LearnedMemorySlot slot = SlotOf(template);
        Assert.False(slot.IsAllOpen);
        Live(template, 0, 32);
        Assert.True(slot.IsAllOpen);
        AssertFresh(template);
        for (int i = 0; i < Long; i++)
            Live(template, 0, 3);
        Assert.False(slot.IsAllOpen);
        // It has learned anew since.
        Assert.Equal(3, slot.OpenPages);
        AssertFresh(template);
    }

    [Fact]
    public void Pages_that_nobody_writes_any_more_are_closed_and_hold_what_they_should()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, 2);
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Live(template, 0, 6);
        LearnedMemorySlot slot = SlotOf(template);
        Assert.Equal(6, slot.OpenPages);
        for (int i = 0; i < Long; i++)
            Live(template, 10, 1);
        Assert.Equal(1, slot.OpenPages);
        AssertFresh(template);
        Live(template, 0, 6);
        Assert.Equal(6, slot.OpenPages);
        AssertFresh(template);
    }

    [Fact]
    public void A_slot_bound_later_starts_with_what_others_have_learned()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, 3);
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Live(template, 1, 4);
        using Instance first = template.Instantiate();
        using Instance second = template.Instantiate();
        var slot = (LearnedMemorySlot)second.Memory.Instance.Slot!;
        Assert.NotSame(first.Memory.Instance.Slot, slot);
        int learned = slot.Learned;
        Assert.Equal(4, slot.OpenPages);
        second.GetAction<int, int>("write").Invoke(1, 4);
        second.Dispose();
        Assert.Equal(learned, slot.Learned);
        AssertFresh(template);
    }

    [Fact]
    public void Reading_opens_nothing()
    {
        using Engine engine = Make(MemoryStrategy.Guarded, 2);
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using (Instance instance = template.Instantiate())
        {
            Assert.Equal(Fresh, instance.GetFunction<int, int>("sum").Invoke(0));
            Assert.Equal("data", instance.Memory.ReadNullTerminatedUtf8(0));
            Assert.Equal(0, instance.Memory.Read<long>((4 << 16) - 8));
        }
        Assert.Equal(0, SlotOf(template).OpenPages);
    }

    private static void Live(InstanceTemplate template, int first, int pages)
    {
        using Instance instance = template.Instantiate();
        instance.GetAction<int, int>("write").Invoke(first, pages);
    }

    private static void AssertFresh(InstanceTemplate template)
    {
        using Instance instance = template.Instantiate();
        Assert.Equal(Fresh, instance.GetFunction<int, int>("sum").Invoke(0));
    }

    private static LearnedMemorySlot SlotOf(InstanceTemplate template)
    {
        using Instance instance = template.Instantiate();
        return (LearnedMemorySlot)instance.Memory.Instance.Slot!;
    }

    private static Engine Make(MemoryStrategy strategy, int count) => new(new EngineOptions
    {
        AllocationStrategy = AllocationStrategy.Pooling,
        MemoryStrategy = strategy,
        Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = count, MemoryPages = 5 }, ResetStrategy = ResetStrategy.Learned },
    });
}

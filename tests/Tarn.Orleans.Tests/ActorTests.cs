// Actors: what is acknowledged is stored, and what fails leaves what was stored.

namespace Tarn.Orleans.Tests;

public sealed class ActorTests
{
    [Fact]
    public async Task A_durable_call_is_in_storage_when_it_returns()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("counter", TestSilo.Counter);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        Assert.Equal(5, await AddAsync(actor, 5, isDurable: true));
        // What is in memory is thrown away.
        await Assert.ThrowsAsync<GuestCallException>(() => actor.CallAsync(new GuestRequest { Function = "addThenTrap", Arguments = [100L] }));
        Assert.Equal(6, await AddAsync(actor, 1, isDurable: true));
        await actor.ReleaseAsync();
        Assert.Equal(0, silo.Actors.Count);
        Assert.Equal(8, await AddAsync(actor, 2, isDurable: true));
    }

    [Fact]
    public async Task A_call_that_is_not_durable_is_saved_by_the_timer_and_by_releasing()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.SaveInterval = TimeSpan.FromMilliseconds(50));
        await silo.RollOutAsync("counter", TestSilo.Counter);
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        silo.Storage.AfterWrite = _ => written.TrySetResult();
        Assert.Equal(3, await AddAsync(actor, 3, isDurable: false));
        await written.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        silo.Storage.AfterWrite = null;
        Assert.Equal(4, await AddAsync(actor, 1, isDurable: false));
        await actor.ReleaseAsync();
        Assert.Equal(4, await AddAsync(actor, 0, isDurable: false));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_that_fails_fails_the_call_and_the_next_call_begins_with_what_is_stored(bool wasKept)
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("counter", TestSilo.Counter);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        await AddAsync(actor, 1, isDurable: true);
        Action<string> fail = static _ => throw new IOException("the disk is full");
        if (wasKept)
            silo.Storage.AfterWrite = fail;
        else
            silo.Storage.BeforeWrite = fail;
        GuestCallException failure = await Assert.ThrowsAsync<GuestCallException>(() => AddAsync(actor, 10, isDurable: true));
        Assert.Equal(GuestFailure.StorageFailed, failure.Failure);
        silo.Storage.AfterWrite = silo.Storage.BeforeWrite = null;
        Assert.Equal(wasKept ? 11 : 1, await AddAsync(actor, 0, isDurable: true));
    }

    [Fact]
    public async Task Of_two_writers_one_is_refused()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("counter", TestSilo.Counter);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        await AddAsync(actor, 1, isDurable: true);
        silo.Storage.Tamper("counter/a", static _ => { });
        GuestCallException failure = await Assert.ThrowsAsync<GuestCallException>(() => AddAsync(actor, 1, isDurable: true));
        Assert.Equal(GuestFailure.StorageFailed, failure.Failure);
        Assert.Equal(2, await AddAsync(actor, 1, isDurable: true));
    }

    [Fact]
    public async Task What_cannot_be_saved_is_refused_with_the_reason()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("host", """
            (module (import "host" "object" (func $o (result externref))) (table 1 externref) (memory (export "memory") 1)
              (func (export "keep") (table.set (i32.const 0) (call $o))) (func (export "fine")))
            """).ThrowsInvalidModule();
        await using TestSilo other = await TestSilo.StartAsync(static options => options.ConfigureLinker = static linker => linker.DefineFunction("host", "object", static (Tarn.Caller _) => new object()));
        await other.RollOutAsync("host", """
            (module (import "host" "object" (func $o (result externref))) (table 1 externref) (memory (export "memory") 1)
              (func (export "keep") (table.set (i32.const 0) (call $o))) (func (export "fine")))
            """);
        IGuestActor actor = other.Grains.GetGuestActor("host", "a");
        await actor.CallAsync(new GuestRequest { Function = "fine", IsDurable = true });
        GuestCallException failure = await Assert.ThrowsAsync<GuestCallException>(() => actor.CallAsync(new GuestRequest { Function = "keep", IsDurable = true }));
        Assert.Equal(GuestFailure.CannotBeSaved, failure.Failure);
        Assert.Contains("table 0 is a reference", failure.Message, StringComparison.Ordinal);
        await actor.CallAsync(new GuestRequest { Function = "fine", IsDurable = true });
    }

    [Fact]
    public async Task A_state_that_is_too_large_is_not_written()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.MaximumStateBytes = 20_000);
        await silo.RollOutAsync("fill", """(module (memory 2) (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0))))""");
        IGuestActor actor = silo.Grains.GetGuestActor("fill", "a");
        await actor.CallAsync(new GuestRequest { Function = "fill", Arguments = [4096], IsDurable = true });
        GuestCallException failure = await Assert.ThrowsAsync<GuestCallException>(() => actor.CallAsync(new GuestRequest { Function = "fill", Arguments = [65536], IsDurable = true }));
        Assert.Equal(GuestFailure.CannotBeSaved, failure.Failure);
    }

    [Fact]
    public async Task Hostile_states_are_refused()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("counter", TestSilo.Counter);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        Action<Actors.ActorState>[] attacks =
        [
            static state => state.Saved = [1, 2, 3],
            static state => state.Saved![^1] ^= 1,
            static state => state.Length = int.MaxValue,
            static state => state.Length = -1,
            static state => state.Length--,
            static state => state.Saved = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            static state => state.Saved = state.Saved![..^8],
            static state => state.ModuleHash = new string('0', 64),
        ];
        foreach (Action<Actors.ActorState> attack in attacks)
        {
            await AddAsync(actor, 1, isDurable: true);
            await actor.ReleaseAsync();
            silo.Storage.Tamper("counter/a", attack);
            GuestCallException failure = await Assert.ThrowsAsync<GuestCallException>(() => AddAsync(actor, 1, isDurable: true));
            Assert.True(failure.Failure is GuestFailure.InvalidState or GuestFailure.InvalidModule, failure.ToString());
            await actor.DeleteAsync();
            Assert.Equal(0, await AddAsync(actor, 0, isDurable: true));
        }
        await actor.ReleaseAsync();
        Assert.Equal(0, silo.Engine.GetPoolStatistics().Instances.InUse);
    }

    [Fact]
    public async Task More_actors_than_slots_take_turns()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.Instances = 8);
        await silo.RollOutAsync("counter", TestSilo.Counter);
        for (int round = 1; round <= 2; round++)
        {
            // Not durable: to make room is a reason to save.
            long[] values = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => AddAsync(silo.Grains.GetGuestActor("counter", $"{i}"), i, isDurable: false)));
            Assert.Equal(Enumerable.Range(0, 60).Select(i => (long)i * round), values);
        }
        Assert.InRange(silo.Actors.Count, 1, 8);
    }

    [Fact]
    public async Task An_actor_stays_with_the_version_that_wrote_its_state_unless_both_can_hand_it_over()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        GuestDeployment first = await silo.RollOutAsync("counter", TestSilo.Counter);
        await silo.UsesAsync(first);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        await AddAsync(actor, 7, isDurable: true);
        const string Second = """
            (module (import "tarn" "output_write" (func $write (param i32 i32))) (memory (export "memory") 1)
              (func (export "add") (param i64) (result i64)
                (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get 0))) (i64.add (i64.const 1000) (i64.load (i32.const 0))))
              (func (export "tarn_export") (call $write (i32.const 0) (i32.const 8))))
            """;
        await silo.UsesAsync(await silo.RollOutAsync("counter", Second));
        GuestReply reply = await actor.CallAsync(new GuestRequest { Function = "add", Arguments = [1L], IsDurable = true });
        Assert.Equal((8, 1), (reply.Results[0].AsInt64(), reply.Version));
        IGuestActor fresh = silo.Grains.GetGuestActor("counter", "b");
        Assert.Equal(1003, await AddAsync(fresh, 3, isDurable: true));
        const string Third = """
            (module (import "tarn" "input_read" (func $read (param i32 i32 i32) (result i32))) (memory (export "memory") 1)
              (func (export "add") (param i64) (result i64)
                (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get 0))) (i64.add (i64.const 2000) (i64.load (i32.const 0))))
              (func (export "tarn_import") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 8)))))
            """;
        await silo.UsesAsync(await silo.RollOutAsync("counter", Third));
        Assert.Equal(2007, await AddAsync(fresh, 4, isDurable: true));
        // The third cannot hand its state back; new actors are of the version that was returned to.
        await silo.UsesAsync(await silo.Grains.GetGuestCatalog().RollBackAsync("counter"));
        Assert.Equal(2008, await AddAsync(fresh, 1, isDurable: true));
        Assert.Equal(1001, await AddAsync(silo.Grains.GetGuestActor("counter", "c"), 1, isDurable: true));
    }

    internal static async Task<long> AddAsync(IGuestActor actor, long number, bool isDurable) =>
        (await actor.CallAsync(new GuestRequest { Function = "add", Arguments = [number], IsDurable = isDurable })).Results[0].AsInt64();
}

internal static class Expectations
{
    public static async Task ThrowsInvalidModule(this Task<GuestDeployment> rollOut) =>
        Assert.Equal(GuestFailure.InvalidModule, (await Assert.ThrowsAsync<GuestCallException>(() => rollOut)).Failure);
}

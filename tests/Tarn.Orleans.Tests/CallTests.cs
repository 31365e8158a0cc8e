// Calls of functions and actors: values, bytes, calls of others, limits and quotas.
using System.Text;

namespace Tarn.Orleans.Tests;

public sealed class CallTests
{
    [Fact]
    public async Task Values_and_bytes_go_in_and_out()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        GuestDeployment deployment = await silo.RollOutAsync("counter", TestSilo.Counter);
        IGuestFunction function = silo.Grains.GetGuestFunction("counter");
        GuestReply reply = await function.CallAsync(new GuestRequest { Function = "half", Arguments = [5.0, 1.5f] });
        Assert.Equal([2.5, 7], reply.Results);
        Assert.Equal(deployment.Version, reply.Version);
        byte[] bytes = Encoding.UTF8.GetBytes("bytes of a call");
        Assert.Equal(bytes, (await function.CallAsync(new GuestRequest { Function = "echo", Input = bytes })).Output.ToArray());
        // Each call has an instance of its own.
        for (int i = 0; i < 3; i++)
            Assert.Equal([1L], (await function.CallAsync(new GuestRequest { Function = "add", Arguments = [1L] })).Results);
    }

    [Theory]
    [InlineData("nothing", GuestFailure.UnknownFunction)]
    [InlineData("half", GuestFailure.InvalidArguments)]
    [InlineData("addThenTrap", GuestFailure.Trapped, 1L)]
    [InlineData("wild", GuestFailure.Trapped)]
    [InlineData("flood", GuestFailure.LimitExceeded)]
    [InlineData("loop", GuestFailure.OutOfFuel)]
    public async Task A_call_that_fails_says_why_and_leaves_nothing(string function, GuestFailure failure, long? argument = null)
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.DefaultTenant = new TenantQuota { FuelPerCall = 10_000_000 });
        await silo.RollOutAsync("counter", TestSilo.Counter);
        var request = new GuestRequest { Function = function, Arguments = argument is long number ? [number] : [], IsDurable = true };
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        Assert.Equal(failure, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGuestFunction("counter").CallAsync(request))).Failure);
        Assert.Equal(failure, (await Assert.ThrowsAsync<GuestCallException>(() => actor.CallAsync(request))).Failure);
        Assert.Equal(1, await ActorTests.AddAsync(actor, 1, isDurable: true));
        await actor.ReleaseAsync();
        Assert.Equal(0, silo.Engine.GetPoolStatistics().Instances.InUse);
    }

    [Fact]
    public async Task Time_and_memory_are_bounded()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.DefaultTenant = new TenantQuota { CallTime = TimeSpan.FromMilliseconds(50), MemoryBytes = 2 << 16 });
        await silo.RollOutAsync("counter", TestSilo.Counter);
        IGuestActor actor = silo.Grains.GetGuestActor("counter", "a");
        Assert.Equal(GuestFailure.TimedOut, (await Assert.ThrowsAsync<GuestCallException>(() => actor.CallAsync(new GuestRequest { Function = "loop" }))).Failure);
        Assert.Equal([1], (await actor.CallAsync(new GuestRequest { Function = "grow", Arguments = [1], IsDurable = true })).Results);
        Assert.Equal([-1], (await actor.CallAsync(new GuestRequest { Function = "grow", Arguments = [1], IsDurable = true })).Results);
    }

    [Fact]
    public async Task Names_that_are_unknown_and_keys_that_are_not_actors_are_refused()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("counter", TestSilo.Counter);
        Assert.Equal(GuestFailure.UnknownModule, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGuestFunction("other").CallAsync(new GuestRequest { Function = "f" }))).Failure);
        foreach (string key in new[] { "counter", "/x", "a b/c" })
            Assert.Equal(GuestFailure.InvalidArguments, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGrain<IGuestActor>(key).CallAsync(new GuestRequest { Function = "add", Arguments = [1L] }))).Failure);
        Assert.Throws<ArgumentException>(() => silo.Grains.GetGuestActor("a/b", "c"));
        await silo.Grains.GetGuestCatalog().RemoveAsync("counter");
        await silo.Guests.RefreshAsync();
        Assert.Equal(GuestFailure.UnknownModule, (await Assert.ThrowsAsync<GuestCallException>(() => ActorTests.AddAsync(silo.Grains.GetGuestActor("counter", "x"), 1, true))).Failure);
    }

    [Fact]
    public async Task Modules_are_what_their_hash_says()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.MaximumModuleBytes = 5000);
        Assert.Equal(GuestFailure.InvalidModule, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGrain<IGuestModule>(new string('a', 64)).StoreAsync(Encoding.UTF8.GetBytes(TestSilo.Counter)))).Failure);
        Assert.Equal(GuestFailure.InvalidModule, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.UploadGuestModuleAsync(new byte[] { 0, 97, 115, 109, 1, 0, 0, 0, 99 }))).Failure);
        Assert.Equal(GuestFailure.LimitExceeded, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.UploadGuestModuleAsync(new byte[5001]))).Failure);
        Assert.Equal(GuestFailure.InvalidModule, (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGuestCatalog().RollOutAsync(new GuestRollOut { Name = "x", ModuleHash = new string('b', 64) }))).Failure);
        await silo.RollOutAsync("mine", TestSilo.Counter, tenant: "me");
        Assert.Equal(GuestFailure.InvalidArguments, (await Assert.ThrowsAsync<GuestCallException>(() => silo.RollOutAsync("mine", TestSilo.Counter, tenant: "other"))).Failure);
    }

    [Fact]
    public async Task Guests_call_others_and_not_themselves()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("counter", TestSilo.Counter);
        await silo.RollOutAsync("caller", TestSilo.Caller);
        GuestReply reply = await silo.Grains.GetGuestActor("caller", "a").CallAsync(new GuestRequest { Function = "relay", Input = Encoding.UTF8.GetBytes("someone") });
        Assert.Equal([0], reply.Results);
        Assert.Equal("someone", Encoding.UTF8.GetString(reply.Output.Span));
        // It would wait for itself.
        reply = await silo.Grains.GetGuestActor("caller", "a").CallAsync(new GuestRequest { Function = "self", Input = Encoding.UTF8.GetBytes("a") });
        Assert.Equal([(int)GuestFailure.InvalidArguments + 1], reply.Results);
        // Another tenant's module does not exist for a guest.
        await silo.RollOutAsync("theirs", TestSilo.Caller, tenant: "them");
        reply = await silo.Grains.GetGuestActor("theirs", "a").CallAsync(new GuestRequest { Function = "self", Input = Encoding.UTF8.GetBytes("b") });
        Assert.Equal([(int)GuestFailure.UnknownModule + 1], reply.Results);
    }

    [Fact]
    public async Task A_tenant_has_as_many_calls_as_its_quota_and_others_are_not_affected()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.Tenants["hostile"] = new TenantQuota { Concurrency = 1, CallTime = TimeSpan.FromSeconds(1) });
        await silo.RollOutAsync("hostile", TestSilo.Counter, tenant: "hostile");
        await silo.RollOutAsync("good", TestSilo.Counter);
        GuestFailure[] failures = await Task.WhenAll(Enumerable.Range(0, 5).Select(async i =>
            (await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGuestActor("hostile", $"{i}").CallAsync(new GuestRequest { Function = "loop" }))).Failure));
        Assert.Equal(1, failures.Count(static failure => failure == GuestFailure.TimedOut));
        Assert.Equal(4, failures.Count(static failure => failure == GuestFailure.QuotaExceeded));
        Assert.Equal(1, await ActorTests.AddAsync(silo.Grains.GetGuestActor("good", "a"), 1, isDurable: true));
    }

    [Fact]
    public async Task Fuel_of_a_tenant_runs_out()
    {
        await using TestSilo silo = await TestSilo.StartAsync(static options => options.Tenants["hostile"] = new TenantQuota { FuelPerCall = 1_000_000, FuelPerSecond = 1_000_000 });
        await silo.RollOutAsync("hostile", TestSilo.Counter, tenant: "hostile");
        int ran = 0, refused = 0;
        long begin = Environment.TickCount64;
        for (int i = 0; i < 40; i++)
        {
            switch ((await Assert.ThrowsAsync<GuestCallException>(() => silo.Grains.GetGuestFunction("hostile").CallAsync(new GuestRequest { Function = "loop" }))).Failure)
            {
                case GuestFailure.OutOfFuel:
                    ran++;
                    break;
                case GuestFailure.QuotaExceeded:
                    refused++;
                    break;
            }
        }
        Assert.Equal(40, ran + refused);
        Assert.InRange(ran, 1, 3 + ((Environment.TickCount64 - begin) / 1000));
    }

    [Fact]
    public async Task Roll_out_and_roll_back_stop_no_call()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("f", Version(1));
        using var stop = new CancellationTokenSource();
        Task<int[]>[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var seen = new List<int>();
            while (!stop.IsCancellationRequested)
                seen.Add((await silo.Grains.GetGuestFunction("f").CallAsync(new GuestRequest { Function = "version" })).Results[0].AsInt32());
            return seen.Distinct().Order().ToArray();
        }))];
        for (int i = 2; i <= 6; i++)
            await silo.UsesAsync(await silo.RollOutAsync("f", Version(i)));
        await silo.UsesAsync(await silo.Grains.GetGuestCatalog().RollBackAsync("f", 3));
        Assert.Equal(3, (await silo.Grains.GetGuestFunction("f").CallAsync(new GuestRequest { Function = "version" })).Results[0].AsInt32());
        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(callers), static seen => Assert.NotEmpty(seen));

        static string Version(int number) => $"""(module (global $g (mut i32) (i32.const 0)) (func (export "version") (result i32) (i32.const {number})))""";
    }

    [Fact]
    public async Task An_initialization_runs_once()
    {
        await using TestSilo silo = await TestSilo.StartAsync();
        await silo.RollOutAsync("f", """
            (module (global $g (mut i32) (i32.const 0)) (func (export "init") (global.set $g (i32.const 41)))
              (func (export "next") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))
            """, initialize: "init");
        for (int i = 0; i < 2; i++)
            Assert.Equal([42], (await silo.Grains.GetGuestFunction("f").CallAsync(new GuestRequest { Function = "next" })).Results);
        await silo.RollOutAsync("bad", """(module (func (export "init") unreachable))""", initialize: "init").ThrowsInvalidModule();
    }
}

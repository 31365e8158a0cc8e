// Who is inside a store: StoreGate's own code, in every interleaving of two and three threads, with the store buffers of processors.
using System.Globalization;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.Scheduling;

public sealed class GateExplorerTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, Func<World>> s_scenarios = new()
    {
        ["two users"] = () => Make(0, (w, h) => [() => { w.Use(h); w.Use(h); }, () => { w.Use(h); w.Use(h); }]),
        ["the owner and two users"] = () => Owned(0, (w, h) => w.Use(h()), w => w.Use(w.Handle), w => w.Use(w.Handle)),
        ["a user and an end"] = () => Make(1, (w, h) => [() => { w.Use(h); w.Use(h); }, () => w.End(h)]),
        ["a call and an end"] = () => Make(1, (w, h) => [() => w.Call(h, () => w.Use(h)), () => w.End(h)]),
        ["two ends"] = () => Make(1, (w, h) => [() => { w.Use(h); w.End(h); }, () => w.End(h)]),
        ["a user, an end and the next tenant"] = () => Make(2, (w, h) => [() => { w.Use(h); w.Use(h); }, () => w.End(h), () => Tenant(w)]),
        ["a user that ends, another user and the next tenant"] = () => Make(2, (w, h) => [() => { w.Use(h); w.End(h); w.Use(h); }, () => w.Use(h), () => Tenant(w)]),
        ["two ends and the next tenant"] = () => Make(2, (w, h) => [() => { w.Use(h); w.End(h); }, () => w.End(h), () => Tenant(w)]),
        ["a user is the next tenant"] = () => Make(2, (w, h) => [() => { w.Use(h); w.End(h); Tenant(w); }, () => { w.Use(h); w.End(h); }]),
        ["a guest ends its own instance"] = () => Make(1, (w, h) => [() => w.Call(h, () => w.End(h)), () => w.Use(h)]),
        ["a guest ends its own instance, and the next tenant"] = () => Make(2, (w, h) => [() => w.Call(h, () => w.End(h)), () => w.Use(h), () => Tenant(w)]),
        ["a suspended call"] = () => Make(0, (w, h) => [() => w.CallAndSuspend(h), w.Complete, w.ContinueWoken]),
        ["a suspended call and a user"] = () => Make(0, (w, h) => [() => w.CallAndSuspend(h), w.Complete, () => w.Use(h), w.ContinueWoken]),
        ["a suspended call and an end"] = () => Make(1, (w, h) => [() => { w.CallAndSuspend(h); w.Use(h); }, w.Complete, () => w.End(h), w.ContinueWoken]),
        ["a suspended call, and the completing thread ends"] = () => Make(1, (w, h) => [() => { w.CallAndSuspend(h); w.End(h); }, () => { w.Complete(); w.End(h); }, w.ContinueWoken]),
        ["a lender"] = () => Make(0, (w, h) => [() => w.Call(h, w.LendUntilReturned), () => { w.AwaitLender(); w.Use(h); w.Return(); w.Use(h); }]),
        ["a lender and an end"] = () => Make(1, (w, h) => [() => w.Call(h, w.LendUntilReturned), () => { w.AwaitLender(); w.Use(h); w.Return(); }, () => { w.AwaitLender(); w.End(h); }]),
    };

    public static TheoryData<string> Scenarios => [.. s_scenarios.Keys];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Nobody_is_inside_together_with_anybody_else(string scenario)
    {
        // One preemption finds many mistakes in seconds, two find most of them in a minute; all interleavings take hours.
        string? wanted = Environment.GetEnvironmentVariable("TARN_EXPLORER_PREEMPTIONS");
        var explorer = new Explorer(wanted is null ? TestScope.Count(2, 1) : int.Parse(wanted, CultureInfo.InvariantCulture));
        explorer.Explore(s_scenarios[scenario]);
        output.WriteLine($"{scenario}: {explorer.States} states in {explorer.Runs} runs");
        Assert.True(explorer.States > 50);
    }

    private static World Make(int lives, Func<World, (int Generation, int Life), Action[]> programs)
    {
        var world = new World { ExpectedLives = lives };
        world.Programs = programs(world, world.Handle);
        return world;
    }

    // The first actor has used the store before the others come.
    private static World Owned(int lives, Action<World, Func<(int Generation, int Life)>> owner, params Action<World>[] others)
    {
        var world = new World { ExpectedLives = lives };
        (int Generation, int Life) handle = world.Handle;
        world.Programs = [() => { world.Use(handle); owner(world, () => handle); }, .. others.Select(o => (Action)(() => o(world)))];
        return world;
    }

    private static void Tenant(World world)
    {
        (int Generation, int Life) handle = world.Rent();
        world.Use(handle);
        world.End(handle);
    }
}

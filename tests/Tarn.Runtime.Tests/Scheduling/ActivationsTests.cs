// The bookkeeping of calls in progress, without threads: random sequences of what a scheduler may do, compared with a list of calls that says for each whether it is suspended.
using Tarn.Stores;

namespace Tarn.Runtime.Tests.Scheduling;

/// <summary>Numbers and states of nested calls.</summary>
public sealed class ActivationsTests
{
    [Fact]
    public void The_state_follows_from_the_calls()
    {
        Activations activations = default;
        Assert.Equal(ActivationState.None, activations.State);
        activations.BeginOutermost();
        Assert.Equal(ActivationState.Running, activations.State);
        AsyncCall call = NewCall();
        activations.List(call);
        activations.Suspend(call);
        Assert.Equal(ActivationState.Suspended, activations.State);
        activations.Begin();
        Assert.Equal(ActivationState.Running, activations.State);
        Assert.False(activations.End() == 0);
        activations.Continue(call);
        Assert.Equal(ActivationState.Running, activations.State);
        activations.EndListed(call);
        Assert.Equal(ActivationState.None, activations.State);
        Assert.False(activations.HasListed);
    }

    [Fact]
    public void A_call_is_suspended_only_if_none_outside_of_it_runs()
    {
        Activations activations = default;
        activations.BeginOutermost();
        activations.Begin();
        Assert.False(activations.MaySuspend);
        activations.End();

        // An asynchronous host function's synchronous part calls the guest: its own guest will be suspended next.
        int outer = activations.BeginAsyncBody();
        activations.Begin();
        Assert.True(activations.MaySuspend);
        AsyncCall inner = NewCall();
        activations.List(inner);
        Assert.Equal(2, inner.Depth);
        activations.Suspend(inner);
        Assert.Equal(1, activations.RunningDepth());
        Assert.True(activations.MaySuspend);
        activations.EndAsyncBody(outer);
        AsyncCall around = NewCall();
        activations.List(around);
        Assert.Equal(1, around.Depth);
        Assert.Same(inner, activations.Innermost);
        activations.Suspend(around);
        Assert.Equal(ActivationState.Suspended, activations.State);
        Assert.Null(activations.FindCancelled());
        inner.IsCancelled = around.IsCancelled = true;
        Assert.Same(around, activations.FindCancelled());
        Assert.Same(inner, activations.TryDrop(1));
        Assert.False(activations.Contains(inner));
        Assert.True(activations.Contains(around));
        Assert.Null(activations.TryDrop(2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_sequences_agree_with_a_list_of_calls(int seed)
    {
        var random = new Random(seed);
        Activations activations = default;
        // From the outermost: null was never suspended.
        List<AsyncCall?> model = [];
        for (int step = 0; step < 20_000; step++)
        {
            int running = model.FindLastIndex(call => call is null || !call.IsSuspended);
            switch (random.Next(5))
            {
                case 0 when model.Count < 12:
                    if (model.Count == 0)
                        activations.BeginOutermost();
                    else
                        activations.Begin();
                    model.Add(null);
                    break;
                case 1 when running >= 0:
                    AsyncCall call = model[running] ?? NewCall();
                    if (model[running] is null)
                        activations.List(call);
                    activations.Suspend(call);
                    model[running] = call;
                    break;
                case 2 when model.Count > 0 && running < 0 && model[^1] is AsyncCall top:
                    activations.Continue(top);
                    break;
                case 3 when running >= 0:
                    while (activations.TryDrop(running + 2) is AsyncCall dropped)
                        dropped.State = CallState.Dropped;
                    model.RemoveRange(running + 1, model.Count - running - 1);
                    if (model[running] is AsyncCall ending)
                        activations.EndListed(ending);
                    else
                        activations.EndAt(running + 1);
                    model.RemoveAt(running);
                    break;
                case 4 when random.Next(20) == 0 && running < 0:
                    int depth = random.Next(1, model.Count + 2);
                    while (activations.TryDrop(depth) is not null)
                        model.RemoveAt(model.Count - 1);
                    Assert.True(model.Count < depth);
                    break;
            }
            Check();
        }

        void Check()
        {
            Assert.Equal(model.Count, activations.Count);
            int suspended = model.Count(call => call is not null && call.IsSuspended);
            Assert.Equal(model.Count == 0 ? ActivationState.None : suspended == model.Count ? ActivationState.Suspended : ActivationState.Running, activations.State);
            Assert.Equal(1 + model.FindLastIndex(call => call is null || !call.IsSuspended), activations.RunningDepth());
            AsyncCall? listed = activations.Innermost;
            for (int i = model.Count - 1; i >= 0; i--)
            {
                if (model[i] is not AsyncCall expected)
                    continue;
                Assert.Same(expected, listed);
                Assert.Equal(i + 1, expected.Depth);
                listed = expected.Outer;
            }
            Assert.Null(listed);
        }
    }

    private static AsyncCall<int, Reader> NewCall() => new(null!, 0, 0, default, null, null);

    private readonly struct Reader : IResultReader<int>
    {
        public unsafe int Read(StoreCore store, RawValue* slots) => 0;
    }
}

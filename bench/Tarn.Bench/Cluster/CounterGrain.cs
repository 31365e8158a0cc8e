// The counter that guests are compared with, as a C# grain: what an application would write without Tarn.
namespace Tarn.Bench.Cluster;

[Alias("Tarn.Bench.ICounterGrain")]
internal interface ICounterGrain : IGrainWithStringKey
{
    [Alias("AddAsync")]
    Task<long> AddAsync(long number, bool isDurable);
}

internal sealed class CounterGrain([PersistentState("counter", Orleans.TarnClusterOptions.StorageName)] IPersistentState<CounterState> state) : Grain, ICounterGrain
{
    public async Task<long> AddAsync(long number, bool isDurable)
    {
        state.State.Value += number;
        if (isDurable)
            await state.WriteStateAsync();
        return state.State.Value;
    }
}

[GenerateSerializer, Alias("Tarn.Bench.CounterState")]
internal sealed class CounterState
{
    [Id(0)]
    public long Value { get; set; }
}

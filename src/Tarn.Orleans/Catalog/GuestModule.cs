// A module's bytes under their hash. They never change, so that whatever has read them once need not ask again.
using Tarn.Orleans.Silos;

namespace Tarn.Orleans.Catalog;

internal sealed class GuestModule([PersistentState("module", TarnClusterOptions.StorageName)] IPersistentState<ModuleState> storage, SiloEngine engine) : Grain, IGuestModule
{
    public async Task StoreAsync(ReadOnlyMemory<byte> bytes)
    {
        string hash = this.GetPrimaryKeyString();
        await Task.Run(() => engine.Validate(hash, bytes));
        if (storage.State.Bytes is byte[] known && GuestGrainFactoryExtensions.HashOf(known) == hash)
            return;
        storage.State.Bytes = bytes.ToArray();
        try
        {
            await storage.WriteStateAsync();
        }
        catch (Exception e)
        {
            storage.State.Bytes = null;
            DeactivateOnIdle();
            throw new GuestCallException(GuestFailure.StorageFailed, $"The storage failed with {e.GetType().Name}: {e.Message}");
        }
    }

    public Task<ReadOnlyMemory<byte>?> ReadAsync() => Task.FromResult<ReadOnlyMemory<byte>?>(storage.RecordExists && storage.State.Bytes is byte[] bytes ? bytes : null);
}

/// <summary>A module as it is stored.</summary>
[GenerateSerializer, Alias("Tarn.ModuleState")]
internal sealed class ModuleState
{
    [Id(0)]
    public byte[]? Bytes { get; set; }
}

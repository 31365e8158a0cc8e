// What the storage holds for an actor: the guest's state as Instance.Save returned it, and the module that it belongs to.
namespace Tarn.Orleans.Actors;

[GenerateSerializer, Alias("Tarn.ActorState")]
internal sealed class ActorState
{
    /// <summary>The state, as <see cref="ZeroRuns"/>; null if there is none.</summary>
    [Id(0)]
    public byte[]? Saved { get; set; }

    /// <summary>Bytes of the state.</summary>
    [Id(1)]
    public int Length { get; set; }

    [Id(2)]
    public string? ModuleHash { get; set; }

    /// <summary>The version of the deployment that the module had.</summary>
    [Id(3)]
    public int Version { get; set; }

    public void Set(byte[] state, GuestDeployment deployment)
    {
        Length = state.Length;
        ModuleHash = deployment.ModuleHash;
        Version = deployment.Version;
        Saved = ZeroRuns.Encode(state);
    }

    /// <summary>The state as it was saved.</summary>
    /// <param name="most">The bytes that it may have.</param>
    /// <exception cref="GuestCallException">The storage holds something else.</exception>
    public byte[] Get(int most)
    {
        if (Saved is null || Length < 0 || Length > most)
            throw new GuestCallException(GuestFailure.InvalidState, $"The stored state has {Length} bytes, and MaximumStateBytes is {most}.");
        byte[] state = new byte[Length];
        return ZeroRuns.TryDecode(Saved, state) ? state : throw new GuestCallException(GuestFailure.InvalidState, "The stored state is damaged: it does not decode to the length that it had.");
    }
}

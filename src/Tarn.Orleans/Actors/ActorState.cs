// What the storage holds for an actor: the guest's state as Instance.Save returned it, and the module that it belongs to.
using System.IO.Compression;

namespace Tarn.Orleans.Actors;

[GenerateSerializer, Alias("Tarn.ActorState")]
internal sealed class ActorState
{
    // What is less is kept as it is.
    private const int SmallestToCompress = 512;

    /// <summary>The state, compressed if <see cref="IsCompressed"/>; null if there is none.</summary>
    [Id(0)]
    public byte[]? Saved { get; set; }

    [Id(1)]
    public bool IsCompressed { get; set; }

    /// <summary>Bytes of the state before it was compressed.</summary>
    [Id(2)]
    public int Length { get; set; }

    [Id(3)]
    public string? ModuleHash { get; set; }

    /// <summary>The version of the deployment that the module had.</summary>
    [Id(4)]
    public int Version { get; set; }

    public void Set(byte[] state, GuestDeployment deployment)
    {
        Length = state.Length;
        ModuleHash = deployment.ModuleHash;
        Version = deployment.Version;
        IsCompressed = false;
        Saved = state;
        if (state.Length < SmallestToCompress)
            return;
        // A page that a counter is in is nearly all zeros.
        byte[] compressed = new byte[BrotliEncoder.GetMaxCompressedLength(state.Length)];
        if (BrotliEncoder.TryCompress(state, compressed, out int written, quality: 1, window: 16) && written < state.Length)
            (Saved, IsCompressed) = (compressed[..written], true);
    }

    /// <summary>The state as it was saved.</summary>
    /// <param name="most">The bytes that it may have.</param>
    /// <exception cref="GuestCallException">The storage holds something else.</exception>
    public byte[] Get(int most)
    {
        if (Saved is null || Length < 0 || Length > most)
            throw new GuestCallException(GuestFailure.InvalidState, $"The stored state has {Length} bytes, and MaximumStateBytes is {most}.");
        if (!IsCompressed)
            return Saved;
        byte[] state = new byte[Length];
        return BrotliDecoder.TryDecompress(Saved, state, out int written) && written == Length
            ? state
            : throw new GuestCallException(GuestFailure.InvalidState, "The stored state is damaged: it does not decompress to the length that it had.");
    }
}

// The grains that applications call.
using System.Collections.Immutable;
using Orleans.Concurrency;

namespace Tarn.Orleans;

/// <summary>
/// An actor: one guest for each key, whose state survives. Its key is <c>module/id</c>; see <see cref="GuestGrainFactoryExtensions.GetGuestActor"/>. Calls run one after the other.
/// </summary>
[Alias("Tarn.IGuestActor")]
public interface IGuestActor : IGrainWithStringKey
{
    /// <summary>
    /// Calls an exported function. When the guest traps or is stopped, its state is the last one that was saved. A call that is durable returns after the state has been written.
    /// </summary>
    /// <exception cref="GuestCallException">The call failed; <see cref="GuestCallException.Failure"/> says why.</exception>
    [Alias("CallAsync")]
    Task<GuestReply> CallAsync(GuestRequest request);

    /// <summary>Writes the state if it has changed. Returns after it has been written.</summary>
    /// <exception cref="GuestCallException">The state cannot be saved, or the storage failed.</exception>
    [Alias("SaveAsync")]
    Task SaveAsync();

    /// <summary>Writes the state if it has changed, and lets go of the guest. The next call restores it, on any silo.</summary>
    [Alias("ReleaseAsync")]
    Task ReleaseAsync();

    /// <summary>Deletes the state. The next call begins with a new guest of the current version.</summary>
    [Alias("DeleteAsync")]
    Task DeleteAsync();
}

/// <summary>Functions: each call runs in a fresh instance of the module whose name is the key. A silo runs as many at once as its pool and the tenant's quota allow.</summary>
[Alias("Tarn.IGuestFunction")]
public interface IGuestFunction : IGrainWithStringKey
{
    /// <summary>Calls an exported function.</summary>
    /// <exception cref="GuestCallException">The call failed; <see cref="GuestCallException.Failure"/> says why.</exception>
    [Alias("CallAsync")]
    Task<GuestReply> CallAsync(GuestRequest request);
}

/// <summary>The names of the cluster and what runs under them. There is one, with the key 0.</summary>
[Alias("Tarn.IGuestCatalog")]
public interface IGuestCatalog : IGrainWithIntegerKey
{
    /// <summary>
    /// Puts a module into use under a name. The module must have been uploaded; it is compiled and linked first, and refused if that fails. Silos load it in the background and serve with the version
    /// before until then: all of them use it after <see cref="TarnClusterOptions.RefreshInterval"/> and the time to compile.
    /// </summary>
    /// <returns>The version.</returns>
    /// <exception cref="GuestCallException">The request or the module is invalid.</exception>
    [Alias("RollOutAsync")]
    Task<GuestDeployment> RollOutAsync(GuestRollOut rollOut);

    /// <summary>Returns to an earlier version.</summary>
    /// <param name="name">The name.</param>
    /// <param name="version">The version; <see langword="null"/> for the one before the current one.</param>
    /// <returns>The version that is in use now.</returns>
    /// <exception cref="GuestCallException">There is no such version.</exception>
    [Alias("RollBackAsync")]
    Task<GuestDeployment> RollBackAsync(string name, int? version = null);

    /// <summary>Takes a name out of use. The states of its actors stay.</summary>
    [Alias("RemoveAsync")]
    Task RemoveAsync(string name);

    /// <summary>Returns all versions of a name that can be returned to, the newest last; empty if there is none.</summary>
    [Alias("GetHistoryAsync"), AlwaysInterleave]
    Task<ImmutableArray<GuestDeployment>> GetHistoryAsync(string name);

    /// <summary>Returns what is in use, unless it is what the caller knows already.</summary>
    /// <param name="knownRevision">The revision that the caller knows; -1 for none.</param>
    [Alias("GetAsync"), AlwaysInterleave]
    Task<GuestCatalogContents?> GetAsync(long knownRevision);
}

/// <summary>What is in use.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.GuestCatalogContents")]
public sealed record GuestCatalogContents
{
    /// <summary>Gets the revision, which grows with each change.</summary>
    [Id(0)]
    public required long Revision { get; init; }

    /// <summary>Gets the current version of each name.</summary>
    [Id(1)]
    public required ImmutableArray<GuestDeployment> Deployments { get; init; }
}

/// <summary>A module's bytes. The key is their SHA-256, as 64 lower-case hexadecimal digits.</summary>
[Alias("Tarn.IGuestModule")]
public interface IGuestModule : IGrainWithStringKey
{
    /// <summary>Stores the bytes, after they have been compared with the key and validated. Bytes that are stored already are not written again.</summary>
    /// <exception cref="GuestCallException">They are not what the key names, too long, or not a valid module.</exception>
    [Alias("StoreAsync")]
    Task StoreAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Returns the bytes, or <see langword="null"/> if there are none.</summary>
    [Alias("ReadAsync"), AlwaysInterleave]
    Task<ReadOnlyMemory<byte>?> ReadAsync();
}

// The names of the cluster. One grain, so that versions have one order. Silos ask it for changes once in a while and calls never do, so it is not in the way of traffic, and while it moves to another silo
// everything is served as it was.
using System.Collections.Immutable;
using Microsoft.Extensions.Options;
using Tarn.Orleans.Silos;

namespace Tarn.Orleans.Catalog;

internal sealed class GuestCatalog(
    [PersistentState("catalog", TarnClusterOptions.StorageName)] IPersistentState<CatalogState> storage,
    GuestCache cache,
    IOptions<TarnClusterOptions> options) : Grain, IGuestCatalog
{
    // Versions that can be returned to.
    private const int MostVersions = 20;

    public async Task<GuestDeployment> RollOutAsync(GuestRollOut rollOut)
    {
        ArgumentNullException.ThrowIfNull(rollOut);
        if (!GuestGrainFactoryExtensions.IsName(rollOut.Name))
            throw Invalid($"\"{rollOut.Name}\" cannot be the name of a deployment: it has 1 to 100 letters, digits and \"-\", \"_\", \".\".");
        if (rollOut.ModuleHash is not { Length: 64 } || !rollOut.ModuleHash.All(char.IsAsciiHexDigitLower))
            throw Invalid($"\"{rollOut.ModuleHash}\" is not a SHA-256 of 64 lower-case hexadecimal digits.");
        if (rollOut.Tenant is not null && !options.Value.Tenants.ContainsKey(rollOut.Tenant) && rollOut.Tenant.Length is 0 or > 200)
            throw Invalid("The name of a tenant has 1 to 200 characters.");
        // What cannot run is refused here, before any silo sees it.
        (await cache.AcquireAsync(rollOut.ModuleHash, rollOut.Initialize)).Dispose();
        CatalogEntry? before = storage.State.Entries.GetValueOrDefault(rollOut.Name);
        if (before is { History: [.., GuestDeployment last] } && last.Tenant != rollOut.Tenant)
            throw Invalid($"\"{rollOut.Name}\" belongs to the tenant \"{last.Tenant}\", which a roll-out does not change.");
        var deployment = new GuestDeployment
        {
            Name = rollOut.Name,
            Version = (before?.History.LastOrDefault()?.Version ?? 0) + 1,
            ModuleHash = rollOut.ModuleHash,
            Tenant = rollOut.Tenant,
            Initialize = rollOut.Initialize,
        };
        List<GuestDeployment> history = [.. before?.History ?? [], deployment];
        await WriteAsync(rollOut.Name, new CatalogEntry { History = history.Count > MostVersions ? history[^MostVersions..] : history, Current = deployment.Version });
        return deployment;
    }

    public async Task<GuestDeployment> RollBackAsync(string name, int? version = null)
    {
        if (name is null || !storage.State.Entries.TryGetValue(name, out CatalogEntry? entry))
            throw new GuestCallException(GuestFailure.UnknownModule, $"Nothing runs under the name \"{name}\" in the cluster.");
        GuestDeployment target = (version is int wanted ? entry.History.Find(d => d.Version == wanted) : entry.History.FindLast(d => d.Version < entry.Current))
            ?? throw Invalid($"\"{name}\" has no such version to return to; it has {string.Join(", ", entry.History.Select(static d => d.Version))}.");
        await WriteAsync(name, new CatalogEntry { History = entry.History, Current = target.Version });
        return target;
    }

    public Task RemoveAsync(string name) => name is not null && storage.State.Entries.TryGetValue(name, out CatalogEntry? entry)
        ? WriteAsync(name, new CatalogEntry { History = entry.History })
        : Task.CompletedTask;

    public Task<ImmutableArray<GuestDeployment>> GetHistoryAsync(string name) =>
        Task.FromResult<ImmutableArray<GuestDeployment>>(name is not null && storage.State.Entries.TryGetValue(name, out CatalogEntry? entry) ? [.. entry.History] : []);

    public Task<GuestCatalogContents?> GetAsync(long knownRevision) => Task.FromResult(knownRevision == storage.State.Revision
        ? null
        : new GuestCatalogContents
        {
            Revision = storage.State.Revision,
            Deployments = [.. storage.State.Entries.Values.Select(static entry => entry.History.Find(d => d.Version == entry.Current)).OfType<GuestDeployment>()],
        });

    // Readers interleave, so they must never see what is not stored.
    private async Task WriteAsync(string name, CatalogEntry entry)
    {
        CatalogState before = storage.State;
        storage.State = new CatalogState { Revision = before.Revision + 1, Entries = new(before.Entries) { [name] = entry } };
        try
        {
            await storage.WriteStateAsync();
        }
        catch (Exception e)
        {
            storage.State = before;
            DeactivateOnIdle();
            throw new GuestCallException(GuestFailure.StorageFailed, $"The storage failed with {e.GetType().Name}: {e.Message}");
        }
    }

    private static GuestCallException Invalid(string message) => new(GuestFailure.InvalidArguments, message);
}

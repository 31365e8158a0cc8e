// An actor: one guest, whose state is taken by Instance.Save and kept in grain storage.
//
// When a write is acknowledged: a durable call returns after the storage has confirmed the state that the call left. The storage compares versions (ETags), so of two activations of one key, which Orleans
// allows for a moment while a silo is being declared dead, only one can confirm; the other's call fails and its guest is dropped.
// What a failure leaves: after a trap, a stop or a state that cannot be saved, the guest is dropped and the next call begins with the last state that was written. After a write that failed, the storage is
// read again first, since it may have taken the write. So what is in memory never goes on from something that a caller was told has failed.
// Single-threaded by Orleans' promise: a call that waits for another grain holds the turn, so the state is never taken while a guest is suspended.
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using Tarn.Orleans.Calls;
using Tarn.Orleans.Silos;
using Tarn.Orleans.Tenants;

namespace Tarn.Orleans.Actors;

internal sealed partial class GuestActor(
    [PersistentState("guest", TarnClusterOptions.StorageName)] IPersistentState<ActorState> storage,
    SiloGuests guests,
    SiloTenants tenants,
    ActorTable actors,
    IOptions<TarnClusterOptions> options,
    ILogger<GuestActor> logger) : Grain, IGuestActor, IIdleActor
{
    // Exports by which a state is handed from one version of a module to another.
    private const string Export = "tarn_export";
    private const string Import = "tarn_import";

    private string _key = "";
    private string _name = "";
    private Instance? _instance;
    private GuestContext? _context;
    private LoadedGuest? _guest;
    private GuestDeployment? _own;
    private GuestDeployment? _seen;
    private TenantQuota? _quota;
    private IGrainTimer? _timer;
    private bool _isChanged;
    private bool _mustRead;
    private int _running;
    private long _lastUsed;

    public bool IsIdle => Volatile.Read(ref _running) == 0;

    public long LastUsed => Volatile.Read(ref _lastUsed);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _key = this.GetPrimaryKeyString();
        int slash = _key.IndexOf('/', StringComparison.Ordinal);
        _name = slash > 0 && slash < _key.Length - 1 && GuestGrainFactoryExtensions.IsName(_key[..slash]) ? _key[..slash] : "";
        return Task.CompletedTask;
    }

    public async Task<GuestReply> CallAsync(GuestRequest request)
    {
        long start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _running, 1);
        Volatile.Write(ref _lastUsed, Environment.TickCount64);
        try
        {
            return await ClusterMetrics.RecordAsync("actor", _name, start, RunAsync(request));
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    public Task SaveAsync() => _isChanged ? WriteAsync() : Task.CompletedTask;

    public async Task ReleaseAsync()
    {
        await SaveAsync();
        Drop();
        DeactivateOnIdle();
    }

    Task IIdleActor.ReleaseAsync() => this.AsReference<IGuestActor>().ReleaseAsync();

    public async Task DeleteAsync()
    {
        Drop();
        await ReadAgainAsync();
        try
        {
            await storage.ClearStateAsync();
        }
        catch (Exception e)
        {
            throw Failed(e);
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        try
        {
            if (_isChanged)
                await WriteAsync();
        }
#pragma warning disable CA1031 // The activation ends in any case. What was not durable is lost, and the log says so.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogLost(logger, e, _key);
        }
        finally
        {
            Drop();
        }
    }

    private async Task<GuestReply> RunAsync(GuestRequest request)
    {
        if (_name.Length == 0)
            throw new GuestCallException(GuestFailure.InvalidArguments, $"\"{_key}\" is not the key of an actor; it is the name of a deployment, \"/\" and an id.");
        string[] waiting = GuestRunner.Waiting();
        GuestDeployment current = await guests.FindAsync(_name);
        string tenantName = current.Tenant ?? request.Tenant ?? "";
        TenantQuota quota = options.Value.QuotaOf(tenantName);
        SiloTenant? tenant = tenants.Find(tenantName, quota);
        if (tenant is not null)
            await tenant.EnterAsync();
        long fuelLeft = quota.FuelPerCall ?? 0;
        try
        {
            await ReadyAsync(current, quota);
            Instance instance = _instance!;
            (Function function, Value[] arguments) = GuestRunner.Prepare(instance, request);
            _context!.Begin(_own!, tenantName, _key, waiting, request.Input);
            if (quota.FuelPerCall is long fuel)
                instance.Fuel = fuel;
            if (_quota != quota)
            {
                // Another tenant's request than the one that made the guest.
                instance.CallTimeout = quota.CallTime;
                _quota = quota;
            }
            GuestReply reply;
            try
            {
                reply = await GuestRunner.InvokeAsync(function, arguments, _context, _own!.Version);
            }
            catch
            {
                if (quota.FuelPerCall is not null)
                    fuelLeft = instance.Fuel;
                Drop();
                throw;
            }
            if (quota.FuelPerCall is not null)
                fuelLeft = instance.Fuel;
            _isChanged = true;
            if (request.IsDurable)
                await WriteAsync();
            else
                _timer ??= this.RegisterGrainTimer(OnTimerAsync, new GrainTimerCreationOptions(options.Value.SaveInterval, Timeout.InfiniteTimeSpan));
            return reply;
        }
        finally
        {
            tenant?.Leave(fuelLeft);
        }
    }

    // Makes or restores the guest, with the module that its state belongs to.
    private async ValueTask ReadyAsync(GuestDeployment current, TenantQuota quota)
    {
        if (_instance is not null && _seen == current)
            return;
        if (_instance is not null)
        {
            // Another version has been rolled out.
            if (_isChanged)
                await WriteAsync();
            Drop();
        }
        await ReadAgainAsync();
        ActorState state = storage.State;
        try
        {
            GuestDeployment own = state.Saved is null || state.ModuleHash is null || state.ModuleHash == current.ModuleHash
                ? current
                : current with { ModuleHash = state.ModuleHash, Version = state.Version, Initialize = null };
            await MakeAsync(own, state.Saved is null ? null : state.Get(options.Value.MaximumStateBytes), quota);
            if (own != current)
                await UpgradeAsync(current, quota);
            _seen = current;
        }
        catch (Exception e)
        {
            Drop();
            throw GuestRunner.Explain(e);
        }
    }

    private async Task MakeAsync(GuestDeployment own, byte[]? saved, TenantQuota quota)
    {
        LoadedGuest guest = await guests.AcquireAsync(own);
        GuestContext? context = null;
        try
        {
            context = new GuestContext(options.Value, new GuestPeers(GrainFactory, guests, options.Value.MayCall));
            StoreLimits limits = Functions.GuestFunction.LimitsOf(quota);
            _instance = await actors.RentAsync(token => saved is null ? guest.Actors.InstantiateAsync(context, limits, token) : guest.Actors.RestoreAsync(saved, context, limits, token));
            (_guest, _context, _own, _quota) = (guest, context, own, quota);
            actors.Add(this);
            if (saved is not null)
                ClusterMetrics.Restored();
        }
        catch
        {
            context?.Dispose();
            guest.Dispose();
            throw;
        }
        if (saved is null && !guest.IsKnownSavable)
        {
            // A module whose instances can never be saved is refused before its first call, not after it.
            _ = _instance.Save();
            guest.IsKnownSavable = true;
        }
    }

    // Hands the state to the current version where both say how; otherwise the actor stays with the version that wrote it. Nothing is written here: until the next save, storage holds the state of the version
    // before.
    private async Task UpgradeAsync(GuestDeployment current, TenantQuota quota)
    {
        if (!_guest!.Exports(Export))
            return;
        using (LoadedGuest next = await guests.AcquireAsync(current))
        {
            if (!next.Exports(Import))
                return;
        }
        ReadOnlyMemory<byte> exported = (await CallOwnAsync(Export, default)).Output;
        Drop();
        await MakeAsync(current, null, quota);
        await CallOwnAsync(Import, exported);
        _isChanged = true;
    }

    private ValueTask<GuestReply> CallOwnAsync(string function, ReadOnlyMemory<byte> input)
    {
        (Function found, Value[] arguments) = GuestRunner.Prepare(_instance!, new GuestRequest { Function = function });
        _context!.Begin(_own!, "", _key, [], input);
        return GuestRunner.InvokeAsync(found, arguments, _context, _own!.Version);
    }

    private async Task WriteAsync()
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            byte[] saved = _instance!.Save();
            if (saved.Length > options.Value.MaximumStateBytes)
                throw new GuestCallException(GuestFailure.CannotBeSaved, $"The state has {saved.Length} bytes, and MaximumStateBytes is {options.Value.MaximumStateBytes}.");
            storage.State.Set(saved, _own!);
        }
        catch (Exception e)
        {
            Drop();
            throw GuestRunner.Explain(e);
        }
        try
        {
            await storage.WriteStateAsync();
        }
        catch (Exception e)
        {
            throw Failed(e);
        }
        _isChanged = false;
        _timer?.Dispose();
        _timer = null;
        ClusterMetrics.Saved(storage.State.Saved!.Length, start);
    }

    // The storage may have taken a write that it did not confirm.
    private GuestCallException Failed(Exception exception)
    {
        Drop();
        _mustRead = true;
        DeactivateOnIdle();
        LogStorage(logger, exception, _key);
        return new GuestCallException(
            GuestFailure.StorageFailed,
            exception is InconsistentStateException ? "Another activation of the actor has written its state." : $"The storage failed with {exception.GetType().Name}: {exception.Message}");
    }

    private async ValueTask ReadAgainAsync()
    {
        if (!_mustRead)
            return;
        try
        {
            await storage.ReadStateAsync();
        }
        catch (Exception e)
        {
            throw Failed(e);
        }
        _mustRead = false;
    }

    private async Task OnTimerAsync(CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        _timer = null;
        try
        {
            await SaveAsync();
        }
        catch (GuestCallException e)
        {
            LogLost(logger, e, _key);
        }
    }

    private void Drop()
    {
        Instance? instance = _instance;
        _instance = null;
        _isChanged = false;
        _seen = null;
        _timer?.Dispose();
        _timer = null;
        actors.Remove(this);
        instance?.Dispose();
        _context?.Dispose();
        _context = null;
        _guest?.Dispose();
        _guest = null;
    }

    [LoggerMessage(1, LogLevel.Error, "Actor {Key} could not be saved; what has changed since it was last written is lost.")]
    private static partial void LogLost(ILogger logger, Exception exception, string key);

    [LoggerMessage(2, LogLevel.Error, "The storage failed for actor {Key}.")]
    private static partial void LogStorage(ILogger logger, Exception exception, string key);
}

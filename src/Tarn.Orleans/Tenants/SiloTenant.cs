// One tenant's share on this silo. A call enters under a lock and without a message while the share lasts; the lease is renewed in the background in its second half, and a call that finds nothing left asks
// for more and is refused if there is none.
using System.Diagnostics;

namespace Tarn.Orleans.Tenants;

internal sealed class SiloTenant(ITenantLeases leases, string silo, TenantQuota quota, TimeSpan leaseTime)
{
    private readonly Lock _gate = new();
    private Task? _renewal;
    private long _started;
    private bool _isLeased;
    private int _share;
    private int _running;
    private int _peak;
    private long _fuel;

    // What a call may use is put aside when it begins.
    private long Reserve => quota.FuelPerSecond is null ? 0 : quota.FuelPerCall ?? 0;

    /// <summary>Whether it can be made anew without a loss: nothing runs, and the lease has ended.</summary>
    public bool IsForgettable
    {
        get
        {
            lock (_gate)
                return _running == 0 && (!_isLeased || Stopwatch.GetElapsedTime(_started) > leaseTime);
        }
    }

    /// <summary>Begins a call.</summary>
    /// <exception cref="GuestCallException">The quota is used up.</exception>
    public ValueTask EnterAsync() => TryEnter(out Task? renewal) ? default : WaitAsync(renewal);

    /// <summary>Ends a call.</summary>
    /// <param name="fuelLeft">What it has not used of <see cref="TenantQuota.FuelPerCall"/>.</param>
    public void Leave(long fuelLeft)
    {
        lock (_gate)
        {
            _running--;
            _fuel += Math.Clamp(fuelLeft, 0, Reserve);
        }
    }

    private bool TryEnter(out Task? renewal)
    {
        lock (_gate)
        {
            TimeSpan age = Stopwatch.GetElapsedTime(_started);
            _peak = Math.Max(_peak, _running + 1);
            if (_isLeased && age < leaseTime && _running < _share && _fuel >= Reserve)
            {
                _running++;
                _fuel -= Reserve;
                renewal = null;
                if (age > leaseTime / 2)
                    _ = BeginRenewal();
                return true;
            }
            renewal = BeginRenewal();
            return false;
        }
    }

    private async ValueTask WaitAsync(Task? renewal)
    {
        try
        {
            await renewal!;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or GuestCallException)
        {
            throw new GuestCallException(GuestFailure.QuotaExceeded, $"The tenant's quota could not be asked for: {e.Message}");
        }
        lock (_gate)
        {
            if (_isLeased && Stopwatch.GetElapsedTime(_started) < leaseTime && _running < _share && _fuel >= Reserve)
            {
                _running++;
                _fuel -= Reserve;
                return;
            }
        }
        throw new GuestCallException(GuestFailure.QuotaExceeded, "The tenant's quota of the cluster is used up; try again later.");
    }

    // One at a time. In the lock.
    private Task BeginRenewal()
    {
        if (_renewal is { IsCompleted: false } running)
            return running;
        // Twice what was needed, so that a growing load does not ask for each call; what is not needed goes to others with the next lease.
        int wanted = Math.Max(_running, (int)Math.Min(2L * _peak, int.MaxValue));
        _peak = _running;
        long fuel = quota.FuelPerSecond is long rate ? Math.Max(0, Math.Max(Reserve * 2, rate / 20) - _fuel) : 0;
        return _renewal = Task.Run(() => RenewAsync(wanted, fuel));
    }

    private async Task RenewAsync(int wanted, long fuel)
    {
        long started = Stopwatch.GetTimestamp();
        TenantShare share = await leases.RenewAsync(silo, wanted, fuel);
        lock (_gate)
        {
            _started = started;
            _isLeased = true;
            _share = share.Calls;
            _fuel = quota.FuelPerSecond is null ? long.MaxValue / 2 : _fuel + share.Fuel;
        }
    }
}

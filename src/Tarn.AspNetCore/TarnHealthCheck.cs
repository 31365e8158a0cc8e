// What a load balancer has to know: whether modules are there, and whether slots are.
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Tarn.AspNetCore.Modules;

namespace Tarn.AspNetCore;

internal sealed class TarnHealthCheck(WasmHost host) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        PoolStatistics pool = host.Engine.GetPoolStatistics();
        var data = new Dictionary<string, object>
        {
            ["slots"] = pool.Instances.Slots,
            ["inUse"] = pool.Instances.InUse,
            ["waiting"] = host.Queue.Waiting,
            ["exhaustions"] = pool.Exhaustions,
        };
        string[] missing = [.. host.Modules.Where(static module => !module.IsLoaded).Select(static module => module.Name)];
        if (missing.Length != 0)
            return Task.FromResult(HealthCheckResult.Unhealthy($"Modules are not loaded: {string.Join(", ", missing)}.", data: data));
        string[] stale = [.. host.Modules.Where(static module => module.Failure is not null).Select(static module => module.Name)];
        if (stale.Length != 0)
            return Task.FromResult(HealthCheckResult.Degraded($"Modules have changed and cannot be loaded: {string.Join(", ", stale)}.", data: data));
        return Task.FromResult(host.Queue.Waiting > 0
            ? HealthCheckResult.Degraded($"{host.Queue.Waiting} requests wait for one of {pool.Instances.Slots} slots.", data: data)
            : HealthCheckResult.Healthy(data: data));
    }
}

// One request to a guest, whatever kind of guest it is: the tenant's limits, the queue for a slot, the time, and what the client learns of an error.
//
// What a client never sees: messages of traps and exceptions, which name functions and addresses of the guest. It gets an id, by which the log has everything.
// What always happens: whatever was counted up is counted down, and the slot has been returned before the request ends.
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Tarn.AspNetCore.Modules;
using Tarn.Components;
using Tarn.Diagnostics;

namespace Tarn.AspNetCore.Requests;

internal abstract partial class GuestEndpoint(WasmHost host, HostedModule module, ILogger logger)
{
    private static readonly Meter s_meter = new("Tarn.AspNetCore");
    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram<double>("tarn.request.duration", "s", "Time that a request to a guest took, by module and outcome.");

    protected WasmHost Host => host;

    protected HostedModule Hosted => module;

    public async Task HandleAsync(HttpContext http)
    {
        long start = Stopwatch.GetTimestamp();
        using Activity? activity = TarnMetrics.Activities.StartActivity("Tarn.Request");
        activity?.SetTag("tarn.module.name", module.Name);
        Tenant tenant = host.Tenants.Find(host.Options.Tenant?.Invoke(http) ?? "");
        module.Statistics.Begin();
        tenant.Statistics.Begin();
        RequestOutcome outcome = RequestOutcome.Failed;
        try
        {
            if (http.Request.ContentLength > host.Options.MaximumRequestBytes)
            {
                outcome = Refuse(http, StatusCodes.Status413PayloadTooLarge, null);
            }
            else if (!tenant.TryEnter())
            {
                outcome = Refuse(http, StatusCodes.Status429TooManyRequests, "1");
            }
            else
            {
                try
                {
                    outcome = await RunAsync(http, tenant);
                }
                finally
                {
                    tenant.Leave();
                }
            }
        }
        finally
        {
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            module.Statistics.End(outcome, time);
            tenant.Statistics.End(outcome, time);
            string name = NameOf(outcome);
            activity?.SetTag("tarn.request.outcome", name);
            s_duration.Record(time.TotalSeconds, new KeyValuePair<string, object?>("tarn.module.name", module.Name), new KeyValuePair<string, object?>("tarn.request.outcome", name));
        }
    }

    public static string NameOf(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.Answered => "answered",
        RequestOutcome.Trapped => "trapped",
        RequestOutcome.TimedOut => "timed_out",
        RequestOutcome.Aborted => "aborted",
        RequestOutcome.Refused => "refused",
        _ => "failed",
    };

    /// <summary>Makes an instance and lets it answer. The client gets an id in place of what it throws.</summary>
    /// <param name="http">The request.</param>
    /// <param name="loaded">The version of the module, held for the request.</param>
    /// <param name="limits">What the instance may take.</param>
    /// <param name="stop">Cancelled when the request is aborted or its time is over.</param>
    /// <returns>Whether the guest did what it was asked for; otherwise the answer is an error.</returns>
    protected abstract Task<bool> AnswerAsync(HttpContext http, LoadedModule loaded, TenantLimits limits, CancellationToken stop);

    /// <summary>Takes a slot, and waits for one if need be, as long as the queue allows.</summary>
    protected async ValueTask<Instance> RentAsync(InstanceTemplate template, object? state, TenantLimits limits, CancellationToken stop)
    {
        StoreLimits? store = limits.Fuel is null && limits.MemoryBytes is null ? null : new StoreLimits { Fuel = limits.Fuel, MaximumMemoryBytes = limits.MemoryBytes };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        ValueTask<Instance> rented = template.InstantiateAsync(state, store, patience.Token);
        return rented.IsCompleted ? await rented : await WaitAsync(rented, patience, stop);
    }

    /// <inheritdoc cref="RentAsync(InstanceTemplate, object?, TenantLimits, CancellationToken)"/>
    protected async ValueTask<ComponentInstance> RentAsync(ComponentTemplate template, object? state, TenantLimits limits, CancellationToken stop)
    {
        if (limits.Fuel is not null || limits.MemoryBytes is not null)
            throw new InvalidOperationException($"The tenant has a limit of fuel or memory, which cannot be kept for the component \"{module.Name}\".");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        ValueTask<ComponentInstance> rented = template.InstantiateAsync(state, patience.Token);
        return rented.IsCompleted ? await rented : await WaitAsync(rented, patience, stop);
    }

    private async ValueTask<T> WaitAsync<T>(ValueTask<T> rented, CancellationTokenSource patience, CancellationToken stop)
        where T : IDisposable
    {
        // What was begun has to be awaited, since it may end with a slot all the same.
        bool isQueued = host.Queue.TryEnter(host.Options.QueueLength);
        if (isQueued)
            patience.CancelAfter(host.Options.QueueTimeout);
        else
            await patience.CancelAsync();
        T instance;
        try
        {
            instance = await rented;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new NoSlotException();
        }
        finally
        {
            if (isQueued)
                host.Queue.Leave();
        }
        return instance;
    }

    private async Task<RequestOutcome> RunAsync(HttpContext http, Tenant tenant)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = host.Options.MaximumRequestBytes;
        using LoadedModule? loaded = module.Acquire();
        if (loaded is null)
            return Refuse(http, StatusCodes.Status503ServiceUnavailable, "5");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        stop.CancelAfter(tenant.Limits.Time ?? host.Options.RequestTimeout);
#pragma warning disable CA1031 // Whatever goes wrong in a guest is an error of this request alone.
        try
        {
            if (await AnswerAsync(http, loaded, tenant.Limits, stop.Token))
                return RequestOutcome.Answered;
            Fail(http, StatusCodes.Status500InternalServerError, null, "the guest ended with a status that says it failed");
            return RequestOutcome.Failed;
        }
        catch (Exception e) when (e is NoSlotException or PoolExhaustedException)
        {
            host.Queue.CountRefusal();
            return Refuse(http, StatusCodes.Status503ServiceUnavailable, "1");
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            return RequestOutcome.Aborted;
        }
        catch (BadHttpRequestException e)
        {
            if (!http.Response.HasStarted)
                http.Response.StatusCode = e.StatusCode;
            return RequestOutcome.Refused;
        }
        catch (Exception e) when (stop.IsCancellationRequested)
        {
            Fail(http, StatusCodes.Status504GatewayTimeout, e, "its time was over");
            return RequestOutcome.TimedOut;
        }
        catch (Exception e)
        {
            if (e is TrapException trap)
                module.Statistics.CountTrap(trap.Trap.Code);
            bool isGuests = e is TrapException or GuestException or ComponentTrapException;
            Fail(http, StatusCodes.Status500InternalServerError, e, isGuests ? "the guest trapped" : "it failed");
            return isGuests ? RequestOutcome.Trapped : RequestOutcome.Failed;
        }
#pragma warning restore CA1031
    }

    private static RequestOutcome Refuse(HttpContext http, int status, string? retryAfter)
    {
        if (http.Response.HasStarted)
            http.Abort();
        else
            http.Response.StatusCode = status;
        if (retryAfter is not null && !http.Response.HasStarted)
            http.Response.Headers.RetryAfter = retryAfter;
        return RequestOutcome.Refused;
    }

    private void Fail(HttpContext http, int status, Exception? exception, string what)
    {
        string id = Activity.Current?.TraceId.ToHexString() ?? Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
        LogFailed(logger, exception, id, module.Name, what);
        if (http.Response.HasStarted)
        {
            // The client must not take a part for the whole.
            http.Abort();
            return;
        }
        http.Response.Clear();
        http.Response.StatusCode = status;
        http.Response.Headers["X-Error-Id"] = id;
    }

    [LoggerMessage(10, LogLevel.Error, "Request {ErrorId} to module {Module}: {What}.")]
    private static partial void LogFailed(ILogger logger, Exception? exception, string errorId, string module, string what);

    private sealed class NoSlotException : Exception;
}

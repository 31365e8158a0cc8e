// The status page and its data. The page is one file without references to others; what it shows it fetches from the data's endpoint.
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tarn.AspNetCore.Modules;
using Tarn.AspNetCore.Requests;
using Tarn.Pooling;

namespace Tarn.AspNetCore.Status;

internal static class StatusPage
{
    // Of more slots the map shows the first.
    private const int MostSlots = 10_000;
    private const int MostTenants = 100;

    public static async Task WritePageAsync(HttpContext http)
    {
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "no-store";
        using Stream page = typeof(StatusPage).Assembly.GetManifestResourceStream("StatusPage.html")!;
        await page.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    public static async Task WriteDataAsync(HttpContext http, WasmHost host)
    {
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        var text = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text))
            Write(writer, host);
        await http.Response.Body.WriteAsync(text.WrittenMemory, http.RequestAborted);
    }

    private static void Write(Utf8JsonWriter writer, WasmHost host)
    {
        PoolStatistics pool = host.Engine.GetPoolStatistics();
        writer.WriteStartObject();
        writer.WriteNumber("timestamp", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        writer.WriteNumber("waiting", host.Queue.Waiting);
        writer.WriteNumber("refused", host.Queue.Refused);
        writer.WriteNumber("rents", pool.Rents);
        writer.WriteNumber("evictions", pool.Evictions);
        writer.WriteNumber("exhaustions", pool.Exhaustions);
        writer.WriteStartArray("pools");
        foreach ((string name, PoolUsage usage) in new[] { ("instances", pool.Instances), ("memories", pool.Memories), ("tables", pool.Tables), ("stacks", pool.Stacks), ("heaps", pool.Heaps) })
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteNumber("slots", usage.Slots);
            writer.WriteNumber("inUse", usage.InUse);
            writer.WriteNumber("warm", usage.Warm);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        // A character for each slot: free, warm, in use, suspended.
        writer.WriteString("slots", host.Engine.Allocator is PooledAllocator allocator
            ? string.Concat(allocator.GetSlotStates().Take(MostSlots).Select(static state => state switch { SlotState.Warm => 'w', SlotState.InUse => 'u', SlotState.Suspended => 's', _ => 'f' }))
            : "");
        writer.WriteStartArray("modules");
        foreach (HostedModule module in host.Modules)
        {
            writer.WriteStartObject();
            writer.WriteString("name", module.Name);
            writer.WriteNumber("version", module.Version);
            writer.WriteBoolean("loaded", module.IsLoaded);
            writer.WriteBoolean("stale", module.Failure is not null);
            Write(writer, module.Statistics);
            writer.WriteStartObject("traps");
            foreach ((TrapCode code, long count) in module.Statistics.Traps)
                writer.WriteNumber(code.ToString(), count);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartArray("tenants");
        foreach (Tenant tenant in host.Tenants.All.OrderByDescending(static tenant => tenant.Statistics.Total).Take(MostTenants))
        {
            writer.WriteStartObject();
            writer.WriteString("name", tenant.Name);
            Write(writer, tenant.Statistics);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, RequestStatistics statistics)
    {
        writer.WriteNumber("running", statistics.Running);
        writer.WriteNumber("total", statistics.Total);
        foreach (RequestOutcome outcome in Enum.GetValues<RequestOutcome>())
            writer.WriteNumber(GuestEndpoint.NameOf(outcome), statistics.Count(outcome));
        writer.WriteNumber("p50", statistics.Percentile(0.5));
        writer.WriteNumber("p90", statistics.Percentile(0.9));
        writer.WriteNumber("p99", statistics.Percentile(0.99));
    }
}

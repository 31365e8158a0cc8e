// The endpoints.
using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tarn.AspNetCore.Modules;
using Tarn.AspNetCore.Requests;
using Tarn.AspNetCore.Status;

namespace Tarn.AspNetCore;

/// <summary>Maps guests and the status page.</summary>
public static class TarnEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps a WASI program, or a component that exports <c>wasi:http/incoming-handler</c>. A program gets the request as CGI variables and the body on standard input; what it writes to standard output is the
    /// body of the response. The route parameter <c>rest</c>, if there is one, is <c>PATH_INFO</c>. When the request is aborted, the guest is stopped.
    /// </summary>
    /// <param name="endpoints">The endpoints.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="module">The name of the module in <see cref="TarnOptions.Modules"/>.</param>
    /// <param name="options">What the program is given.</param>
    /// <exception cref="InvalidOperationException">There is no module of that name.</exception>
    public static IEndpointConventionBuilder MapWasm(this IEndpointRouteBuilder endpoints, string pattern, string module, WasmEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        WasmHost host = endpoints.ServiceProvider.GetRequiredService<WasmHost>();
        var endpoint = new ProgramEndpoint(host, host.Find(module), options ?? new WasmEndpointOptions(), LoggerOf(endpoints));
        return endpoints.Map(pattern, endpoint.HandleAsync);
    }

    /// <summary>
    /// Maps an exported function. Its arguments are the route's parameters in their order, or the items of a JSON array in the body where the route has none; its results are written as JSON.
    /// </summary>
    /// <param name="endpoints">The endpoints.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="module">The name of the module in <see cref="TarnOptions.Modules"/>.</param>
    /// <param name="function">The function's name. It takes and returns numbers.</param>
    /// <exception cref="InvalidOperationException">There is no module of that name.</exception>
    public static IEndpointConventionBuilder MapWasmFunction(this IEndpointRouteBuilder endpoints, string pattern, string module, string function)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(function);
        WasmHost host = endpoints.ServiceProvider.GetRequiredService<WasmHost>();
        string[] parameters = [.. RoutePatternFactory.Parse(pattern).Parameters.Select(static parameter => parameter.Name)];
        var endpoint = new FunctionEndpoint(host, host.Find(module), function, parameters, LoggerOf(endpoints));
        return endpoints.Map(pattern, endpoint.HandleAsync);
    }

    /// <summary>
    /// Maps the status page, and its data as JSON under <c>/data</c>. Unless the result requires authorization, or allows anonymous access explicitly, only connections from the machine itself
    /// that no proxy has forwarded see it: for others it does not exist.
    /// </summary>
    /// <param name="endpoints">The endpoints.</param>
    /// <param name="pattern">The route.</param>
    public static IEndpointConventionBuilder MapTarnStatus(this IEndpointRouteBuilder endpoints, string pattern = "/tarn")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        WasmHost host = endpoints.ServiceProvider.GetRequiredService<WasmHost>();
        RouteGroupBuilder group = endpoints.MapGroup(pattern);
        group.MapGet("", http => IsAllowed(http) ? StatusPage.WritePageAsync(http) : NotFound(http));
        group.MapGet("/data", http => IsAllowed(http) ? StatusPage.WriteDataAsync(http, host) : NotFound(http));
        return group;
    }

    private static bool IsAllowed(HttpContext http)
    {
        // With either of the two the usual middleware has decided.
        EndpointMetadataCollection? metadata = http.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<IAuthorizeData>() is not null || metadata?.GetMetadata<AuthorizationPolicy>() is not null || metadata?.GetMetadata<IAllowAnonymous>() is not null)
            return true;
        // Behind a proxy on the same machine every client would be local. A page of a stranger, whose name resolves to this machine (DNS rebinding), has that name as its host.
        IHeaderDictionary headers = http.Request.Headers;
        string name = http.Request.Host.Host;
        if (!name.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !(IPAddress.TryParse(name.AsSpan().Trim("[]"), out IPAddress? host) && IPAddress.IsLoopback(host)))
            return false;
        return http.Connection.RemoteIpAddress is IPAddress address && IPAddress.IsLoopback(address) && !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("Forwarded");
    }

    private static Task NotFound(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static ILogger LoggerOf(IEndpointRouteBuilder endpoints) => endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Tarn.AspNetCore.Requests");
}

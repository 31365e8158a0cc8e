// A request to a WASI program: its variables are those of CGI (RFC 3875), its standard input is the body, and its standard output is the response's body, streamed both ways. A request to a component that exports
// wasi:http/incoming-handler is passed on as it is.
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Logging;
using Tarn.AspNetCore.Modules;
using Tarn.Components;
using Tarn.Wasi;

namespace Tarn.AspNetCore.Requests;

internal sealed class ProgramEndpoint(WasmHost host, HostedModule module, WasmEndpointOptions options, ILogger logger) : GuestEndpoint(host, module, logger)
{
    protected override async Task<bool> AnswerAsync(HttpContext http, LoadedModule loaded, TenantLimits limits, CancellationToken stop)
    {
        if (loaded.Components is ComponentTemplate components)
            return await AnswerAsync(http, components, limits, stop);
        var output = new ResponseStream(http, options.ContentType);
        using var context = new WasiContext(new WasiOptions
        {
            Arguments = [Hosted.Name],
            Environment = Variables(http.Request),
            Preopens = options.Preopens,
            StandardInput = http.Request.Body,
            StandardOutput = output,
        });
        Instance instance = await RentAsync(loaded.Template!, context, limits, stop);
        int status;
        await using (instance)
            status = await context.RunAsync(instance, stop);
        if (status != 0)
            return false;
        await output.StartAsync();
        return true;
    }

    private async Task<bool> AnswerAsync(HttpContext http, ComponentTemplate template, TenantLimits limits, CancellationToken stop)
    {
        using var context = new WasiContext(new WasiOptions());
        using var message = new HttpRequestMessage(new HttpMethod(http.Request.Method), http.Request.GetEncodedUrl()) { Content = new StreamContent(http.Request.Body) };
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in http.Request.Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, values.AsEnumerable()))
                message.Content.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
        }
        using ComponentInstance instance = await RentAsync(template, context, limits, stop);
        using WasiHttpExchange exchange = await context.HandleAsync(instance, message, stop);
        try
        {
            http.Response.StatusCode = (int)exchange.Response.StatusCode;
            foreach ((string name, IEnumerable<string> values) in exchange.Response.Headers.NonValidated.Select(static h => (h.Key, (IEnumerable<string>)h.Value)).Concat(exchange.Response.Content.Headers.NonValidated.Select(static h => (h.Key, (IEnumerable<string>)h.Value))))
            {
                // How the body is framed is the server's business.
                if (!name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase) && !name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
                    http.Response.Headers[name] = values.ToArray();
            }
            await exchange.Response.Content.CopyToAsync(http.Response.Body, stop);
        }
        finally
        {
            exchange.Dispose();
            await exchange.Completion;
        }
        return true;
    }

    // "Proxy" is left out: as HTTP_PROXY it would be taken for the address of a proxy (CVE-2016-5385).
    private static List<KeyValuePair<string, string>> Variables(HttpRequest request)
    {
        var variables = new List<KeyValuePair<string, string>>();
        Add("GATEWAY_INTERFACE", "CGI/1.1");
        Add("SERVER_SOFTWARE", "Tarn");
        Add("SERVER_PROTOCOL", request.Protocol);
        Add("SERVER_NAME", request.Host.Host);
        Add("SERVER_PORT", (request.Host.Port ?? (request.IsHttps ? 443 : 80)).ToString(CultureInfo.InvariantCulture));
        Add("REQUEST_METHOD", request.Method);
        Add("REQUEST_SCHEME", request.Scheme);
        string rest = "/" + (request.RouteValues.TryGetValue("rest", out object? value) ? value?.ToString() ?? "" : "");
        string path = request.Path.Value ?? "/";
        Add("PATH_INFO", rest);
        Add("SCRIPT_NAME", request.PathBase.Value + (path.EndsWith(rest, StringComparison.Ordinal) ? path[..^rest.Length] : path));
        Add("QUERY_STRING", request.QueryString.HasValue ? request.QueryString.Value![1..] : "");
        Add("REMOTE_ADDR", request.HttpContext.Connection.RemoteIpAddress?.ToString() ?? "");
        if (request.ContentType is string type)
            Add("CONTENT_TYPE", type);
        if (request.ContentLength is long length)
            Add("CONTENT_LENGTH", length.ToString(CultureInfo.InvariantCulture));
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in request.Headers)
        {
            // "X_Forwarded_For" would become the same variable as the header that a proxy has checked.
            if (name.Contains('_', StringComparison.Ordinal))
                continue;
            string upper = name.ToUpperInvariant().Replace('-', '_');
            if (upper is not ("PROXY" or "CONTENT_TYPE" or "CONTENT_LENGTH" or "AUTHORIZATION") && !upper.Contains('=', StringComparison.Ordinal))
                Add("HTTP_" + upper, string.Join(", ", values.AsEnumerable()));
        }
        return variables;

        void Add(string name, string value) => variables.Add(new KeyValuePair<string, string>(name, value.Replace("\0", "", StringComparison.Ordinal)));
    }
}

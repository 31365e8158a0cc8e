// wasi:http/outgoing-handler: requests of guests over HttpClient. A request is sent only if the context's filter says so, and its connection belongs to the guest until the guest has dropped the
// response with its body; how many of them there may be is bounded.
using System.Net;
using System.Text;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Http;

internal static class OutgoingHandlerFunctions
{
    // What a guest asks for is what is sent: no redirects to where the filter was not asked about, nothing that one guest leaves for another.
    private static readonly Lazy<HttpMessageInvoker> s_client = new(static () => new HttpMessageInvoker(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    }));

    public static void DefineIn(Preview2Binder binder) => binder.Define("wasi:http/outgoing-handler", "handle", Handle);

    private static ComponentValue Handle(in Preview2Call call)
    {
        OutgoingRequest request = WasiResources.Take<OutgoingRequest>(call[0]);
        RequestOptions? options = call[1].Payload is ComponentValue some ? WasiResources.Take<RequestOptions>(some) : null;
        WasiContext context = call.Context;
        try
        {
            HttpRequestMessage message = Make(request, context.Http);
            if (!context.HttpRequests.TryAdd(context.Http!.MaximumRequests))
                throw new HttpRefusedException("connection-limit-reached");
            CancellationTokenSource stop = new();
            Task<IncomingResponse> response = SendAsync(context, message, options, stop);
            return ComponentValue.Ok(WasiResources.Give(call.Resources.FutureIncomingResponse, new HttpFuture<IncomingResponse>(response, stop.Cancel)));
        }
        catch (HttpRefusedException refused)
        {
            request.Body?.Pipe.Abandon();
            return ComponentValue.Error(HttpErrors.Of(refused));
        }
    }

    private static HttpRequestMessage Make(OutgoingRequest request, WasiHttpOptions? options)
    {
        if (options is null)
            throw new HttpRefusedException("HTTP-request-denied");
        string scheme = request.Scheme ?? Uri.UriSchemeHttps;
        if (!scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase) && !scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase))
            throw new HttpRefusedException("HTTP-protocol-error");
        string path = request.PathWithQuery is null or "" ? "/" : request.PathWithQuery[0] == '/' ? request.PathWithQuery : "/" + request.PathWithQuery;
        if (request.Authority is null || !Uri.TryCreate($"{scheme}://{request.Authority}{path}", UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.UserInfo.Length > 0)
            throw new HttpRefusedException("HTTP-request-URI-invalid");
        HttpMethod method = new(request.Method);
        if (method == HttpMethod.Connect)
            throw new HttpRefusedException("HTTP-request-method-invalid");
        if (!options.Filter(method, uri))
            throw new HttpRefusedException("HTTP-request-denied");
        HttpRequestMessage message = new(method, uri) { VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        if (request.Body is OutgoingBody body)
            message.Content = new PipeContent(body.Pipe, body.Length);
        else if (request.Headers.Entries.Any(static entry => entry.Name.StartsWith("content-", StringComparison.OrdinalIgnoreCase)))
            message.Content = new ByteArrayContent([]);
        request.Headers.CopyTo(message.Headers, message.Content?.Headers);
        return message;
    }

    private static async Task<IncomingResponse> SendAsync(WasiContext context, HttpRequestMessage message, RequestOptions? options, CancellationTokenSource stop)
    {
        SharedCounter requests = context.HttpRequests;
        try
        {
            HttpMessageInvoker client = context.Http!.Client ?? s_client.Value;
            Task<HttpResponseMessage> sending = client is HttpClient whole
                ? whole.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop.Token)
                : client.SendAsync(message, stop.Token);
            HttpResponseMessage response;
            try
            {
                response = options?.FirstByte is TimeSpan most ? await sending.WaitAsync(most, stop.Token).ConfigureAwait(false) : await sending.ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }

            try
            {
                Stream body = await response.Content.ReadAsStreamAsync(stop.Token).ConfigureAwait(false);
                return new IncomingResponse(response, body, requests.Remove, options?.BetweenBytes);
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }
        catch
        {
            requests.Remove();
            (message.Content as PipeContent)?.Dispose();
            throw;
        }
    }
}

// What a guest may do with HTTP. Nothing is granted unless it is given here: without options an outgoing request of a guest is denied.

namespace Tarn.Wasi;

/// <summary>Decides whether a guest may make an outgoing request. Asked for each request, before a connection is made.</summary>
/// <param name="method">The method.</param>
/// <param name="uri">The absolute address, without user information. Names are not resolved yet: where a name leads is decided by the client that sends.</param>
/// <returns>Whether the request is sent.</returns>
public delegate bool WasiHttpFilter(HttpMethod method, Uri uri);

/// <summary>Represents what a guest may do with outgoing HTTP.</summary>
public sealed record WasiHttpOptions
{
    /// <summary>Gets the filter of outgoing requests.</summary>
    public required WasiHttpFilter Filter { get; init; }

    /// <summary>
    /// Gets what sends requests, or <see langword="null"/> for a client of the process that follows no redirects, keeps no cookies, uses no proxy and has no credentials. It is not disposed.
    /// </summary>
    public HttpMessageInvoker? Client { get; init; }

    /// <summary>Gets the number of outgoing requests whose responses a guest has not dropped yet. A request beyond it fails with the error connection-limit-reached. The default is 64.</summary>
    public int MaximumRequests { get; init; } = 64;

    /// <summary>Creates options that allow requests to some hosts.</summary>
    /// <param name="hosts">Names or addresses, with <c>:port</c> for a port other than that of the scheme; <c>*</c> for all. They are compared without regard to case.</param>
    public static WasiHttpOptions ForHosts(params IReadOnlyList<string> hosts)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        HashSet<string> allowed = new(hosts, StringComparer.OrdinalIgnoreCase);
        return new WasiHttpOptions { Filter = (_, uri) => allowed.Contains("*") || allowed.Contains(uri.Authority) };
    }
}

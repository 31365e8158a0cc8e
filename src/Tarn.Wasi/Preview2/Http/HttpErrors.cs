// Failures of requests in the words of wasi:http's error-code, and those of guests in words of ours.
using System.Net.Sockets;
using System.Security.Authentication;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Http;

/// <summary>A request that was refused before it was sent.</summary>
/// <param name="code">The case of <c>error-code</c>, one without a payload.</param>
internal sealed class HttpRefusedException(string code) : Exception(code)
{
    public string Code { get; } = code;
}

internal static class HttpErrors
{
    /// <summary>The error code of a failure.</summary>
    public static ComponentValue Of(Exception exception)
    {
        switch (exception)
        {
            case HttpRefusedException refused:
                return ComponentValue.FromVariant(refused.Code);
            case TimeoutException or OperationCanceledException { InnerException: TimeoutException }:
                return ComponentValue.FromVariant("HTTP-response-timeout");
        }

        if (Find<SocketException>(exception) is SocketException socket)
        {
            switch (socket.SocketErrorCode)
            {
                case SocketError.ConnectionRefused:
                    return ComponentValue.FromVariant("connection-refused");
                case SocketError.ConnectionReset or SocketError.ConnectionAborted:
                    return ComponentValue.FromVariant("connection-terminated");
                case SocketError.TimedOut:
                    return ComponentValue.FromVariant("connection-timeout");
                case SocketError.HostUnreachable or SocketError.NetworkUnreachable:
                    return ComponentValue.FromVariant("destination-IP-unroutable");
                case SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData:
                    return ComponentValue.FromVariant(
                        "DNS-error", ComponentValue.FromRecord(("rcode", ComponentValue.FromOption(ComponentValue.FromString(socket.SocketErrorCode.ToString()))), ("info-code", ComponentValue.FromOption(null))));
            }
        }

        if (Find<AuthenticationException>(exception) is not null)
            return ComponentValue.FromVariant("TLS-certificate-error");
        return exception is HttpRequestException request
            ? request.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => ComponentValue.FromVariant("destination-not-found"),
                HttpRequestError.ConnectionError => ComponentValue.FromVariant("connection-terminated"),
                HttpRequestError.SecureConnectionError => ComponentValue.FromVariant("TLS-protocol-error"),
                HttpRequestError.ResponseEnded => ComponentValue.FromVariant("HTTP-response-incomplete"),
                HttpRequestError.HttpProtocolError or HttpRequestError.InvalidResponse => ComponentValue.FromVariant("HTTP-protocol-error"),
                HttpRequestError.ConfigurationLimitExceeded => ComponentValue.FromVariant("HTTP-response-header-section-size", ComponentValue.FromOption(null)),
                _ => Internal(request),
            }
            : Internal(exception);
    }

    /// <summary>An error code in words.</summary>
    public static string Describe(ComponentValue code) => code.Payload is ComponentValue payload ? $"{code.Case} {payload}" : code.Case;

    private static ComponentValue Internal(Exception exception) => ComponentValue.FromVariant("internal-error", ComponentValue.FromOption(ComponentValue.FromString(exception.Message)));

    private static T? Find<T>(Exception? exception)
        where T : Exception
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is T found)
                return found;
        }

        return null;
    }
}

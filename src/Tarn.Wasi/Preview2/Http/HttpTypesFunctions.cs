// wasi:http/types: fields, messages and bodies. This file translates; what is behind the resources is in HttpMessages and HttpFields.
using System.Buffers;
using Tarn.Components;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Http;

internal static class HttpTypesFunctions
{
    private const string Types = "wasi:http/types";

    private static readonly string[] s_methods = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];

    private static readonly SearchValues<char> s_notInAuthority = SearchValues.Create("/?#@\\ \t\r\n");

    private delegate bool Setter<T>(T self, ComponentValue value);

    public static void DefineIn(Preview2Binder binder)
    {
        WasiResources resources = binder.Resources;
        foreach ((string name, ComponentResourceType type) in new[]
        {
            ("fields", resources.Fields), ("incoming-request", resources.IncomingRequest), ("outgoing-request", resources.OutgoingRequest), ("request-options", resources.RequestOptions),
            ("response-outparam", resources.ResponseOutparam), ("incoming-response", resources.IncomingResponse), ("incoming-body", resources.IncomingBody),
            ("future-trailers", resources.FutureTrailers), ("outgoing-response", resources.OutgoingResponse), ("outgoing-body", resources.OutgoingBody),
            ("future-incoming-response", resources.FutureIncomingResponse),
        })
            binder.Define(Types, name, type);
        binder.Define(Types, "http-error-code", (in Preview2Call call) => ComponentValue.FromOption(call.Target<StreamError>(0).Cause is Exception cause ? HttpErrors.Of(cause) : null));
        DefineFields(binder);
        DefineRequests(binder);
        DefineResponses(binder);
        DefineBodies(binder);
    }

    /// <summary>The value of a scheme.</summary>
    public static ComponentValue Scheme(string scheme) => scheme.ToUpperInvariant() switch
    {
        "HTTP" => ComponentValue.FromVariant("HTTP"),
        "HTTPS" => ComponentValue.FromVariant("HTTPS"),
        _ => ComponentValue.FromVariant("other", ComponentValue.FromString(scheme)),
    };

    private static void DefineFields(Preview2Binder binder)
    {
        binder.Define(Types, "[constructor]fields", (in Preview2Call call) => WasiResources.Give(call.Resources.Fields, new HttpFields()));
        binder.Define(Types, "[static]fields.from-list", (in Preview2Call call) =>
        {
            HttpFields fields = new();
            call.Work.Charge(call[0].Count);
            for (int i = 0; i < call[0].Count; i++)
            {
                if (fields.Append(call[0][i][0].AsString(), call[0][i][1].AsBytes()) is string error)
                    return ComponentValue.Error(ComponentValue.FromVariant(error));
            }

            return ComponentValue.Ok(WasiResources.Give(call.Resources.Fields, fields));
        });
        Define(binder, "get", (in Preview2Call call, HttpFields self) => ComponentValue.FromList([.. self.Get(call[1].AsString()).Select(static value => ComponentValue.FromBytes(value))]));
        Define(binder, "has", (in Preview2Call call, HttpFields self) => ComponentValue.FromBoolean(self.Get(call[1].AsString()).Any()));
        Define(binder, "set", (in Preview2Call call, HttpFields self) =>
        {
            var values = new byte[call[2].Count][];
            for (int i = 0; i < values.Length; i++)
                values[i] = call[2][i].AsBytes();
            return Outcome(self.Set(call[1].AsString(), values));
        });
        Define(binder, "delete", (in Preview2Call call, HttpFields self) => Outcome(self.Delete(call[1].AsString())));
        Define(binder, "append", (in Preview2Call call, HttpFields self) => Outcome(self.Append(call[1].AsString(), call[2].AsBytes())));
        Define(binder, "entries", (in Preview2Call call, HttpFields self) => ComponentValue.FromList(
            [.. self.Entries.Select(static entry => ComponentValue.FromTuple(ComponentValue.FromString(entry.Name), ComponentValue.FromBytes(entry.Value)))]));
        Define(binder, "clone", (in Preview2Call call, HttpFields self) => WasiResources.Give(call.Resources.Fields, self.Clone(isImmutable: false)));
    }

    private delegate ComponentValue FieldsMethod(in Preview2Call call, HttpFields self);

    private static void Define(Preview2Binder binder, string name, FieldsMethod method) => binder.Define(Types, $"[method]fields.{name}", (in Preview2Call call) =>
    {
        HttpFields self = call.Target<HttpFields>(0);
        call.Work.Charge(self.Entries.Count);
        return method(call, self);
    });

    private static ComponentValue Outcome(string? error) => error is null ? ComponentValue.Ok() : ComponentValue.Error(ComponentValue.FromVariant(error));

    private static void DefineRequests(Preview2Binder binder)
    {
        Get<IncomingRequest>(binder, "incoming-request.method", static self => Method(self.Message.Method.Method));
        Get<IncomingRequest>(binder, "incoming-request.path-with-query", static self => Text(self.Message.RequestUri?.IsAbsoluteUri == true ? self.Message.RequestUri.PathAndQuery : self.Message.RequestUri?.OriginalString));
        Get<IncomingRequest>(binder, "incoming-request.scheme", static self => ComponentValue.FromOption(self.Message.RequestUri?.IsAbsoluteUri == true ? Scheme(self.Message.RequestUri.Scheme) : null));
        Get<IncomingRequest>(binder, "incoming-request.authority", static self => Text(self.Message.Headers.Host ?? (self.Message.RequestUri?.IsAbsoluteUri == true ? self.Message.RequestUri.Authority : null)));
        binder.Define(Types, "[method]incoming-request.headers", (in Preview2Call call) => WasiResources.Give(call.Resources.Fields, call.Target<IncomingRequest>(0).Headers.Clone(isImmutable: true)));
        binder.Define(Types, "[method]incoming-request.consume", (in Preview2Call call) => Given(call.Resources.IncomingBody, call.Target<IncomingRequest>(0).TakeBody()));

        binder.Define(Types, "[constructor]outgoing-request", (in Preview2Call call) =>
            WasiResources.Give(call.Resources.OutgoingRequest, new OutgoingRequest(WasiResources.Take<HttpFields>(call[0]).Clone(isImmutable: true))));
        binder.Define(Types, "[method]outgoing-request.headers", (in Preview2Call call) => WasiResources.Give(call.Resources.Fields, call.Target<OutgoingRequest>(0).Headers.Clone(isImmutable: true)));
        binder.Define(Types, "[method]outgoing-request.body", (in Preview2Call call) =>
        {
            OutgoingRequest self = call.Target<OutgoingRequest>(0);
            if (self.Body is not null)
                return ComponentValue.Error();
            self.Body = new OutgoingBody(self.Headers.ContentLength);
            return Given(call.Resources.OutgoingBody, self.Body);
        });
        Get<OutgoingRequest>(binder, "outgoing-request.method", static self => Method(self.Method));
        Set<OutgoingRequest>(binder, "outgoing-request.set-method", static (self, value) =>
        {
            string method = value.Case == "other" ? value.Payload!.AsString() : value.Case.ToUpperInvariant();
            if (!IsMethod(method))
                return false;
            self.Method = method;
            return true;
        });
        Get<OutgoingRequest>(binder, "outgoing-request.path-with-query", static self => Text(self.PathWithQuery));
        Set<OutgoingRequest>(binder, "outgoing-request.set-path-with-query", static (self, value) =>
        {
            self.PathWithQuery = value.Payload?.AsString();
            return self.PathWithQuery is null || IsPath(self.PathWithQuery);
        });
        Get<OutgoingRequest>(binder, "outgoing-request.scheme", static self => ComponentValue.FromOption(self.Scheme is null ? null : Scheme(self.Scheme)));
        Set<OutgoingRequest>(binder, "outgoing-request.set-scheme", static (self, value) =>
        {
            self.Scheme = value.Payload is not ComponentValue scheme ? null : scheme.Case == "other" ? scheme.Payload!.AsString() : scheme.Case;
            return self.Scheme is null || Uri.CheckSchemeName(self.Scheme);
        });
        Get<OutgoingRequest>(binder, "outgoing-request.authority", static self => Text(self.Authority));
        Set<OutgoingRequest>(binder, "outgoing-request.set-authority", static (self, value) =>
        {
            string? authority = value.Payload?.AsString();
            if (authority is not null && (authority.AsSpan().ContainsAny(s_notInAuthority) || !Uri.TryCreate($"http://{authority}/", UriKind.Absolute, out _)))
                return false;
            self.Authority = authority;
            return true;
        });

        binder.Define(Types, "[constructor]request-options", (in Preview2Call call) => WasiResources.Give(call.Resources.RequestOptions, new RequestOptions()));
        // HttpClient has no time for connecting alone that a request could set. The interface lets a host say so.
        Get<RequestOptions>(binder, "request-options.connect-timeout", static _ => ComponentValue.FromOption(null));
        Set<RequestOptions>(binder, "request-options.set-connect-timeout", static (_, value) => value.Payload is null);
        Get<RequestOptions>(binder, "request-options.first-byte-timeout", static self => Duration(self.FirstByte));
        Set<RequestOptions>(binder, "request-options.set-first-byte-timeout", static (self, value) =>
        {
            self.FirstByte = Duration(value);
            return true;
        });
        Get<RequestOptions>(binder, "request-options.between-bytes-timeout", static self => Duration(self.BetweenBytes));
        Set<RequestOptions>(binder, "request-options.set-between-bytes-timeout", static (self, value) =>
        {
            self.BetweenBytes = Duration(value);
            return true;
        });
    }

    private static void DefineResponses(Preview2Binder binder)
    {
        binder.Define(Types, "[static]response-outparam.set", (in Preview2Call call) =>
        {
            ResponseOutparam target = WasiResources.Take<ResponseOutparam>(call[0]);
            if (call[1].Case == "ok")
                target.Set(WasiResources.Take<OutgoingResponse>(call[1].Payload!));
            else
                target.Fail(HttpErrors.Describe(call[1].Payload!));
            return null;
        });
        Get<IncomingResponse>(binder, "incoming-response.status", static self => ComponentValue.FromUInt16((ushort)self.Message.StatusCode));
        binder.Define(Types, "[method]incoming-response.headers", (in Preview2Call call) => WasiResources.Give(call.Resources.Fields, call.Target<IncomingResponse>(0).Headers.Clone(isImmutable: true)));
        binder.Define(Types, "[method]incoming-response.consume", (in Preview2Call call) => Given(call.Resources.IncomingBody, call.Target<IncomingResponse>(0).TakeBody()));

        binder.Define(Types, "[constructor]outgoing-response", (in Preview2Call call) =>
            WasiResources.Give(call.Resources.OutgoingResponse, new OutgoingResponse(WasiResources.Take<HttpFields>(call[0]).Clone(isImmutable: true))));
        Get<OutgoingResponse>(binder, "outgoing-response.status-code", static self => ComponentValue.FromUInt16(self.Status));
        Set<OutgoingResponse>(binder, "outgoing-response.set-status-code", static (self, value) =>
        {
            const int First = 100, Last = 999;
            if (value.AsUInt16() is < First or > Last)
                return false;
            self.Status = value.AsUInt16();
            return true;
        });
        binder.Define(Types, "[method]outgoing-response.headers", (in Preview2Call call) => WasiResources.Give(call.Resources.Fields, call.Target<OutgoingResponse>(0).Headers.Clone(isImmutable: true)));
        binder.Define(Types, "[method]outgoing-response.body", (in Preview2Call call) =>
        {
            OutgoingResponse self = call.Target<OutgoingResponse>(0);
            if (self.Body is not null)
                return ComponentValue.Error();
            self.Body = new OutgoingBody(self.Headers.ContentLength);
            return Given(call.Resources.OutgoingBody, self.Body);
        });

        binder.Define(Types, "[method]future-incoming-response.subscribe", (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<HttpFuture<IncomingResponse>>(0).Subscribe()));
        binder.Define(Types, "[method]future-incoming-response.get", (in Preview2Call call) =>
        {
            ComponentResourceType type = call.Resources.IncomingResponse;
            return call.Target<HttpFuture<IncomingResponse>>(0).Get(response => WasiResources.Give(type, response));
        });
    }

    private static void DefineBodies(Preview2Binder binder)
    {
        binder.Define(Types, "[method]incoming-body.stream", (in Preview2Call call) => Given(call.Resources.InputStream, call.Target<IncomingBody>(0).TakeStream()));
        binder.Define(Types, "[static]incoming-body.finish", (in Preview2Call call) =>
        {
            IncomingBody body = WasiResources.Take<IncomingBody>(call[0]);
            // Trailers are there when the body has been read to its end; a guest that finishes before does not ask for them.
            HttpFields? trailers = body.Response?.TrailingHeaders is { } headers && headers.Any() ? HttpFields.Of(headers) : null;
            body.Dispose();
            return WasiResources.Give(call.Resources.FutureTrailers, new HttpFuture<Trailers>(Task.FromResult(new Trailers(trailers))));
        });
        binder.Define(Types, "[method]future-trailers.subscribe", (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<HttpFuture<Trailers>>(0).Subscribe()));
        binder.Define(Types, "[method]future-trailers.get", (in Preview2Call call) =>
        {
            ComponentResourceType type = call.Resources.Fields;
            return call.Target<HttpFuture<Trailers>>(0).Get(trailers => ComponentValue.FromOption(trailers.Fields is null ? null : WasiResources.Give(type, trailers.Fields)));
        });
        binder.Define(Types, "[method]outgoing-body.write", (in Preview2Call call) => Given(call.Resources.OutputStream, call.Target<OutgoingBody>(0).TakeStream()));
        binder.Define(Types, "[static]outgoing-body.finish", (in Preview2Call call) =>
        {
            OutgoingBody body = WasiResources.Take<OutgoingBody>(call[0]);
            if (call[1].Payload is ComponentValue trailers)
            {
                HttpFields fields = WasiResources.Take<HttpFields>(trailers);
                if (fields.Entries.Count > 0)
                {
                    // HttpClient sends none, and a message without what its sender meant to be in it is not whole.
                    body.Dispose();
                    return ComponentValue.Error(ComponentValue.FromVariant("internal-error", ComponentValue.FromOption(ComponentValue.FromString("trailers of outgoing messages are not supported"))));
                }
            }

            return body.Finish() is long written
                ? ComponentValue.Error(ComponentValue.FromVariant("HTTP-request-body-size", ComponentValue.FromOption(ComponentValue.FromUInt64((ulong)written))))
                : ComponentValue.Ok();
        });
    }

    private static void Get<T>(Preview2Binder binder, string name, Func<T, ComponentValue> get)
        where T : class => binder.Define(Types, $"[method]{name}", (in Preview2Call call) => get(call.Target<T>(0)));

    private static void Set<T>(Preview2Binder binder, string name, Setter<T> set)
        where T : class => binder.Define(Types, $"[method]{name}", (in Preview2Call call) => set(call.Target<T>(0), call[1]) ? ComponentValue.Ok() : ComponentValue.Error());

    private static ComponentValue Given(ComponentResourceType type, object? target) => target is null ? ComponentValue.Error() : ComponentValue.Ok(WasiResources.Give(type, target));

    private static ComponentValue Text(string? text) => ComponentValue.FromOption(text is null ? null : ComponentValue.FromString(text));

    private static ComponentValue Method(string method)
    {
        // The standard names are those in capitals.
        string? name = method.Any(char.IsAsciiLetterLower) ? null : Array.Find(s_methods, it => it.Equals(method, StringComparison.OrdinalIgnoreCase));
        return name is not null ? ComponentValue.FromVariant(name) : ComponentValue.FromVariant("other", ComponentValue.FromString(method));
    }

    private static bool IsMethod(string method)
    {
        try
        {
            _ = new HttpMethod(method);
            return true;
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            return false;
        }
    }

    private static bool IsPath(string path) => !path.AsSpan().ContainsAnyInRange('\0', ' ') && !path.Contains('#', StringComparison.Ordinal) && (path.Length == 0 || path[0] is '/' or '?' or '*');

    private static ComponentValue Duration(TimeSpan? time) => ComponentValue.FromOption(time is TimeSpan some ? ComponentValue.FromUInt64((ulong)some.Ticks * 100) : null);

    private static TimeSpan? Duration(ComponentValue value)
    {
        // Timers have a longest time.
        const ulong MostTicks = (ulong)int.MaxValue * TimeSpan.TicksPerMillisecond;
        return value.Payload is ComponentValue nanoseconds ? TimeSpan.FromTicks((long)Math.Min(Math.Max(nanoseconds.AsUInt64() / 100, TimeSpan.TicksPerMillisecond), MostTicks)) : null;
    }

    private sealed record Trailers(HttpFields? Fields);
}

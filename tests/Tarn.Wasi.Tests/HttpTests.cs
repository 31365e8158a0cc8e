// wasi:http with guests written by hand: made into components by the library's own tool, since their imports are those of the interface. What a filter refuses is not sent, what a guest gives as
// its response arrives, and what is not whole is an error.
using System.Net;
using System.Text;
using Tarn.Components;
using Tarn.Wasm.Component;
using Tarn.Wasm.Text;
using Tarn.Wasm.Wit;

namespace Tarn.Wasi.Tests;

public sealed class HttpTests
{
    private const string Wit = """
        package wasi:http@0.2.12;
        interface types {
          variant header-error { invalid-syntax, forbidden, immutable }
          variant error-code { HTTP-request-denied, HTTP-request-URI-invalid, connection-limit-reached, connection-refused, HTTP-request-body-size(option<u64>), internal-error(option<string>) }
          resource fields { constructor(); append: func(name: string, value: list<u8>) -> result<_, header-error>; }
          resource request-options { constructor(); }
          resource outgoing-request { constructor(headers: fields); set-authority: func(authority: option<string>) -> result; }
          resource incoming-request;
          resource incoming-response { status: func() -> u16; }
          resource future-incoming-response { get: func() -> option<result<result<incoming-response, error-code>>>; }
          resource outgoing-response { constructor(headers: fields); set-status-code: func(status-code: u16) -> result; body: func() -> result<outgoing-body>; }
          resource outgoing-body;
          resource response-outparam { set: static func(param: response-outparam, response: result<outgoing-response, error-code>); }
        }
        interface outgoing-handler {
          use types.{outgoing-request, request-options, future-incoming-response, error-code};
          handle: func(request: outgoing-request, options: option<request-options>) -> result<future-incoming-response, error-code>;
        }
        interface incoming-handler {
          use types.{incoming-request, response-outparam};
          handle: func(request: incoming-request, response-out: response-outparam);
        }
        world client { import outgoing-handler; import types; export send: func(text: string) -> u32; export field: func(text: string) -> u32; }
        world server { import types; export incoming-handler; }
        """;

    private const string Allocator = """
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 4096))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $r i32)
          (local.set $r (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
          (global.set $next (i32.add (local.get $r) (local.get 3)))
          (local.get $r))
        """;

    // Sends a request to an authority. 1000: it is being sent; else the number of the error code. A header's name is tried: 1000, or the number of the header error.
    private const string Client = $"""
        (module
          (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
          (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
          (import "wasi:http/types@0.2.12" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
          (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-authority" (func $authority (param i32 i32 i32 i32) (result i32)))
          (import "wasi:http/outgoing-handler@0.2.12" "handle" (func $handle (param i32 i32 i32 i32)))
          {Allocator}
          (func (export "send") (param $p i32) (param $n i32) (result i32) (local $r i32)
            (local.set $r (call $request (call $fields)))
            (if (call $authority (local.get $r) (i32.const 1) (local.get $p) (local.get $n)) (then (return (i32.const 2000))))
            (call $handle (local.get $r) (i32.const 0) (i32.const 0) (i32.const 64))
            (if (result i32) (i32.load8_u (i32.const 64)) (then (i32.load8_u (i32.const 72))) (else (i32.const 1000))))
          (func (export "field") (param $p i32) (param $n i32) (result i32)
            (call $append (call $fields) (local.get $p) (local.get $n) (local.get $p) (local.get $n) (i32.const 64))
            (if (result i32) (i32.load8_u (i32.const 64)) (then (i32.load8_u (i32.const 65))) (else (i32.const 1000)))))
        """;

    private const string Server = """
        (module
          (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
          (import "wasi:http/types@0.2.12" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
          (import "wasi:http/types@0.2.12" "[method]outgoing-response.set-status-code" (func $status (param i32 i32) (result i32)))
          (import "wasi:http/types@0.2.12" "[method]outgoing-response.body" (func $body (param i32 i32)))
          (import "wasi:http/types@0.2.12" "[static]response-outparam.set" (func $set (param i32 i32 i32 i32 i64 i32)))
          (import "wasi:http/types@0.2.12" "[resource-drop]outgoing-body" (func $drop (param i32)))
          ALLOCATOR
          (func (export "wasi:http/incoming-handler@0.2.12#handle") (param $q i32) (param $out i32) (local $r i32)
            (local.set $r (call $response (call $fields)))
            (drop (call $status (local.get $r) (i32.const 418)))
            BODY))
        """;

    private static readonly string s_answer = "(call $set (local.get $out) (i32.const 0) (local.get $r) (i32.const 0) (i64.const 0) (i32.const 0))";

    [Fact]
    public async Task What_the_filter_refuses_is_not_sent()
    {
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using Component component = Component.FromBytes(engine, Make("client", Client));
        ComponentTemplate template = new ComponentLinker(engine).DefineWasi().Prepare(component);
        int asked = 0;
        Handler handler = new();
        using HttpMessageInvoker client = new(handler);
        WasiHttpOptions options = new() { Filter = (_, uri) => ++asked > 0 && uri.Authority == "good.example", Client = client, MaximumRequests = 2 };

        // Nothing is granted unless it is given.
        Assert.Equal(0U, await Send(template, null, "good.example"));
        Assert.Equal(0U, await Send(template, options, "bad.example"));
        Assert.Equal(2000U, await Send(template, options, "user@good.example"));
        Assert.Equal(2000U, await Send(template, options, "good.example/x"));
        Assert.Equal((1, 0), (asked, handler.Requests));
        Assert.Equal(1000U, await Send(template, options, "good.example"));
        Assert.Equal((2, 1), (asked, handler.Requests));

        // Requests that a guest holds are counted, and come back with its instance.
        using WasiContext context = new(new WasiOptions { Http = options });
        using (ComponentInstance instance = template.Instantiate(context))
        {
            ComponentFunction send = instance.GetFunction("send");
            Assert.Equal([1000U, 1000U, 2U], new[] { 0, 1, 2 }.Select(_ => send.Invoke(ComponentValue.FromString("good.example"))!.AsUInt32()));
        }

        for (int i = 0; i < 1000 && handler.Ended < handler.Requests; i++)
            await Task.Delay(5);
        Assert.Equal(handler.Requests, handler.Ended);
    }

    [Fact]
    public void Names_and_values_of_fields_are_checked()
    {
        using Engine engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using Component component = Component.FromBytes(engine, Make("client", Client));
        using WasiContext context = new(new WasiOptions());
        using ComponentInstance instance = new ComponentLinker(engine).DefineWasi(context).Prepare(component).Instantiate();
        ComponentFunction field = instance.GetFunction("field");
        foreach ((string name, uint expected) in new[] { ("x-a", 1000U), ("a b", 0U), ("a\r\nb", 0U), ("", 0U), ("é", 0U), ("Host", 1U), ("transfer-encoding", 1U), ("content-type", 1000U) })
            Assert.Equal(expected, field.Invoke(ComponentValue.FromString(name))!.AsUInt32());
    }

    [Theory]
    [InlineData("answer", null)]
    [InlineData("nothing", "without a response")]
    [InlineData("trap", "unreachable")]
    [InlineData("error", "HTTP-request-denied")]
    public async Task A_component_answers_or_it_is_said_why_not(string how, string? problem)
    {
        string body = how switch
        {
            "answer" => s_answer,
            "trap" => "unreachable",
            "error" => s_answer.Replace("(i32.const 0) (local.get $r)", "(i32.const 1) (i32.const 0)", StringComparison.Ordinal),
            _ => "",
        };
        using Served served = new(body);
        Task<WasiHttpExchange> answer = served.Context.HandleAsync(served.Instance, new HttpRequestMessage(HttpMethod.Get, "http://host.example/"));
        if (problem is null)
        {
            using WasiHttpExchange exchange = await answer;
            Assert.Equal((HttpStatusCode)418, exchange.Response.StatusCode);
            Assert.Equal("", await exchange.Response.Content.ReadAsStringAsync());
            await exchange.Completion;
            return;
        }

        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => answer);
        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_not_finished_is_an_error()
    {
        using Served served = new($"(call $body (local.get $r) (i32.const 64)) {s_answer} (call $drop (i32.load (i32.const 68)))");
        using WasiHttpExchange exchange = await served.Context.HandleAsync(served.Instance, new HttpRequestMessage(HttpMethod.Get, "http://host.example/"));
        Stream body = await exchange.Response.Content.ReadAsStreamAsync();
        IOException failure = await Assert.ThrowsAsync<IOException>(async () => await body.ReadExactlyAsync(new byte[10]));
        Assert.Contains("did not finish the body", failure.Message, StringComparison.Ordinal);
        await exchange.Completion;
    }

    private static async Task<uint> Send(ComponentTemplate template, WasiHttpOptions? options, string authority)
    {
        using WasiContext context = new(new WasiOptions { Http = options });
        using ComponentInstance instance = template.Instantiate(context);
        return (await instance.GetFunction("send").InvokeAsync([ComponentValue.FromString(authority)]))!.AsUInt32();
    }

    private static byte[] Make(string world, string module)
    {
        WitPackage package = new WitResolver().AddText("http.wit", Wit);
        byte[] core = ModuleMetadata.Embed(WatParser.Parse(Encoding.UTF8.GetBytes(module), null), package.Worlds[world], CanonicalOptionKind.Utf8);
        return ComponentMaker.Make(core, [], WasmFeatures.Wasm3, withNames: false);
    }

    private sealed class Served : IDisposable
    {
        private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        private readonly Component _component;

        public Served(string body)
        {
            _component = Component.FromBytes(_engine, Make("server", Server.Replace("ALLOCATOR", Allocator, StringComparison.Ordinal).Replace("BODY", body, StringComparison.Ordinal)));
            Context = new WasiContext(new WasiOptions());
            Instance = new ComponentLinker(_engine).DefineWasi(Context).Prepare(_component).Instantiate();
        }

        public WasiContext Context { get; }

        public ComponentInstance Instance { get; }

        public void Dispose()
        {
            Instance.Dispose();
            Context.Dispose();
            _component.Dispose();
            _engine.Dispose();
        }
    }

    // Never answers; a request ends when it is cancelled.
    private sealed class Handler : HttpMessageHandler
    {
        private int _requests;
        private int _ended;

        public int Requests => Volatile.Read(ref _requests);

        public int Ended => Volatile.Read(ref _ended);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _requests);
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                throw new InvalidOperationException();
            }
            finally
            {
                Interlocked.Increment(ref _ended);
            }
        }
    }
}

// What clients and guests may try against the server: headers that pass for others, bodies that grow when they are read, names without end, pages of strangers, initializations without end.
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Tarn.AspNetCore.Tests;

public sealed class AttackTests
{
    [Fact]
    public async Task A_header_does_not_pass_for_another_one()
    {
        await using TestServer server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/environment/");
        request.Headers.Add("X-Forwarded-For", "checked");
        request.Headers.TryAddWithoutValidation("X_Forwarded_For", "spoofed");
        using HttpResponseMessage answer = await server.Client.SendAsync(request);
        string[] variables = (await answer.Content.ReadAsStringAsync()).Split('\0');
        Assert.Equal(["HTTP_X_FORWARDED_FOR=checked"], variables.Where(static variable => variable.StartsWith("HTTP_X_FORWARDED_FOR", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Arguments_are_bounded_before_they_are_read()
    {
        await using TestServer server = await TestServer.StartAsync();
        string many = "[" + string.Join(',', Enumerable.Repeat("1", 100_000)) + "]";
        using (HttpResponseMessage answer = await server.Client.PostAsync("/half", new StringContent(many)))
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        // JSON, but not text.
        using (HttpResponseMessage answer = await server.Client.PostAsync("/half", new StringContent("[\"\\ud800\"]")))
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        using (HttpResponseMessage answer = await server.Client.PostAsync("/half", new StringContent(new string('[', 10_000))))
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.True(await server.IsQuietAsync());
    }

    [Fact]
    public async Task Names_of_tenants_are_bounded()
    {
        await using TestServer server = await TestServer.StartAsync(static options => options.Tenant = static http => http.Request.Headers["X-Tenant"]);
        foreach (char letter in "ab")
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/add/1/2");
            request.Headers.Add("X-Tenant", new string(letter, 10_000));
            using HttpResponseMessage answer = await server.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
        Assert.Equal(["(others)"], server.Host.Tenants.All.Select(static tenant => tenant.Name));
    }

    [Fact]
    public async Task The_status_page_is_not_for_names_that_only_resolve_to_this_machine()
    {
        await using TestServer server = await TestServer.StartAsync();
        foreach ((string host, HttpStatusCode status) in new[] { ("evil.example", HttpStatusCode.NotFound), ("localhost", HttpStatusCode.OK), ("127.0.0.1", HttpStatusCode.OK), ("[::1]", HttpStatusCode.OK), ("10.0.0.1", HttpStatusCode.NotFound) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/tarn/data");
            request.Headers.Host = host;
            using HttpResponseMessage answer = await server.Client.SendAsync(request);
            Assert.Equal((host, status), (host, answer.StatusCode));
        }
    }

    [Fact]
    public async Task An_initialization_without_end_keeps_the_host_from_starting()
    {
        static void Configure(TarnOptions options) => options.Modules["endless"] = new WasmModuleOptions
        {
            Provider = static _ => new(Encoding.UTF8.GetBytes("""(module (func (export "init") (loop $l (br $l))))""")),
            Initialize = "init",
            InitializationTime = TimeSpan.FromMilliseconds(100),
        };
        TrapException trap = await Assert.ThrowsAsync<TrapException>(static () => TestServer.StartAsync(Configure));
        Assert.Equal(TrapCode.Interrupted, trap.Code);
    }

    [Fact]
    public async Task A_host_function_is_defined_for_all_modules()
    {
        await using TestServer server = await TestServer.StartAsync(
            static options =>
            {
                options.ConfigureLinker = static linker => linker.DefineFunction("host", "double", static (int number) => 2 * number);
                options.Modules["uses"] = new WasmModuleOptions
                {
                    Provider = static _ => new(Encoding.UTF8.GetBytes("""(module (import "host" "double" (func $d (param i32) (result i32))) (func (export "f") (param i32) (result i32) (call $d (local.get 0))))""")),
                };
            },
            static app => app.MapWasmFunction("/double/{n}", "uses", "f"));
        Assert.Equal(42, await server.Client.GetFromJsonAsync<int>("/double/21"));
    }

    [Fact]
    public async Task Endpoints_are_authorized_like_others()
    {
        await using TestServer server = await TestServer.StartAsync(
            map: static app =>
            {
                app.MapWasmFunction("/secret/{a}/{b}", "numbers", "add").RequireAuthorization(static policy => policy.RequireAssertion(static context => ((Microsoft.AspNetCore.Http.HttpContext)context.Resource!).Request.Headers.ContainsKey("X-Key")));
                app.MapWasm("/secret/{**rest}", "echo").RequireAuthorization(static policy => policy.RequireAssertion(static context => ((Microsoft.AspNetCore.Http.HttpContext)context.Resource!).Request.Headers.ContainsKey("X-Key")));
            },
            services: static services => services.AddAuthorization().AddAuthentication("none").AddCookie("none", static options =>
            {
                options.Events.OnRedirectToLogin = options.Events.OnRedirectToAccessDenied = static context =>
                {
                    context.Response.StatusCode = 403;
                    return Task.CompletedTask;
                };
            }));
        foreach (string path in new[] { "/secret/1/2", "/secret/x" })
        {
            using (HttpResponseMessage answer = await server.Client.GetAsync(path))
                Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("X-Key", "1");
            using HttpResponseMessage allowed = await server.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        }
        Assert.Equal(2, server.Host.Modules.Sum(static module => module.Statistics.Total));
    }
}

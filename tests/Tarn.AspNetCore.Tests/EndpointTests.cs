// Guests behind a real server: what they get and give, what stops them, and what a client learns of an error.
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;

namespace Tarn.AspNetCore.Tests;

public sealed class EndpointTests
{
    [Fact]
    public async Task A_program_gets_the_body_and_answers_while_it_reads()
    {
        await using TestServer server = await TestServer.StartAsync();
        byte[] body = new byte[3_000_000];
        new Random(1).NextBytes(body);
        using (HttpResponseMessage answer = await server.Client.PostAsync("/echo/", new ByteArrayContent(body)))
        {
            Assert.Equal((HttpStatusCode.OK, "text/plain"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Equal(body, await answer.Content.ReadAsByteArrayAsync());
        }
        // Both ways at once: the guest's first bytes arrive before the body has ended. HttpClient does not read before it has sent everything.
        using (var connection = new TcpClient("127.0.0.1", server.Client.BaseAddress!.Port))
        {
            NetworkStream stream = connection.GetStream();
            await stream.WriteAsync("POST /echo/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"u8.ToArray());
            var received = new StringBuilder();
            byte[] buffer = new byte[4096];
            while (!received.ToString().Contains("first", StringComparison.Ordinal))
                received.Append(Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(10))));
            Assert.StartsWith("HTTP/1.1 200", received.ToString(), StringComparison.Ordinal);
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray());
            while (!received.ToString().EndsWith("0\r\n\r\n", StringComparison.Ordinal))
                received.Append(Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(10))));
        }
        Assert.True(await server.IsQuietAsync());
    }

    [Fact]
    public async Task A_program_sees_the_request_as_CGI_variables()
    {
        await using TestServer server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Put, "/environment/a/b?x=1&y=%20") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        request.Headers.Add("X-One", "1");
        request.Headers.Add("Proxy", "http://evil");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer secret");
        using HttpResponseMessage answer = await server.Client.SendAsync(request);
        string[] variables = (await answer.Content.ReadAsStringAsync()).Split('\0');
        foreach (string expected in new[] { "REQUEST_METHOD=PUT", "PATH_INFO=/a/b", "SCRIPT_NAME=/environment", "QUERY_STRING=x=1&y=%20", "CONTENT_LENGTH=2", "HTTP_X_ONE=1", "REMOTE_ADDR=127.0.0.1", "CONTENT_TYPE=application/json; charset=utf-8" })
            Assert.Contains(expected, variables);
        Assert.DoesNotContain(variables, static variable => variable.Contains("evil", StringComparison.Ordinal) || variable.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Functions_take_numbers_and_return_JSON_and_share_nothing()
    {
        await using TestServer server = await TestServer.StartAsync();
        Assert.Equal("5", await server.Client.GetStringAsync("/add/2/3"));
        // What initialization left, and never what another request left.
        for (int i = 0; i < 20; i++)
            Assert.Equal("41", await server.Client.GetStringAsync("/next"));
        using HttpResponseMessage half = await server.Client.PostAsync("/half", new StringContent("[3]"));
        Assert.Equal("[1.5,-1]", await half.Content.ReadAsStringAsync());
        foreach ((string path, string? body) in new[] { ("/add/2/x", null), ("/half", "[1,2]"), ("/half", "{"), ("/half", "3"), ("/half", "[\"x\"]") })
        {
            using HttpResponseMessage bad = body is null ? await server.Client.GetAsync(path) : await server.Client.PostAsync(path, new StringContent(body));
            Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        }
    }

    [Fact]
    public async Task A_trap_is_an_id_to_the_client_and_everything_to_the_log()
    {
        await using TestServer server = await TestServer.StartAsync();
        using HttpResponseMessage answer = await server.Client.GetAsync("/trap/");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
        string id = answer.Headers.GetValues("X-Error-Id").Single();
        Assert.DoesNotContain(answer.Headers.Concat(answer.Content.Headers).SelectMany(static header => header.Value), static value => value.Contains("secret_name", StringComparison.Ordinal));
        Assert.Contains(server.Log, entry => entry.Contains(id, StringComparison.Ordinal) && entry.Contains("secret_name", StringComparison.Ordinal));
        Assert.True(await server.IsQuietAsync());
    }

    [Fact]
    public async Task A_guest_is_stopped_when_its_time_is_over_or_its_client_has_gone()
    {
        await using TestServer server = await TestServer.StartAsync(static options => options.RequestTimeout = TimeSpan.FromMilliseconds(300));
        using (HttpResponseMessage late = await server.Client.GetAsync("/loop/"))
            Assert.Equal(HttpStatusCode.GatewayTimeout, late.StatusCode);
        Assert.True(await server.IsQuietAsync());
        await using TestServer patient = await TestServer.StartAsync();
        using var leave = new CancellationTokenSource(200);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.Client.GetAsync("/loop/", leave.Token));
        Assert.True(await patient.IsQuietAsync());
        Assert.Equal(1, patient.Host.Find("loop").Statistics.Count(Requests.RequestOutcome.Aborted));
    }

    [Fact]
    public async Task A_full_pool_makes_requests_wait_and_then_refuses_them()
    {
        await using TestServer server = await TestServer.StartAsync(static options =>
        {
            options.Instances = 1;
            options.QueueLength = 1;
            options.QueueTimeout = TimeSpan.FromMilliseconds(300);
            options.RequestTimeout = TimeSpan.FromSeconds(2);
        });
        Task<HttpResponseMessage> busy = server.Client.GetAsync("/loop/");
        while (server.Host.Engine.GetPoolStatistics().Instances.InUse == 0)
            await Task.Delay(5);
        Task<HttpResponseMessage>[] others = [.. Enumerable.Range(0, 5).Select(_ => server.Client.GetAsync("/next"))];
        foreach (HttpResponseMessage answer in await Task.WhenAll(others))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
        }
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await busy).StatusCode);
        Assert.Equal("41", await server.Client.GetStringAsync("/next"));
        Assert.Equal(0, server.Host.Queue.Waiting);
    }

    [Fact]
    public async Task Tenants_have_limits_of_their_own()
    {
        await using TestServer server = await TestServer.StartAsync(static options =>
        {
            options.EnableFuel = true;
            options.Tenant = static http => http.Request.Headers["X-Tenant"];
            options.Tenants["one"] = new TenantLimits { Concurrency = 1, Time = TimeSpan.FromSeconds(2) };
            options.Tenants["poor"] = new TenantLimits { Fuel = 100_000 };
            options.Tenants["small"] = new TenantLimits { MemoryBytes = 65536 };
            options.MaximumRequestBytes = 1000;
        });
        Task<HttpResponseMessage> first = SendAsync(server, "/loop/", "one");
        while (server.Host.Find("loop").Statistics.Running == 0 || server.Host.Engine.GetPoolStatistics().Instances.InUse == 0)
            await Task.Delay(5);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await SendAsync(server, "/next", "one")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(server, "/next", "two")).StatusCode);
        Assert.Equal(HttpStatusCode.InternalServerError, (await SendAsync(server, "/loop/", "poor")).StatusCode);
        Assert.Contains(server.Host.Find("loop").Statistics.Traps, static trap => trap.Code == TrapCode.OutOfFuel);
        Assert.Equal(HttpStatusCode.InternalServerError, (await SendAsync(server, "/echo/", "small")).StatusCode);
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await first).StatusCode);
        using HttpResponseMessage large = await server.Client.PostAsync("/echo/", new ByteArrayContent(new byte[1001]));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.True(await server.IsQuietAsync());
    }

    [Fact]
    public async Task A_changed_file_is_reloaded_and_a_broken_one_leaves_the_version_before()
    {
        await using TestServer server = await TestServer.StartAsync();
        Assert.Equal("5", await server.Client.GetStringAsync("/add/2/3"));
        await File.WriteAllTextAsync(server.PathOf("numbers"), TestServer.Numbers.Replace("(i32.add (local.get 0) (local.get 1))", "(i32.mul (local.get 0) (local.get 1))", StringComparison.Ordinal));
        for (int i = 0; i < 400 && await server.Client.GetStringAsync("/add/2/3") == "5"; i++)
            await Task.Delay(25);
        Assert.Equal("6", await server.Client.GetStringAsync("/add/2/3"));
        Assert.Equal("Healthy", await server.Client.GetStringAsync("/health"));
        await File.WriteAllTextAsync(server.PathOf("numbers"), "(module (func");
        for (int i = 0; i < 400 && await server.Client.GetStringAsync("/health") == "Healthy"; i++)
            await Task.Delay(25);
        Assert.Equal("Degraded", await server.Client.GetStringAsync("/health"));
        Assert.Equal("6", await server.Client.GetStringAsync("/add/2/3"));
    }

    [Fact]
    public async Task The_status_page_is_for_the_machine_itself_unless_a_policy_decides()
    {
        await using TestServer server = await TestServer.StartAsync(map: static app => app.MapTarnStatus("/open").AllowAnonymous());
        _ = await server.Client.GetStringAsync("/add/2/3");
        _ = await server.Client.GetAsync("/trap/");
        string page = await server.Client.GetStringAsync("/tarn");
        Assert.Contains("<title>Tarn status</title>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        using JsonDocument data = JsonDocument.Parse(await server.Client.GetStringAsync("/tarn/data"));
        Assert.Equal(8, data.RootElement.GetProperty("slots").GetString()!.Length);
        JsonElement trap = data.RootElement.GetProperty("modules").EnumerateArray().Single(static module => module.GetProperty("name").GetString() == "trap");
        Assert.Equal((1, 1), (trap.GetProperty("trapped").GetInt32(), trap.GetProperty("traps").GetProperty("Unreachable").GetInt32()));
        foreach ((string path, HttpStatusCode expected) in new[] { ("/tarn", HttpStatusCode.NotFound), ("/tarn/data", HttpStatusCode.NotFound), ("/open/data", HttpStatusCode.OK) })
        {
            using var forwarded = new HttpRequestMessage(HttpMethod.Get, path);
            forwarded.Headers.Add("X-Forwarded-For", "192.0.2.1");
            Assert.Equal(expected, (await server.Client.SendAsync(forwarded)).StatusCode);
        }
    }

    [Fact]
    public async Task What_is_wrong_with_the_options_or_a_module_keeps_the_host_from_starting()
    {
        OptionsValidationException invalid = await Assert.ThrowsAsync<OptionsValidationException>(() => TestServer.StartAsync(static options =>
        {
            options.QueueLength = -1;
            options.Tenants["t"] = new TenantLimits { Fuel = 1 };
        }));
        Assert.Contains("QueueLength", invalid.Message, StringComparison.Ordinal);
        Assert.Contains("EnableFuel is off", invalid.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<FileNotFoundException>(() => TestServer.StartAsync(static options => options.Modules["x"] = new WasmModuleOptions { Path = "/nothing.wasm" }));
        await Assert.ThrowsAsync<TextFormatException>(() => TestServer.StartAsync(static options =>
            options.Modules["x"] = new WasmModuleOptions { Provider = static _ => ValueTask.FromResult<ReadOnlyMemory<byte>>("(module (func"u8.ToArray()) }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => TestServer.StartAsync(map: static app => app.MapWasm("/y", "y")));
    }

    private static Task<HttpResponseMessage> SendAsync(TestServer server, string path, string tenant)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Tenant", tenant);
        return server.Client.SendAsync(request);
    }
}

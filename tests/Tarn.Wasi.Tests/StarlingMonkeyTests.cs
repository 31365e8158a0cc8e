// JavaScript as componentize-js of npm makes components of it: a program that answers requests and makes some. It is run where it has been made: TARN_STARLINGMONKEY names the component.
using System.Diagnostics;
using System.Net;
using System.Text;
using Tarn.Components;

namespace Tarn.Wasi.Tests;

public sealed class StarlingMonkeyTests(ITestOutputHelper output)
{
    private const string Variable = "TARN_STARLINGMONKEY";

    public static bool IsHere => Environment.GetEnvironmentVariable(Variable) is not null;

    [Theory(SkipUnless = nameof(IsHere), Skip = "NOT RUN: TARN_STARLINGMONKEY names no component made by componentize-js")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_program_answers_requests_and_makes_some(bool pooled)
    {
        using Engine engine = new(pooled
            ? new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, Pooling = PoolingOptions.ForComponents(2) }
            : new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
        using Component component = Component.FromFile(engine, Environment.GetEnvironmentVariable(Variable)!);
        output.WriteLine(component.DescribeResources().ToString());
        ComponentTemplate template = new ComponentLinker(engine).DefineWasi().Prepare(component);
        using HttpListener listener = new();
        string address = $"http://127.0.0.1:{Random.Shared.Next(20000, 60000)}/";
        listener.Prefixes.Add(address);
        listener.Start();
        Task server = Task.Run(async () =>
        {
            HttpListenerContext context = await listener.GetContextAsync();
            using StreamReader reader = new(context.Request.InputStream);
            string text = await reader.ReadToEndAsync();
            context.Response.Headers["x-reply"] = context.Request.HttpMethod + context.Request.Headers["x-a"];
            context.Response.StatusCode = 202;
            context.Response.OutputStream.Write(Encoding.UTF8.GetBytes("you said " + text));
            context.Response.Close();
        });
        Assert.Equal((200, "hello /a"), await Ask(template, new HttpRequestMessage(HttpMethod.Get, "http://host.example/a")));
        Assert.Equal((201, "a body"), await Ask(template, new HttpRequestMessage(HttpMethod.Post, "http://host.example/echo?x=1") { Content = new StringContent("a body") }));
        string large = new('x', 1 << 20);
        Assert.Equal((201, large), await Ask(template, new HttpRequestMessage(HttpMethod.Post, "http://host.example/echo") { Content = new StringContent(large) }));
        Assert.Equal((200, "202 POSTb you said hello from guest"), await Ask(template, new HttpRequestMessage(HttpMethod.Get, $"http://host.example/fetch?u={Uri.EscapeDataString(address)}")));
        await server;
        listener.Stop();
        Assert.Equal(502, (await Ask(template, new HttpRequestMessage(HttpMethod.Get, $"http://host.example/fetch?u={Uri.EscapeDataString(address)}"))).Status);
    }

    private async Task<(int Status, string Body)> Ask(ComponentTemplate template, HttpRequestMessage request)
    {
        long start = Stopwatch.GetTimestamp();
        using WasiContext context = new(new WasiOptions { Http = new WasiHttpOptions { Filter = (_, uri) => uri.Host == "127.0.0.1" } });
        using ComponentInstance instance = template.Instantiate(context);
        double made = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        using WasiHttpExchange exchange = await context.HandleAsync(instance, request).WaitAsync(TimeSpan.FromSeconds(30));
        string body = await exchange.Response.Content.ReadAsStringAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await exchange.Completion.WaitAsync(TimeSpan.FromSeconds(30));
        output.WriteLine($"{request.RequestUri}: instance {made:0.00} ms, all {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.00} ms");
        return ((int)exchange.Response.StatusCode, body);
    }
}

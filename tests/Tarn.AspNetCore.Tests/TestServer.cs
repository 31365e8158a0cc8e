// A server on the loopback with a few guests, and what it logged.
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tarn.AspNetCore.Modules;

namespace Tarn.AspNetCore.Tests;

internal sealed class TestServer : IAsyncDisposable
{
    /// <summary>Copies its input to its output.</summary>
    public const string Echo = """
        (module
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2)
          (func (export "_start")
            (loop $more
              (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 65536))
              (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
              (if (i32.load (i32.const 16))
                (then
                  (i32.store (i32.const 4) (i32.load (i32.const 16)))
                  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
                  (br $more))))))
        """;

    /// <summary>Writes its environment.</summary>
    public const string Environment = """
        (module
          (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2)
          (func (export "_start")
            (drop (call $sizes (i32.const 0) (i32.const 4)))
            (drop (call $get (i32.const 1024) (i32.const 16384)))
            (i32.store (i32.const 0) (i32.const 16384))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
        """;

    public const string Trap = """(module (memory (export "memory") 1) (func $secret_name unreachable) (func (export "_start") (call $secret_name)))""";

    public const string Loop = """(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))""";

    public const string Numbers = """
        (module
          (memory (export "memory") 1)
          (global $n (mut i32) (i32.const 0))
          (func (export "init") (global.set $n (i32.add (global.get $n) (i32.const 40))))
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
          (func (export "half") (param f64) (result f64 i64) (f64.div (local.get 0) (f64.const 2)) (i64.const -1)))
        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tarn-aspnetcore-");
    private readonly WebApplication _app;

    private TestServer(Action<TarnOptions>? configure, Action<WebApplication>? map, Action<IServiceCollection>? services)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(new Recorder(Log));
        builder.Services.AddTarn(options =>
        {
            options.Instances = 8;
            options.UseCompilationCache = false;
            options.ReloadInterval = TimeSpan.FromMilliseconds(50);
            foreach ((string name, string text) in new[] { ("echo", Echo), ("environment", Environment), ("trap", Trap), ("loop", Loop), ("numbers", Numbers) })
            {
                File.WriteAllText(PathOf(name), text);
                options.Modules[name] = new WasmModuleOptions { Path = PathOf(name), Initialize = name == "numbers" ? "init" : null };
            }
            configure?.Invoke(options);
        });
        services?.Invoke(builder.Services);
        _app = builder.Build();
        foreach (string name in new[] { "echo", "environment", "trap", "loop" })
            _app.MapWasm($"/{name}/{{**rest}}", name, new WasmEndpointOptions { ContentType = "text/plain" });
        _app.MapWasmFunction("/add/{a}/{b}", "numbers", "add");
        _app.MapWasmFunction("/next", "numbers", "next");
        _app.MapWasmFunction("/half", "numbers", "half");
        _app.MapTarnStatus("/tarn");
        _app.MapHealthChecks("/health");
        map?.Invoke(_app);
    }

    public ConcurrentQueue<string> Log { get; } = new();

    public HttpClient Client { get; } = new();

    public WasmHost Host => _app.Services.GetRequiredService<WasmHost>();

    public string PathOf(string name) => Path.Combine(_directory.FullName, name + ".wat");

    public static async Task<TestServer> StartAsync(Action<TarnOptions>? configure = null, Action<WebApplication>? map = null, Action<IServiceCollection>? services = null)
    {
        var server = new TestServer(configure, map, services);
        await server._app.StartAsync();
        server.Client.BaseAddress = new Uri(server._app.Urls.First());
        return server;
    }

    /// <summary>Waits until no slot is in use.</summary>
    public async Task<bool> IsQuietAsync()
    {
        for (int i = 0; i < 400; i++)
        {
            if (Host.Engine.GetPoolStatistics().Instances.InUse == 0 && Host.Modules.All(static module => module.Statistics.Running == 0))
                return true;
            await Task.Delay(25);
        }
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private sealed class Recorder(ConcurrentQueue<string> log) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}

// A silo in this process that keeps everything in memory, with a storage that fails when a test says so.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Storage;
using Tarn.Orleans.Silos;

namespace Tarn.Orleans.Tests;

internal sealed class TestSilo : IAsyncDisposable
{
    public const string Counter = """
        (module
          (import "tarn" "input_length" (func $length (result i32)))
          (import "tarn" "input_read" (func $read (param i32 i32 i32) (result i32)))
          (import "tarn" "output_write" (func $write (param i32 i32)))
          (memory (export "memory") 1)
          (func $add (export "add") (param i64) (result i64)
            (i64.store (i32.const 1024) (i64.add (i64.load (i32.const 1024)) (local.get 0)))
            (i64.load (i32.const 1024)))
          (func (export "addThenTrap") (param i64) (drop (call $add (local.get 0))) unreachable)
          (func (export "loop") (loop $l (br $l)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "echo") (local $n i32)
            (local.set $n (call $read (i32.const 4096) (i32.const 0) (call $length)))
            (call $write (i32.const 4096) (local.get $n)))
          (func (export "wild") (call $write (i32.const -4) (i32.const 100)))
          (func (export "flood") (loop $l (call $write (i32.const 0) (i32.const 65536)) (br $l)))
          (func (export "half") (param f64 f32) (result f64 i32) (f64.div (local.get 0) (f64.const 2)) (i32.const 7)))
        """;

    /// <summary>Calls the actor whose key is its input, and returns what that returned.</summary>
    public const string Caller = """
        (module
          (import "tarn" "input_length" (func $length (result i32)))
          (import "tarn" "input_read" (func $read (param i32 i32 i32) (result i32)))
          (import "tarn" "output_write" (func $write (param i32 i32)))
          (import "tarn" "reply_length" (func $reply (result i32)))
          (import "tarn" "reply_read" (func $take (param i32 i32 i32) (result i32)))
          (import "tarn" "call_actor" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "countercallerechorelay")
          (func $relay (param $at i32) (param $n i32) (param $function i32) (param $fn i32) (result i32) (local $id i32) (local $status i32)
            (local.set $id (call $read (i32.const 1024) (i32.const 0) (call $length)))
            (local.set $status (call $call (local.get $at) (local.get $n) (i32.const 1024) (local.get $id) (local.get $function) (local.get $fn) (i32.const 1024) (local.get $id) (i32.const 1)))
            (if (i32.eqz (local.get $status)) (then (call $write (i32.const 2048) (call $take (i32.const 2048) (i32.const 0) (call $reply)))))
            (local.get $status))
          (func (export "relay") (result i32) (call $relay (i32.const 0) (i32.const 7) (i32.const 13) (i32.const 4)))
          (func (export "self") (result i32) (call $relay (i32.const 7) (i32.const 6) (i32.const 17) (i32.const 5))))
        """;

    private readonly IHost _host;

    private TestSilo(IHost host, FailingStorage storage)
    {
        _host = host;
        Storage = storage;
    }

    public FailingStorage Storage { get; }

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public Engine Engine => _host.Services.GetRequiredService<SiloEngine>().Engine;

    public ActorTable Actors => _host.Services.GetRequiredService<ActorTable>();

    public SiloGuests Guests => _host.Services.GetRequiredService<SiloGuests>();

    public static async Task<TestSilo> StartAsync(Action<TarnClusterOptions>? configure = null, FailingStorage? storage = null)
    {
        storage ??= new FailingStorage();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(FreePort(), FreePort());
            silo.Configure<ClusterMembershipOptions>(static options => options.UseLivenessGossip = false);
            silo.Services.AddKeyedSingleton<IGrainStorage>(TarnClusterOptions.StorageName, storage);
            silo.AddTarn(options =>
            {
                options.Instances = 16;
                options.EnableFuel = true;
                options.RefreshInterval = TimeSpan.FromMilliseconds(50);
                configure?.Invoke(options);
            });
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return new TestSilo(host, storage);
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public async Task<GuestDeployment> RollOutAsync(string name, string text, string? tenant = null, string? initialize = null)
    {
        string hash = await Grains.UploadGuestModuleAsync(Encoding.UTF8.GetBytes(text));
        return await Grains.GetGuestCatalog().RollOutAsync(new GuestRollOut { Name = name, ModuleHash = hash, Tenant = tenant, Initialize = initialize });
    }

    /// <summary>Waits until the silo uses a version.</summary>
    public async Task UsesAsync(GuestDeployment deployment)
    {
        while (Guests.TryFind(deployment.Name) != deployment)
            await Guests.RefreshAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}

/// <summary>Keeps states in memory, as objects that are copied by the serializer of none: bytes and lists are not shared, since grains replace them. Compares versions as providers do.</summary>
internal sealed class FailingStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<string, (object State, string ETag)> _states = new();
    private int _version;

    /// <summary>What happens to a write of an actor before it is kept; throws to lose it.</summary>
    public Action<string>? BeforeWrite { get; set; }

    /// <summary>What happens after it was kept; throws to lose the confirmation.</summary>
    public Action<string>? AfterWrite { get; set; }

    public int Writes => Volatile.Read(ref _version);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (_states.TryGetValue($"{stateName}/{grainId}", out (object State, string ETag) kept))
            (grainState.State, grainState.ETag, grainState.RecordExists) = (Copy((T)kept.State), kept.ETag, true);
        else
            (grainState.State, grainState.ETag, grainState.RecordExists) = (Activator.CreateInstance<T>(), null!, false);
        return Task.CompletedTask;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string key = $"{stateName}/{grainId}";
        if (stateName == "guest")
            BeforeWrite?.Invoke(key);
        lock (_states)
        {
            string? found = _states.TryGetValue(key, out (object State, string ETag) kept) ? kept.ETag : null;
            if (found != grainState.ETag)
                throw new InconsistentStateException("The state was written by another activation.", found ?? "", grainState.ETag ?? "");
            (grainState.ETag, grainState.RecordExists) = ($"{Interlocked.Increment(ref _version)}", true);
            _states[key] = (Copy(grainState.State)!, grainState.ETag);
        }
        if (stateName == "guest")
            AfterWrite?.Invoke(key);
        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        _states.TryRemove($"{stateName}/{grainId}", out _);
        (grainState.State, grainState.ETag, grainState.RecordExists) = (Activator.CreateInstance<T>(), null!, false);
        return Task.CompletedTask;
    }

    /// <summary>Changes the stored state of an actor, as an attacker or another activation would.</summary>
    public void Tamper(string key, Action<Actors.ActorState> change)
    {
        (string name, (object State, string ETag) kept) = _states.Single(state => state.Key.EndsWith(key, StringComparison.Ordinal));
        change((Actors.ActorState)kept.State);
        _states[name] = (kept.State, $"{Interlocked.Increment(ref _version)}");
    }

    private static T Copy<T>(T state) => System.Text.Json.JsonSerializer.Deserialize<T>(System.Text.Json.JsonSerializer.Serialize(state, s_json), s_json)!;

    private static readonly System.Text.Json.JsonSerializerOptions s_json = new() { IncludeFields = true };
}

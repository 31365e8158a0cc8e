// wasi:sockets over loopback: a guest in C against sockets of the host, two guests against each other, what filters deny, what is bounded, and what ends a guest that waits.
using System.Net;
using System.Net.Sockets;
using Tarn.Components;
using Tarn.Wasi.Tests.Support;
using Tarn.Wasm.Component;
using Tarn.Wasm.Wit;

namespace Tarn.Wasi.Tests;

public sealed class SocketTests
{
    private const string Wit = """
        package wasi:io@0.2.12;
        interface error { resource error; }
        interface poll { resource pollable { block: func(); } }
        interface streams {
          use error.{error};
          variant stream-error { last-operation-failed(error), closed }
          resource input-stream { blocking-read: func(len: u64) -> result<list<u8>, stream-error>; }
          resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
        }
        """;

    private const string Sockets = """
        package wasi:sockets@0.2.12;
        interface network {
          resource network;
          enum error-code { unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
            address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset, connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,
            permanent-resolver-failure }
          enum ip-address-family { ipv4, ipv6 }
          type ipv4-address = tuple<u8, u8, u8, u8>;
          type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;
          variant ip-address { ipv4(ipv4-address), ipv6(ipv6-address) }
          record ipv4-socket-address { port: u16, address: ipv4-address }
          record ipv6-socket-address { port: u16, flow-info: u32, address: ipv6-address, scope-id: u32 }
          variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }
        }
        interface instance-network { use network.{network}; instance-network: func() -> network; }
        interface tcp-create-socket { use network.{error-code, ip-address-family}; use tcp.{tcp-socket}; create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>; }
        interface udp-create-socket { use network.{error-code, ip-address-family}; use udp.{udp-socket}; create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>; }
        interface tcp {
          use wasi:io/streams@0.2.12.{input-stream, output-stream};
          use wasi:io/poll@0.2.12.{pollable};
          use network.{network, error-code, ip-socket-address};
          enum shutdown-type { receive, send, both }
          resource tcp-socket {
            start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>;
            finish-bind: func() -> result<_, error-code>;
            start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>;
            finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>;
            start-listen: func() -> result<_, error-code>;
            finish-listen: func() -> result<_, error-code>;
            accept: func() -> result<tuple<tcp-socket, input-stream, output-stream>, error-code>;
            local-address: func() -> result<ip-socket-address, error-code>;
            hop-limit: func() -> result<u8, error-code>;
            set-hop-limit: func(value: u8) -> result<_, error-code>;
            subscribe: func() -> pollable;
            shutdown: func(shutdown-type: shutdown-type) -> result<_, error-code>;
          }
        }
        interface udp {
          use wasi:io/poll@0.2.12.{pollable};
          use network.{network, error-code, ip-socket-address};
          record incoming-datagram { data: list<u8>, remote-address: ip-socket-address }
          record outgoing-datagram { data: list<u8>, remote-address: option<ip-socket-address> }
          resource udp-socket {
            start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>;
            finish-bind: func() -> result<_, error-code>;
            %stream: func(remote-address: option<ip-socket-address>) -> result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>;
          }
          resource incoming-datagram-stream { receive: func(max-results: u64) -> result<list<incoming-datagram>, error-code>; subscribe: func() -> pollable; }
          resource outgoing-datagram-stream { check-send: func() -> result<u64, error-code>; send: func(datagrams: list<outgoing-datagram>) -> result<u64, error-code>; }
        }
        interface ip-name-lookup {
          use wasi:io/poll@0.2.12.{pollable};
          use network.{network, error-code, ip-address};
          resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>;
          resource resolve-address-stream { resolve-next-address: func() -> result<option<ip-address>, error-code>; subscribe: func() -> pollable; }
        }
        world guest {
          import instance-network; import tcp-create-socket; import udp-create-socket; import tcp; import udp; import ip-name-lookup;
          export listen: func() -> u32;
          export echo: func() -> u32;
          export connect: func(port: u32, text: list<u8>) -> u32;
          export datagram: func(port: u32, connected: bool) -> u32;
          export flood: func() -> u32;
          export hoard: func() -> u32;
          export resolve: func(name: string) -> u32;
        }
        """;

    private const uint AccessDenied = 1001;
    private const uint ConnectionRefused = 1014;

    private static readonly Lazy<Component> s_component = new(() => Component.FromBytes(Guest.Engine, Make()));
    private static readonly Lazy<ComponentTemplate> s_template = new(() => new ComponentLinker(Guest.Engine).DefineWasi().Prepare(s_component.Value));
    private static readonly WasiNetworkOptions s_loopback = new() { Filter = (_, address) => IPAddress.IsLoopback(address.Address), NameFilter = name => name == "localhost" };

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(300_000)]
    public async Task A_guest_connects_to_the_host(int length)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using Started guest = new(s_loopback);
        Task<ComponentValue?> call = guest.Call("connect", Port(listener), ComponentValue.FromBytes(Bytes(length)));
        using TcpClient client = await listener.AcceptTcpClientAsync();
        NetworkStream stream = client.GetStream();
        using MemoryStream received = new();
        await stream.CopyToAsync(received);
        Assert.Equal(Bytes(length), received.ToArray());
        await stream.WriteAsync(Bytes(length));
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal((uint)length, (await call)!.AsUInt32());
    }

    [Fact]
    public async Task The_host_connects_to_a_guest()
    {
        using Started guest = new(s_loopback);
        uint port = (await guest.Call("listen"))!.AsUInt32() - 100_000;
        Task<ComponentValue?> call = guest.Call("echo");
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, (int)port);
        NetworkStream stream = client.GetStream();
        byte[] answer = new byte[50_000];
        Task write = stream.WriteAsync(Bytes(answer.Length)).AsTask();
        await stream.ReadExactlyAsync(answer);
        await write;
        Assert.Equal(Bytes(answer.Length), answer);
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal((uint)answer.Length, (await call)!.AsUInt32());
    }

    [Fact]
    public async Task Two_guests_talk_to_each_other()
    {
        using Started server = new(s_loopback), client = new(s_loopback);
        uint port = (await server.Call("listen"))!.AsUInt32() - 100_000;
        Task<ComponentValue?> echo = server.Call("echo");
        // Less than the buffers of the kernel and of the guests together hold, since the client reads nothing until it has sent everything.
        Assert.Equal(60_000U, (await client.Call("connect", ComponentValue.FromUInt32(port), ComponentValue.FromBytes(Bytes(60_000))))!.AsUInt32());
        Assert.Equal(60_000U, (await echo)!.AsUInt32());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Datagrams_go_both_ways(bool connected)
    {
        using UdpClient host = new(new IPEndPoint(IPAddress.Loopback, 0));
        using Started guest = new(s_loopback);
        Task<ComponentValue?> call = guest.Call("datagram", ComponentValue.FromUInt32((uint)((IPEndPoint)host.Client.LocalEndPoint!).Port), ComponentValue.FromBoolean(connected));
        UdpReceiveResult received = await host.ReceiveAsync();
        Assert.Equal("hello"u8.ToArray(), received.Buffer);
        if (connected)
        {
            // From another socket, to which the guest is not connected.
            using UdpClient other = new(new IPEndPoint(IPAddress.Loopback, 0));
            await other.SendAsync(new byte[77], received.RemoteEndPoint);
        }

        await host.SendAsync(new byte[1234], received.RemoteEndPoint);
        Assert.Equal(1234U, (await call)!.AsUInt32());
    }

    [Fact]
    public async Task Nothing_is_granted_without_options()
    {
        using Started guest = new(null);
        Assert.Equal(AccessDenied, (await guest.Call("listen"))!.AsUInt32());
        Assert.Equal(AccessDenied, (await guest.Call("datagram", ComponentValue.FromUInt32(1), ComponentValue.FromBoolean(false)))!.AsUInt32());
        Assert.Equal(AccessDenied, (await guest.Call("resolve", ComponentValue.FromString("localhost")))!.AsUInt32());
    }

    [Fact]
    public async Task Each_use_of_an_address_is_filtered()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        List<(WasiSocketUse, int)> asked = [];
        WasiSocketUse denied = WasiSocketUse.TcpConnect;
        using Started guest = new(new WasiNetworkOptions
        {
            Filter = (use, address) =>
            {
                asked.Add((use, address.Port));
                return use != denied;
            },
        });
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Assert.Equal(AccessDenied, (await guest.Call("connect", Port(listener), ComponentValue.FromBytes([])))!.AsUInt32());
        Assert.Equal([(WasiSocketUse.TcpConnect, port)], asked);
        denied = WasiSocketUse.TcpBind;
        Assert.Equal(AccessDenied, (await guest.Call("listen"))!.AsUInt32());
        foreach (WasiSocketUse use in new[] { WasiSocketUse.UdpBind, WasiSocketUse.UdpConnect, WasiSocketUse.UdpSend })
        {
            denied = use;
            asked.Clear();
            Assert.Equal(AccessDenied, (await guest.Call("datagram", ComponentValue.FromUInt32(9), ComponentValue.FromBoolean(true)))!.AsUInt32());
            Assert.Equal(use, asked[^1].Item1);
        }
    }

    [Fact]
    public async Task A_refused_connection_is_told()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        ComponentValue port = Port(listener);
        listener.Stop();
        using Started guest = new(s_loopback);
        Assert.Equal(ConnectionRefused, (await guest.Call("connect", port, ComponentValue.FromBytes([])))!.AsUInt32());
    }

    [Fact]
    public async Task Names_are_resolved_where_that_is_permitted()
    {
        using Started guest = new(s_loopback);
        Assert.InRange((await guest.Call("resolve", ComponentValue.FromString("localhost")))!.AsUInt32(), 1U, 2U);
        Assert.Equal(AccessDenied, (await guest.Call("resolve", ComponentValue.FromString("host.example")))!.AsUInt32());
        foreach (string name in new[] { "", "a b", "a/b", new string('a', 300) })
            Assert.Equal(1003U, (await guest.Call("resolve", ComponentValue.FromString(name)))!.AsUInt32());
    }

    [Fact]
    public async Task Sockets_are_bounded_and_closed_with_the_instance()
    {
        WasiContext context;
        using (Started guest = new(s_loopback with { MaximumSockets = 7 }))
        {
            context = guest.Context;
            Assert.Equal((7U * 10_000) + 10, (await guest.Call("hoard"))!.AsUInt32());
        }

        Assert.Throws<Preview2.Sockets.SocketRefusedException>(() => context.Sockets.Create(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
    }

    [Fact]
    public async Task More_datagrams_than_permitted_are_a_trap()
    {
        using Started guest = new(s_loopback);
        ComponentTrapException trap = await Assert.ThrowsAsync<ComponentTrapException>(() => guest.Call("flood"));
        Assert.Contains("permitted", trap.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_waits_holds_no_thread_and_ends_with_its_token()
    {
        const int Guests = 100;
        using CancellationTokenSource stop = new();
        List<Started> all = [.. Enumerable.Range(0, Guests).Select(_ => new Started(s_loopback))];
        foreach (Started guest in all)
            await guest.Call("listen");
        int threads = System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        Task[] calls = [.. all.Select(guest => guest.Instance.GetFunction("echo").InvokeAsync([], stop.Token).AsTask())];
        await Task.Delay(300);
        Assert.All(calls, call => Assert.False(call.IsCompleted));
        Assert.InRange(System.Diagnostics.Process.GetCurrentProcess().Threads.Count - threads, int.MinValue, Guests / 2);
        await stop.CancelAsync();
        foreach (Task call in calls)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        all.ForEach(guest => guest.Dispose());
    }

    private static ComponentValue Port(TcpListener listener) => ComponentValue.FromUInt32((uint)((IPEndPoint)listener.LocalEndpoint).Port);

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)(i * 7);
        return bytes;
    }

    private static byte[] Make()
    {
        WitResolver resolver = new();
        resolver.AddText("io.wit", Wit);
        WitPackage package = resolver.AddText("sockets.wit", Sockets);
        byte[] core = ModuleMetadata.Embed(File.ReadAllBytes(Guest.PathOf("sockets")), package.Worlds["guest"], CanonicalOptionKind.Utf8);
        return ComponentMaker.Make(core, [], WasmFeatures.Wasm3, withNames: false);
    }

    private sealed class Started : IDisposable
    {
        public Started(WasiNetworkOptions? options)
        {
            Context = new WasiContext(new WasiOptions { Network = options });
            Instance = s_template.Value.Instantiate(Context);
        }

        public WasiContext Context { get; }

        public ComponentInstance Instance { get; }

        public Task<ComponentValue?> Call(string function, params ComponentValue[] arguments) => Instance.GetFunction(function).InvokeAsync(arguments).AsTask();

        public void Dispose()
        {
            Instance.Dispose();
            Context.Dispose();
        }
    }
}

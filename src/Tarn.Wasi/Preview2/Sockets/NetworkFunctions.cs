// wasi:sockets/network, instance-network and ip-name-lookup. The network is a token without power of its own: what a guest may use is decided by the filters of its context.
using System.Net;
using System.Net.Sockets;
using Tarn.Components;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Sockets;

internal static class NetworkFunctions
{
    // A name that resolves to more addresses resolves to these.
    private const int MostAddresses = 64;
    private const int MostNameLength = 253;

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:sockets/network", "network", binder.Resources.Network);
        binder.Define("wasi:sockets/network", "network-error-code", static (in Preview2Call call) =>
            ComponentValue.FromOption(call.Target<StreamError>(0).Cause is SocketException cause ? ComponentValue.FromEnum(SocketValues.Code(cause)) : null));
        binder.Define("wasi:sockets/instance-network", "instance-network", static (in Preview2Call call) => WasiResources.Give(call.Resources.Network, call.Context.Sockets));
        binder.Define("wasi:sockets/ip-name-lookup", "resolve-address-stream", binder.Resources.ResolveAddressStream);
        binder.Define("wasi:sockets/ip-name-lookup", "resolve-addresses", Resolve);
        binder.Define("wasi:sockets/ip-name-lookup", "[method]resolve-address-stream.resolve-next-address", static (in Preview2Call call) => call.Target<Lookup>(0).Next());
        binder.Define("wasi:sockets/ip-name-lookup", "[method]resolve-address-stream.subscribe", static (in Preview2Call call) =>
            WasiResources.Give(call.Resources.Pollable, call.Target<Lookup>(0).Subscribe()));
    }

    private static ComponentValue Resolve(in Preview2Call call)
    {
        string name = call[1].AsString();
        GuestSockets sockets = call.Context.Sockets;
        if (sockets.Options?.NameFilter is not Func<string, bool> filter)
            return SocketValues.Fail("access-denied");
        bool isAddress = IPAddress.TryParse(name, out IPAddress? literal);
        if (!isAddress && (name.Length is 0 or > MostNameLength || Uri.CheckHostName(name) != UriHostNameType.Dns))
            return SocketValues.Fail("invalid-argument");
        if (!filter(name))
            return SocketValues.Fail("access-denied");
        try
        {
            sockets.Reserve();
        }
        catch (SocketRefusedException e)
        {
            return SocketValues.Fail(e);
        }

        return ComponentValue.Ok(WasiResources.Give(call.Resources.ResolveAddressStream, new Lookup(sockets, name, literal)));
    }

    /// <summary>The object behind a resolve-address-stream.</summary>
    private sealed class Lookup : IDisposable
    {
        private readonly GuestSockets _owner;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task<IPAddress[]> _addresses;
        private int _next;

        public Lookup(GuestSockets owner, string name, IPAddress? literal)
        {
            _owner = owner;
            _addresses = literal is null ? Dns.GetHostAddressesAsync(name, _stop.Token) : Task.FromResult<IPAddress[]>([literal]);
            _ = _addresses.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }

        public ComponentValue Next()
        {
            if (!_addresses.IsCompleted)
                return SocketValues.Fail("would-block");
            if (!_addresses.IsCompletedSuccessfully)
                return _addresses.Exception?.InnerException is Exception failure ? SocketValues.Fail(failure) : SocketValues.Fail("unknown");
            IPAddress[] addresses = _addresses.Result;
            if (_next >= Math.Min(addresses.Length, MostAddresses))
                return ComponentValue.Ok(ComponentValue.FromOption(null));
            IPAddress address = addresses[_next++];
            return ComponentValue.Ok(ComponentValue.FromOption(SocketValues.OfAddress(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)));
        }

        public Pollable Subscribe() => new(
            () => _addresses.IsCompleted,
            async token =>
            {
                await _addresses.WaitAsync(token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
                token.ThrowIfCancellationRequested();
            });

        public void Dispose()
        {
            _stop.Cancel();
            _stop.Dispose();
            _owner.Unreserve();
        }
    }
}
